"""Ranges of time are half-open, follow each other without gap or overlap, and add up exactly."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import SessionSettings
from stream.errors import UnknownPart
from stream.pipeline import Session, run
from stream.spans import NO_LABEL, EventSpans, Span, Spans, TopSpans, view
from stream.types import Frame
from tests.toy import Plain, Shelf, Toy

RAW = SessionSettings(smoothing_s=0, min_duration_s=0, deny=("lately red", "lately green", "lately blue"))
TENTH = 100_000


def film(*parts: tuple[str, int], step_s: float = 0.1, **frame: float) -> list[Frame]:
    """Plain frames of each colour in turn, `step_s` apart."""
    colours = [colour for colour, count in parts for _ in range(count)]
    return [
        Frame(Plain(**{colour: 1.0} if colour != "dark" else {}), i * step_s, 0, **frame)
        for i, colour in enumerate(colours)
    ]


def spans_of(spans: Spans, frames: list[Frame], settings: SessionSettings = RAW) -> list[Span]:
    found: list[Span] = []
    run(Shelf(frames), Session(Toy(), settings), lambda frame, update: found.extend(spans.take(frame, update)))
    return found + spans.finish()


def ranges(found: list[Span]) -> list[tuple[str, int, int]]:
    return [(span.label, span.begin_us, span.end_us) for span in found]


def test_the_top_label_lasts_until_the_next_used_frame() -> None:
    found = spans_of(TopSpans(), film(("red", 3), ("green", 2), ("red", 1)))
    assert ranges(found) == [("red", 0, 3 * TENTH), ("green", 3 * TENTH, 5 * TENTH), ("red", 5 * TENTH, 6 * TENTH)]
    assert found[0].probability == pytest.approx(1, abs=1e-3)


def test_frames_that_were_not_used_lengthen_the_last_range() -> None:
    frames = film(("red", 3), ("green", 9), step_s=1 / 30)
    [red, green] = spans_of(TopSpans(), frames)
    assert (red.end_us, green.begin_us) == (TENTH, TENTH)
    assert green.end_us == 4 * TENTH


def test_the_last_frame_lasts_as_long_as_its_stream_says() -> None:
    assert spans_of(TopSpans(), film(("red", 2), duration_s=0.35))[-1].end_us == 450_000
    assert spans_of(TopSpans(), film(("red", 1)))[-1].end_us == 40_000


def test_a_label_that_is_hardly_probable_counts_as_none() -> None:
    frames = [Frame(Plain(red=0.5), 0.0, 0), Frame(Plain(red=1.0), 0.1, 0)]
    found = spans_of(TopSpans(min_probability=0.9), frames)
    assert [span.label for span in found] == [NO_LABEL, "red"]


def test_where_every_label_is_denied_there_is_none() -> None:
    settings = SessionSettings(deny=Toy().card.labels)
    assert ranges(spans_of(TopSpans(), film(("red", 4)), settings)) == [(NO_LABEL, 0, 4 * TENTH)]


def test_an_event_lasts_until_the_first_frame_that_does_not_hold_it() -> None:
    found = spans_of(EventSpans(), film(("red", 3), ("dark", 2), ("green", 2)))
    assert ranges(found) == [("red", 0, 3 * TENTH), ("green", 5 * TENTH, 7 * TENTH)]


def test_an_event_of_a_single_last_frame_has_a_length() -> None:
    assert ranges(spans_of(EventSpans(), film(("dark", 2), ("red", 1)))) == [("red", 2 * TENTH, 3 * TENTH)]


def test_an_event_that_a_cut_or_a_gap_ends_lasts_until_the_next_frame() -> None:
    late = [Frame(frame.picture, frame.offset_s + 10, 0) for frame in film(("dark", 2))]
    assert ranges(spans_of(EventSpans(), film(("red", 2)) + late)) == [("red", 0, 10_000_000)]


def test_an_unknown_view_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownPart, match="known: events, labels"):
        view("nothing")


@given(
    st.lists(st.tuples(st.sampled_from(["red", "green", "blue", "dark"]), st.integers(1, 4)), min_size=1, max_size=12),
    st.floats(1e-3, 2.0),
)
def test_ranges_of_the_top_label_tile_the_video(parts: list[tuple[str, int]], step_s: float) -> None:
    frames = film(*parts, step_s=step_s, duration_s=step_s)
    found = spans_of(TopSpans(), frames)
    assert found[0].begin_us == 0
    assert found[-1].end_us == round((frames[-1].offset_s + step_s) * 1e6)
    for first, second in pairwise(found):
        assert first.end_us == second.begin_us
        assert first.label != second.label
