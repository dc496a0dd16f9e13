"""What is written of a video: numbers that add up, a page that needs nothing else, pictures."""

import csv
import io
import json
import sys
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stream.config import SessionSettings
from stream.errors import Unusable, UsageError
from stream.pipeline import Session, run
from stream.report import files, page, tables
from stream.report.lanes import clock, runs, ticks
from stream.report.record import EVENTS, LABELS, Recorder, Report, total
from stream.types import Frame
from tests.toy import CARD, Plain, Shelf, Toy

RAW = SessionSettings(smoothing_s=0, min_duration_s=0, deny=("lately red", "lately green", "lately blue"))


def report(*parts: tuple[str, int], video: str = "a film", **options: float) -> Report:
    """Report on plain frames of each colour in turn, a tenth of a second apart."""
    colours = [colour for colour, count in parts for _ in range(count)]
    frames = [
        Frame(Plain() if colour == "dark" else Plain(**{colour: 1.0}), i / 10, 0, 0.1)
        for i, colour in enumerate(colours)
    ]
    recorder = Recorder(**options)
    with suppress(Unusable):  # a film without frames is reported all the same
        run(Shelf(frames), Session(Toy(), RAW), recorder.send)
    return recorder.finish(video, CARD)


FILM = (("dark", 4), ("red", 3), ("dark", 2), ("red", 1), ("green", 5))


def test_the_seconds_of_the_labels_on_top_add_up_to_the_length() -> None:
    made = report(*FILM)
    assert made.length_us == 1_500_000
    assert sum(use.us for use in made.views[LABELS].uses.values()) == made.length_us
    assert sum(row.share for row in made.rows(LABELS)) == pytest.approx(1.0, abs=1e-12)


def test_each_label_says_how_often_and_when() -> None:
    [dark, green, red] = report(*FILM).rows(LABELS)
    assert (dark.label, dark.seconds, dark.occurrences, dark.first_s, dark.last_s) == ("dark", 0.6, 2, 0.0, 0.9)
    assert (green.label, green.seconds, green.longest_s, green.last_s) == ("green", 0.5, 0.5, 1.5)
    assert (red.label, red.seconds, red.occurrences, red.longest_s) == ("red", 0.4, 2, 0.3)


def test_the_background_is_no_event() -> None:
    assert [(row.label, row.seconds) for row in report(*FILM).rows(EVENTS)] == [("green", 0.5), ("red", 0.4)]


def test_the_column_of_seconds_adds_up_as_it_is_printed() -> None:
    rows = list(csv.DictReader(io.StringIO(tables.to_csv([report(*FILM)]))))
    assert f"{sum(float(row['seconds']) for row in rows if row['view'] == LABELS):.6f}" == "1.500000"
    assert {row["video"] for row in rows} == {"a film"}


def test_several_videos_add_up() -> None:
    both = [report(*FILM), report(("green", 5))]
    [green, dark, red] = total(both, LABELS)
    assert (green.label, green.seconds, green.share, green.videos) == ("green", 1.0, 0.5, 2)
    assert (dark.videos, red.videos, red.occurrences) == (1, 1, 2)
    assert tables.total_json(both)["length_s"] == 2.0


class Page(HTMLParser):
    """Collects what a page asks for from elsewhere, and checks that its tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.open, self.text = list[str](), list[str](), ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.asked += [value or "" for name, value in attributes if name in ("src", "href")]
        self.asked += [tag] if tag in ("script", "link", "img", "iframe") else []
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(text: str) -> Page:
    found = Page()
    found.feed(text)
    assert not found.open
    return found


def test_the_page_is_whole_and_asks_for_nothing_from_elsewhere() -> None:
    found = parsed(page.page(report(*FILM, video="<b>&amp;.mp4")))
    assert found.asked == []
    assert "<b>&amp;.mp4" in found.text
    assert all(name in found.text for name in ("dark", "red", "green", "33.3 %"))
    assert "@import" not in found.text
    assert "url(" not in found.text


def test_the_page_of_several_leads_to_the_page_of_each() -> None:
    found = parsed(page.total_page([report(*FILM), report(("green", 5))], ["a.html", 'b".html']))
    assert found.asked == ["a.html", 'b".html']


def test_a_lane_is_cut_where_the_label_changes() -> None:
    found = list(runs(report(*FILM), LABELS, "red", 15))
    assert [(round(15 * run.begin), round(15 * run.end), run.share) for run in found] == [(4, 7, 1.0), (9, 10, 1.0)]


@pytest.mark.parametrize(
    ("parts", "form"), [(FILM, "png"), ((("dark", 1),), "png"), ((), "png"), ((), "html"), ((), "csv"), ((), "json")]
)
def test_any_video_is_written(parts: tuple[tuple[str, int], ...], form: str, tmp_path: Path) -> None:
    if form == "png":
        pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    made = report(*parts, video="$\\nope{$ _ ^")
    files.write(made, tmp_path, "a", files.FORMS if form == "png" else (form,))
    files.write_total([made, made], tmp_path, ["a", "b"], (form,))
    for stem in ("a", "all"):
        content = files.place(tmp_path, stem, form).read_bytes()
        assert content.startswith(b"\x89PNG") == (form == "png")
        assert form != "json" or json.loads(content)["labels"] == []


def test_files_of_the_same_name_do_not_overwrite_each_other() -> None:
    assert files.stems(["a/1.mp4", "b/1.mp4", "1-2.mp4", "all.mp4"]) == ["1", "1-2", "1-2-2", "all-2"]
    assert files.stems(["all.mp4"]) == ["all"]
    assert files.stems(["synthetic://gestures?seconds=3", "rtsp://h/a b?c=/d"]) == ["gestures", "a b"]


def test_an_unknown_form_is_refused_with_the_known_ones() -> None:
    for text in ("html,abacus", "", ","):
        with pytest.raises(UsageError, match="html,png,csv,json,vtt,activitynet"):
            files.choose(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3.14159, "3.1 s"),
        (59.96, "60.0 s"),
        (60, "1:00.0"),
        (245.04, "4:05.0"),
        (3599.99, "1:00:00"),
        (3723.4, "1:02:03"),
    ],
)
def test_times_are_for_people(seconds: float, words: str) -> None:
    assert clock(seconds) == words


@pytest.mark.parametrize("length_s", [0.3, 2, 40, 61, 3600, 100_000, 10_000_000])
def test_an_axis_has_a_few_round_marks(length_s: float) -> None:
    marks = ticks(length_s)
    assert 2 <= len(marks) <= 11
    assert marks[0][0] == 0
    assert marks[-1][0] <= length_s


def test_without_what_draws_it_every_other_form_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "png" in files.usual()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert files.usual() == tuple(form for form in files.FORMS if form != "png")
