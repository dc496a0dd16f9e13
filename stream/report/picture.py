"""A report as a PNG: how long each label was on, and when, in one row a label."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stream.colours import DARK, GREY
from stream.errors import UsageError
from stream.report.lanes import LANE_COUNT, clock, lanes, runs, ticks
from stream.report.record import EVENTS, LABELS, Report, colours, total

PART_COUNT = 1200
"""Count: parts into which a lane is cut."""


def draw(report: Report, path: Path) -> None:
    """Write the PNG of one video.

    Raises:
        UsageError: the file cannot be written.
    """
    names = lanes(report)
    figure, (bars, times) = _figure(len(names), f"{report.video}   {report.card.name}", (1, 3))
    uses = {row.label: row for row in report.rows(LABELS)}
    _bars(bars, [(name, *((uses[name].seconds, uses[name].share) if name in uses else (0.0, 0.0))) for name in names])
    _colour(bars, names, colours(report.card))
    _lanes(times, report, names)
    _save(figure, path)


def draw_total(reports: Sequence[Report], path: Path) -> None:
    """Write the PNG of several videos together.

    Raises:
        UsageError: the file cannot be written.
    """
    rows = total(reports, LABELS)[:LANE_COUNT]
    figure, (bars,) = _figure(len(rows), f"{len(reports)} videos   {reports[0].card.name}", (1,))
    _bars(bars, [(row.label, row.seconds, row.share) for row in rows])
    _colour(bars, [row.label for row in rows], colours(reports[0].card))
    _save(figure, path)


def _figure(count: int, title: str, widths: tuple[int, ...]) -> tuple[Figure, list[Axes]]:
    figure = Figure(
        figsize=(13 if len(widths) > 1 else 8, 1.5 + 0.36 * max(1, count)),
        dpi=110,
        layout="constrained",
        facecolor="white",
    )
    axes = figure.subplots(1, len(widths), sharey=True, squeeze=False, width_ratios=widths)[0]
    figure.suptitle(title, x=0.008, ha="left", fontsize=11, color=DARK, fontweight="bold", parse_math=False)
    for axis in axes:
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.spines["bottom"].set_color("#d5d9de")
        axis.tick_params(axis="y", length=0)
        axis.tick_params(axis="x", colors=DARK, labelsize=9)
        axis.set_ylim(max(1, count) - 0.4, -0.6)
    return figure, list(axes)


def _bars(axes: Axes, rows: Sequence[tuple[str, float, float]]) -> None:
    """Draw label, seconds and share of each row."""
    most = max((seconds for _, seconds, _ in rows), default=1.0) or 1.0
    axes.barh(range(len(rows)), [seconds for _, seconds, _ in rows], height=0.66)
    for place, (_, seconds, share) in enumerate(rows):
        words = f"{clock(seconds)}  {100 * share:.1f} %"
        axes.annotate(words, (seconds, place), (4, 0), textcoords="offset points", va="center", fontsize=9, color=DARK)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize=10, parse_math=False)
    axes.set_xlim(0, 1.55 * most)
    _time_axis(axes, most, 4)
    axes.set_xlabel("time on top", fontsize=9, color=DARK)


def _colour(axes: Axes, names: Sequence[str], tint: dict[str, str]) -> None:
    for bar, name in zip(axes.patches, names, strict=True):
        bar.set_facecolor(tint[name])


def _lanes(axes: Axes, report: Report, names: Sequence[str]) -> None:
    """Draw when each label was on top, and below it when it was an event."""
    tint = colours(report.card)
    for place, name in enumerate(names):
        for view, bottom, height in ((LABELS, place - 0.33, 0.66), (EVENTS, place + 0.38, 0.09)):
            for run in runs(report, view, name, PART_COUNT):
                begin_s, width_s = run.begin * report.length_s, (run.end - run.begin) * report.length_s
                colour = tint[name] if view == LABELS else DARK
                axes.broken_barh([(begin_s, width_s)], (bottom, height), facecolor=colour, alpha=run.share, linewidth=0)
        axes.axhline(place + 0.5, color="#eef0f2", linewidth=0.8, zorder=0)
    axes.set_xlim(0, max(report.length_s, 1e-3))
    axes.tick_params(axis="y", labelleft=False)
    _time_axis(axes, report.length_s, 12)
    axes.set_xlabel("when it was on top; dark lines: events", fontsize=9, color=DARK)
    if not report.is_complete:
        axes.set_title(report.note, fontsize=9, color=GREY, loc="right")


def _time_axis(axes: Axes, length_s: float, most: int) -> None:
    marks = ticks(length_s, most)
    axes.set_xticks([mark_s for mark_s, _ in marks], [words for _, words in marks])


def _save(figure: Figure, path: Path) -> None:
    try:
        figure.savefig(path)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
