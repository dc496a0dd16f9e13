"""A report as one page of HTML that needs nothing else: no script, no font, no picture from elsewhere."""

from collections.abc import Iterator, Sequence
from html import escape

from stream.report.lanes import clock, lanes, runs, ticks
from stream.report.record import EVENTS, LABELS, Report, Row, Total, colours, total

PART_COUNT = 800
"""Count: parts into which a lane is cut."""
WORDS = {
    LABELS: ("On top", "The most probable label of each frame that was used, until the next one. These times add up."),
    EVENTS: ("Events", "Actions that passed the thresholds, from their first frame to the first that no longer held."),
}
"""View -> its heading, and what it shows."""

STYLE = """
:root { color-scheme: light dark; --ink: #22272e; --faint: #68707a; --line: #e3e6ea; --lane: #f3f4f6; --paper: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --faint: #9aa3ad; --line: #343b44; --lane: #262c34; --paper: #1b2027 }
}
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 76rem; padding: 0 1.5rem }
h1 { font-size: 1.35rem; margin: 0; overflow-wrap: anywhere } h2 { font-size: 1.05rem; margin: 2.2rem 0 0 }
p { color: var(--faint); margin: .15rem 0 .8rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { font-weight: 500; font-size: .8rem; color: var(--faint); text-align: right; padding: .2rem .6rem }
td { text-align: right; padding: .28rem .6rem; border-top: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
td:first-child { white-space: normal; min-width: 8rem } .wide { width: 38% } .bar { width: 9rem }
.bar > div { min-width: 4rem } .bar div div { height: .8rem; border-radius: 2px; min-width: 1px }
svg { display: block; width: 100%; min-width: 11rem; height: 1.15rem; background: var(--lane); border-radius: 2px }
tfoot td { border: 0; padding-top: .1rem } tfoot div { position: relative; height: 1.2rem; font-size: .75rem }
tfoot span { position: absolute; transform: translateX(-50%); color: var(--faint) }
tfoot span:first-child { transform: none } td.none { text-align: left; color: var(--faint) }
a { color: inherit } @media print { body { margin: 0 } }
"""


def page(report: Report) -> str:
    """Return the page of one video."""
    seen = f" seen, {report.note}" if report.note else ""
    facts = f"{clock(report.length_s, 2)}{seen}, labelled by {report.card.name}"
    return _document(report.video, facts, (_section(view, _rows(report, view)) for view in WORDS))


def total_page(reports: Sequence[Report], names: Sequence[str]) -> str:
    """Return the page of several videos together; `names` are the files of their own pages."""
    length_s = sum(report.length_us for report in reports) / 1e6
    facts = f"{clock(length_s, 2)} in all, labelled by {reports[0].card.name}"
    sections = [_section(view, _totals(reports, view)) for view in WORDS]
    return _document(f"{len(reports)} videos", facts, (*sections, _videos(reports, names)))


def _document(title: str, facts: str, sections: Iterator[str] | Sequence[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Screen time: {escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n<p>{escape(facts)}</p>\n{''.join(sections)}</body>\n</html>\n"
    )


def _section(view: str, table: str) -> str:
    heading, words = WORDS[view]
    return f"<h2>{heading}</h2>\n<p>{words}</p>\n{table}"


def _rows(report: Report, view: str) -> str:
    """Return a table with a row a label: numbers, bar and lane."""
    rows, tint, most_s = report.rows(view), colours(report.card), _most_s(report.rows(LABELS), report.rows(EVENTS))
    if not rows:
        return '<table><tr><td class="none">none</td></tr></table>\n'
    head = ("label", "time", "share", "", "times", "longest", "first", "last", "")
    drawn = set(lanes(report))
    lines = [
        _line(
            *_numbers(row, row.seconds / most_s, tint[row.label]),
            clock(row.first_s),
            clock(row.last_s),
            _wide(_lane(report, view, row.label, tint[row.label]) if row.label in drawn else ""),
        )
        for row in rows
    ]
    foot = f'<tfoot><tr><td colspan="{len(head) - 1}"></td><td class="wide">{_axis(report.length_s)}</td></tr></tfoot>'
    return _table(head, lines, foot)


def _totals(reports: Sequence[Report], view: str) -> str:
    rows, tint = total(reports, view), colours(reports[0].card)
    most_s = _most_s(total(reports, LABELS), total(reports, EVENTS))
    if not rows:
        return '<table><tr><td class="none">none</td></tr></table>\n'
    head = ("label", "time", "share", "", "times", "longest", "videos")
    return _table(head, [_line(*_numbers(row, row.seconds / most_s, tint[row.label]), str(row.videos)) for row in rows])


def _videos(reports: Sequence[Report], names: Sequence[str]) -> str:
    """Return a table with a row a video: its length, what was on longest, and every label in one lane."""
    lines = [
        _line(
            f'<a href="{escape(name, quote=True)}">{escape(report.video)}</a>',
            clock(report.length_s, 2),
            escape(report.rows(LABELS)[0].label) if report.rows(LABELS) else "",
            _wide(_strip(report)),
        )
        for report, name in zip(reports, names, strict=True)
    ]
    return (
        f"<h2>Videos</h2>\n<p>Each over its own length.</p>\n{_table(('video', 'length', 'longest on top', ''), lines)}"
    )


def _most_s(*views: Sequence[Row] | Sequence[Total]) -> float:
    """Return how many seconds a full bar stands for, the same in both views."""
    return max((row.seconds for rows in views for row in rows), default=1.0)


def _numbers(row: Row | Total, part: float, colour: str) -> tuple[str, ...]:
    bar = f'<div style="width:{100 * part:.2f}%;background:{colour}"></div>'
    share = f"{100 * row.share:.1f} %"
    return escape(row.label), clock(row.seconds, 2), share, _bar(bar), str(row.occurrences), clock(row.longest_s)


def _lane(report: Report, view: str, label: str, colour: str) -> str:
    return _svg(_rects(report, view, label, colour))


def _strip(report: Report) -> str:
    tint = colours(report.card)
    return _svg("".join(_rects(report, LABELS, label, tint[label], label) for label in lanes(report)))


def _rects(report: Report, view: str, label: str, colour: str, name: str = "") -> str:
    """Draw a label's runs; each says when it was, to who points at it."""
    words = f"{escape(name)} " if name else ""
    return "".join(
        f'<rect x="{PART_COUNT * run.begin:.0f}" y="0" width="{PART_COUNT * (run.end - run.begin):.0f}" height="10" '
        f'fill="{colour}" fill-opacity="{run.share:g}"><title>{words}{clock(run.begin * report.length_s)} to '
        f"{clock(run.end * report.length_s)}</title></rect>"
        for run in runs(report, view, label, PART_COUNT)
    )


def _svg(inside: str) -> str:
    return f'<svg viewBox="0 0 {PART_COUNT} 10" preserveAspectRatio="none">{inside}</svg>'


def _axis(length_s: float) -> str:
    marks = (
        f'<span style="left:{100 * mark_s / max(length_s, 1e-6):.2f}%">{words}</span>'
        for mark_s, words in ticks(length_s, 6)
        if mark_s <= 0.97 * length_s
    )
    return f"<div>{''.join(marks)}</div>"


def _bar(inside: str) -> str:
    return f'<td class="bar"><div>{inside}</div></td>'


def _wide(inside: str) -> str:
    return f'<td class="wide">{inside}</td>'


def _line(*cells: str) -> str:
    return f"<tr>{''.join(cell if cell.startswith('<td') else f'<td>{cell}</td>' for cell in cells)}</tr>"


def _table(head: Sequence[str], lines: Sequence[str], foot: str = "") -> str:
    names = "".join(f"<th>{name}</th>" for name in head)
    return f"<table>\n<thead><tr>{names}</tr></thead>\n<tbody>\n{chr(10).join(lines)}\n</tbody>{foot}\n</table>\n"
