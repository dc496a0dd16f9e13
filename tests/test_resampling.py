"""The model's frame rate is kept by timestamp, whatever the camera's clock does."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.resampling import Resampler

MODELS_FPS = st.sampled_from([5.0, 8.0, 10.0, 12.0])


def chosen(offsets_s: list[float], fps: float) -> list[float]:
    resampler = Resampler(fps)
    return [offset_s for offset_s in offsets_s if resampler.takes(offset_s)]


@pytest.mark.parametrize("source_fps", [12.5, 15, 23.976, 24, 25, 29.97, 30, 50, 59.94, 60, 120])
@pytest.mark.parametrize("fps", [5.0, 10.0, 12.0])
def test_a_faster_source_is_brought_to_the_models_rate(source_fps: float, fps: float) -> None:
    seconds = 600
    used = chosen([i / source_fps for i in range(round(seconds * source_fps))], fps)
    assert abs(len(used) - seconds * fps) <= 1
    assert max(b - a for a, b in pairwise(used)) < 1 / fps + 1 / source_fps


@settings(deadline=None, max_examples=50)
@given(source_fps=st.floats(10, 120), fps=MODELS_FPS, jitter=st.floats(0, 0.2), seed=st.integers(0, 2**32))
def test_jitter_leaves_the_average_rate_right(source_fps: float, fps: float, jitter: float, seed: int) -> None:
    generator, seconds = random.Random(seed), 60
    count = round(seconds * source_fps)
    used = chosen([(i + generator.uniform(-jitter, jitter)) / source_fps for i in range(count)], fps)
    assert abs(len(used) - seconds * min(fps, source_fps)) <= 3


@settings(deadline=None, max_examples=50)
@given(source_fps=st.floats(0.1, 9.9), fps=st.sampled_from([10.0, 12.0]), jitter=st.floats(0, 0.04))
def test_a_slower_source_is_used_whole(source_fps: float, fps: float, jitter: float) -> None:
    offsets_s = [(i + jitter * (-1) ** i) / source_fps for i in range(200)]
    assert len(chosen(offsets_s, fps)) >= len(offsets_s) - 1


@settings(deadline=None, max_examples=50)
@given(gaps=st.lists(st.floats(0.001, 5), min_size=1, max_size=60), fps=MODELS_FPS)
def test_no_stretch_of_time_gives_more_frames_than_the_rate_and_a_short_burst(gaps: list[float], fps: float) -> None:
    offsets_s = [0.0]
    for gap in gaps:
        offsets_s.append(offsets_s[-1] + gap)
    used = chosen(offsets_s, fps)
    assert used[0] == 0.0
    for i, begin_s in enumerate(used):
        for j in range(i, len(used)):
            assert j - i + 1 <= (used[j] - begin_s) * fps + 3.6


@pytest.mark.parametrize(("source_fps", "fps"), [(30, 10.0), (24, 12.0), (10, 10.0), (12, 12.0), (60, 12.0), (25, 5.0)])
def test_timestamps_rounded_to_the_millisecond_choose_the_same_frames(source_fps: int, fps: float) -> None:
    exact = [i / source_fps for i in range(1000)]
    assert [round(s, 3) for s in chosen(exact, fps)] == chosen([round(s, 3) for s in exact], fps)


def test_after_a_stall_of_hours_the_rate_is_the_models_again() -> None:
    offsets_s = [0.0, *(3600 + i / 30 for i in range(300))]
    assert len(chosen(offsets_s, 10.0)) <= 1 + 100 + 2
    assert math.isclose(chosen(offsets_s, 10.0)[1], 3600)
