"""The meter counts what happened: checked on a clock that only the contestants turn."""

from collections.abc import Sequence

import numpy as np
import pytest

from stream.bench.figures import ratio, spread, stack
from stream.bench.meter import Plan, agree, measure
from stream.errors import ParityError, UsageError
from stream.types import Array

CLIPS = [np.full((1, 3, 1, 2, 2), value, np.float32) for value in (0.25, 0.5, 0.75)]


class Clock:
    """Nanoseconds that pass only where somebody says so."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


class Walker:
    """Takes `cost_ns` a step, ten times that for the first one after somebody else's, and any time to prepare."""

    last: "Walker | None" = None

    def __init__(self, clock: Clock, cost_ns: int, answer: float = 0.0) -> None:
        self.name, self._clock, self._cost_ns, self._answer = "walker", clock, cost_ns, answer
        self.seen: list[float] = []

    def answers(self, clips: Sequence[Array]) -> Array:
        return np.stack([clip[0, :, 0, 0, 0] + np.float32(self._answer) for clip in clips])

    def prepare(self, clip: Array) -> None:
        self._clock.now_ns += 999
        self.seen.append(float(clip.flat[0]))

    def step(self) -> None:
        self._clock.now_ns += self._cost_ns * (1 if Walker.last is self else 10)
        Walker.last = self


def test_every_step_but_the_first_of_a_turn_is_counted_and_preparing_is_not() -> None:
    clock = Clock()
    who = {"slow": Walker(clock, 200), "fast": Walker(clock, 100)}
    times = measure(who, CLIPS, Plan(rounds=7, burst=4, warmup=1), clock=clock)
    assert {name: found.shape for name, found in times.items()} == {"slow": (7, 3), "fast": (7, 3)}
    assert set(times["slow"].ravel()) == {200}
    assert set(times["fast"].ravel()) == {100}


def test_everybody_sees_the_same_clips_as_often() -> None:
    clock = Clock()
    who = {"one": Walker(clock, 1), "two": Walker(clock, 1)}
    rounds: list[None] = []
    measure(who, CLIPS, Plan(rounds=2, burst=4, warmup=3), clock=clock, done=lambda: rounds.append(None))
    assert who["one"].seen == who["two"].seen == [0.25, 0.5, 0.75, 0.25] * 5
    assert len(rounds) == 5


def test_turns_come_in_an_order_that_changes() -> None:
    clock, order = Clock(), []

    class Named(Walker):
        def step(self) -> None:
            order.append(self.name)

    who = {name: Named(clock, 1) for name in ("one", "two")}
    for name, walker in who.items():
        walker.name = name
    measure(who, CLIPS, Plan(rounds=20, burst=2, warmup=0), clock=clock)
    assert set(order[::4]) == {"one", "two"}


def test_a_ratio_holds_its_interval_and_ignores_rounds_that_are_slow_for_both() -> None:
    random = np.random.default_rng(0)
    weather = np.exp(random.normal(0, 1, (40, 1)))  # how busy the machine is in each round
    fast, slow = (cost * weather * random.uniform(0.95, 1.05, (40, 4)) for cost in (1e6, 2e6))
    found = ratio(stack(fast.astype(int).tolist()), stack(slow.astype(int).tolist()))
    assert found.low < 0.5 < found.high
    assert found.high - found.low < 0.02
    assert found.value == pytest.approx(0.5, rel=0.02)


def test_a_spread_is_in_milliseconds() -> None:
    found = spread(stack([[1_000_000, 2_000_000], [3_000_000, 4_000_000]]))
    assert (found.min_ms, found.p50_ms, found.count) == (1.0, 2.5, 4)
    assert 3.5 < found.p95_ms < found.p99_ms < 4.0


@pytest.mark.parametrize("answer", [0.01, float("nan")])
def test_who_answers_otherwise_is_not_timed(answer: float) -> None:
    clock = Clock()
    with pytest.raises(ParityError, match="logits of liar over 3 frames"):
        agree({"honest": Walker(clock, 1), "liar": Walker(clock, 1, answer)}, CLIPS)
    assert agree({"honest": Walker(clock, 1), "near": Walker(clock, 1, 5e-5)}, CLIPS)["near"] == pytest.approx(
        5e-5, 0.1
    )


def test_a_plan_that_measures_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="burst >= 2"):
        Plan(burst=1)
    with pytest.raises(UsageError, match="no clock named 'sun'; known: wall, cpu, process"):
        Plan(clock="sun")
