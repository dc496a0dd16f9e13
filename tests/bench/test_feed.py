"""The laps of a session are counted by a clock that only the stages turn."""

import numpy as np

from stream.bench.feed import STAGES, feed
from stream.bench.meter import Plan
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
    found = feed({"slow": Slow(clock)}, [lambda: costly(clock)] * 3, Plan(rounds=2, burst=4), clock)["slow"]
    assert found.keys() == {*STAGES, "around the step"}
    assert np.array_equal(found["decode"], np.full((2, 3), 900))
    assert np.array_equal(found["preprocess"], np.full((2, 3), 70))
    assert np.array_equal(found["step"], np.full((2, 3), 500))
    assert np.array_equal(found["smooth"], np.zeros((2, 3)))
    assert np.array_equal(found["around the step"], np.full((2, 3), 70))


def test_engines_are_fed_in_turns_of_a_burst_each() -> None:
    clock, order = Clock(), []

    class Noted(Slow):
        def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
            order.append(self.name)
            return super().step(clip, state, decay)

    engines = {name: Noted(clock) for name in ("one", "two")}
    for name, engine in engines.items():
        engine.name = name
    found = feed(engines, [lambda: costly(clock)] * 2, Plan(rounds=20, burst=3), clock)
    assert {name: stages["step"].shape for name, stages in found.items()} == {"one": (20, 2), "two": (20, 2)}
    counted = order[2 * len(engines) :]  # every picture once before
    turns = [counted[at : at + 3] for at in range(0, len(counted), 3)]
    assert all(len(set(turn)) == 1 for turn in turns)
    assert all({*one, *two} == {"one", "two"} for one, two in zip(turns[::2], turns[1::2], strict=True))
    assert {turn[0] for turn in turns[::2]} == {"one", "two"}, "who begins changes"
