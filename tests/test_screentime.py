"""Sums of ranges are exact; the timeline keeps its size and loses nothing."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream import screentime
from stream.screentime import BIN_COUNT, ScreenTime, Timeline
from stream.spans import Span

HOUR_US = 3_600_000_000


def filled(*spans: tuple[str, int, int]) -> ScreenTime:
    made = ScreenTime()
    for label, begin_us, end_us in spans:
        made.add(Span(label, begin_us, end_us, 1.0))
    return made


def test_a_use_says_how_long_how_often_first_last_and_the_longest() -> None:
    use = filled(("a", 5, 9), ("b", 9, 20), ("a", 20, 30), ("a", 1, 2)).uses["a"]
    assert (use.us, use.count, use.first_us, use.last_us, use.longest_us) == (15, 3, 1, 30, 10)


@given(st.lists(st.integers(0, HOUR_US), min_size=2, max_size=40, unique=True).map(sorted))
def test_the_timeline_loses_no_microsecond_however_long_it_gets(edges: list[int]) -> None:
    made = filled(*((f"{i % 3}", begin, end) for i, (begin, end) in enumerate(pairwise(edges))))
    for label, use in made.uses.items():
        assert made.timeline._bins[label].sum() == use.us
        assert made.timeline._bins[label].max() <= made.timeline.width_us
        assert len(made.timeline._bins[label]) == BIN_COUNT
    assert edges[-1] <= BIN_COUNT * made.timeline.width_us < max(2 * edges[-1], 2 * BIN_COUNT * 1000)


def test_the_timeline_says_when_a_label_was_on() -> None:
    timeline = filled(("a", 0, 1_000_000), ("b", 1_000_000, 3_500_000), ("a", 3_500_000, 4_000_000)).timeline
    assert timeline.shares("a", 4_000_000, 4) == pytest.approx([1, 0, 0, 0.5], abs=0.01)
    assert timeline.shares("b", 4_000_000, 4) == pytest.approx([0, 1, 1, 0.5], abs=0.01)
    assert not timeline.shares("never", 4_000_000, 4).any()


def test_memory_does_not_grow_with_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screentime, "BIN_COUNT", 64)
    timeline = Timeline()
    for i in range(20_000):
        timeline.add(Span("ab"[i % 2], 100_000 * i, 100_000 * (i + 1), 1.0))
    assert sum(bins.size for bins in timeline._bins.values()) == 2 * 64
    assert np.sum(list(timeline._bins.values())) == 20_000 * 100_000
