"""The laps of a session are counted by a clock that only the stages turn."""

import numpy as np

from stream.bench.feed import STAGES, feed
from stream.types import Array, State
from tests.toy import Plain, Toy


class Clock:
    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


class Slow(Toy):
    """A step takes 500 ns."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        self._clock.now_ns += 500
        return super().step(clip, state, decay)


class Costly(Plain):
    """Converting takes 70 ns."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(red=1.0)
        self._clock = clock

    def rgb(self, width_px: int | None = None, height_px: int | None = None) -> Array:  # type: ignore[override]
        self._clock.now_ns += 70
        return super().rgb(width_px, height_px)  # type: ignore[return-value]


def costly(clock: Clock) -> Costly:
    """Decode in 900 ns."""
    clock.now_ns += 900
    return Costly(clock)


def test_each_stage_has_its_own_time_and_all_but_the_step_is_around_it() -> None:
    clock = Clock()
    found = feed(Slow(clock), [lambda: costly(clock)] * 3, 5, clock)
    assert found.keys() == {*STAGES, "around the step"}
    assert np.array_equal(found["decode"], np.full((1, 5), 900))
    assert np.array_equal(found["preprocess"], np.full((1, 5), 70))
    assert np.array_equal(found["step"], np.full((1, 5), 500))
    assert np.array_equal(found["smooth"], np.zeros((1, 5)))
    assert np.array_equal(found["around the step"], np.full((1, 5), 70))
