"""The event protocol: clips judged by the events that a user would get."""

import io
import math
from pathlib import Path

import pytest
from rich.console import Console

from stream.cli import protocols
from stream.config import SessionSettings
from stream.evaluation import events
from stream.evaluation.events import Watched
from stream.recogniser import Recogniser
from stream.training.datasets import Sample
from tests import films
from tests.toy import Toy

TOY = Recogniser(Toy())
RAW = SessionSettings(smoothing_s=0, deny=("lately red", "lately green", "lately blue"))


def test_a_clip_is_watched_by_a_session_of_its_own_to_its_end(tmp_path: Path) -> None:
    both = films.write(tmp_path / "a.mp4", ("dark", 3), ("green", 6), ("red", 9))
    dark = films.write(tmp_path / "b.mp4", ("dark", 10))
    seen = list(events.watch(TOY, [Sample(both, "red"), Sample(dark, "dark")], RAW))
    assert [one.begun for one in seen] == [("green", "red"), ()], "dark is background"
    assert seen[0].likeliest == "red"
    assert [one.length_s for one in seen] == pytest.approx([1.8, 1.0], abs=1e-3)


def test_an_action_that_is_not_told_before_the_clip_ends_is_missed(tmp_path: Path) -> None:
    short = films.write(tmp_path / "a.mp4", ("dark", 5), ("red", 2))
    (seen,) = events.watch(TOY, [Sample(short, "red")], RAW)
    assert seen.begun == ()


def measured(*rows: tuple[str, tuple[str, ...], str, str]) -> events.Events:
    """Measure clips of half a minute: what they show, their events, the likeliest action, their group."""
    samples = [Sample(Path(f"{place}.mp4"), shown) for place, (shown, *_) in enumerate(rows)]
    watched = [Watched(30.0, begun, likeliest) for _, begun, likeliest, _ in rows]
    return events.measure(samples, watched, [group for *_, group in rows], ("dark",))


def test_right_events_first_events_and_the_likeliest_action_are_three_figures() -> None:
    found = measured(
        ("red", ("green", "red"), "red", "a"),
        ("red", (), "red", "b"),
        ("green", ("green",), "green", "b"),
        ("dark", (), "red", "a"),
    )
    assert found.every is not None
    shares = [figure.value for figure in (found.every.found, found.every.first, found.every.likeliest)]
    assert shares == pytest.approx([2 / 3, 1 / 3, 1])
    assert found.actions["red"].said == {"green": 1, events.NONE: 1}
    assert (found.every.clips, found.groups) == (3, 2)


def test_every_event_on_the_background_is_false_and_its_interval_draws_groups() -> None:
    found = measured(
        ("dark", ("red", "red", "green"), "red", "a"),
        ("dark", (), "red", "b"),
        ("dark", (), "red", "c"),
        ("red", ("blue",), "red", "b"),
    )
    assert found.false == {"red": 2, "green": 1}
    assert found.false_per_minute.value == pytest.approx(2.0)
    assert (found.false_per_minute.low, found.false_per_minute.high) == (0, 6)
    assert found.quiet.value == pytest.approx(2 / 3)
    assert (found.background_clips, found.background_s) == (3, 30.0 * 3)
    assert math.isnan(measured(("dark", ("red",), "red", "a"), ("dark", (), "red", "b")).false_per_minute.low)


def test_what_was_said_on_the_background_reads_as_what_was_said() -> None:
    console = Console(record=True, width=300, file=io.StringIO())
    rows = [("dark", ("red", "red", "green"), "red", "a"), *(("dark", (), "red", group) for group in "bcd")]
    protocols.show_events(console, measured(*rows))
    line = console.export_text().strip()
    assert line.startswith("false events a minute: 1.50 (")
    assert "over 2.0 min of 4 clips; quiet clips: 75.0 % (" in line
    assert line.endswith("; what was said: red 2, green 1")


def test_clips_of_background_alone_have_no_actions() -> None:
    assert measured(("dark", (), "red", "a"), ("dark", (), "red", "b")).every is None
