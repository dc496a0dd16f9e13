"""Times contestants side by side in one run, so that a busy machine is as busy for each of them."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stream.bench.figures import Times, stack
from stream.errors import ParityError, UsageError
from stream.types import Array

CLOCKS: dict[str, Callable[[], int]] = {
    "wall": time.perf_counter_ns,
    "cpu": time.thread_time_ns,
    "process": time.process_time_ns,
}
"""wall: what a stream waits. For a machine that others use too, processor time: cpu of the calling thread alone (one
thread only), process of all threads (for who computes on threads of its own, as OpenVINO does)."""

TOLERANCE = 1e-4
"""Largest difference of the logits between contestants, in parts of the largest logit or of 1."""


class Contestant(Protocol):
    """Somebody who can step one stream."""

    name: str
    """What it is, with its version."""

    def answers(self, clips: Sequence[Array]) -> Array:
        """Return the logits after each (1, 3, 1, S, S) clip of a fresh stream, (T, K)."""
        ...

    def prepare(self, clip: Array) -> None:
        """Take the next clip; not timed."""
        ...

    def step(self) -> None:
        """Do what is timed."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How to measure."""

    rounds: int = 60
    """Count: in each, every contestant has its turn, in an order of its own."""
    burst: int = 5
    """Count of steps in a turn; the first one finds the caches full of somebody else's numbers and is not counted."""
    warmup: int = 2
    """Count of rounds before the first that counts."""
    clock: str = "wall"
    """One of `CLOCKS`."""
    seed: int = 0
    """Of the orders."""
    threads: int = 1
    """Count of threads per step, for who can use more than one."""

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.burst < 2 or self.warmup < 0 or self.threads < 1:
            raise UsageError("rounds >= 1, burst >= 2, warmup >= 0 and threads >= 1 are needed")
        if self.clock not in CLOCKS:
            raise UsageError(f"no clock named {self.clock!r}; known: {', '.join(CLOCKS)}")


def agree(contestants: Mapping[str, Contestant], clips: Sequence[Array]) -> dict[str, float]:
    """Compare everybody's logits over a run of clips with the first one's; return the largest difference of each.

    In parts of the largest logit or of 1.

    Raises:
        ParityError: somebody computes something else, so that its time would say nothing.
    """
    answers = {name: contestant.answers(clips) for name, contestant in contestants.items()}
    expected = next(iter(answers.values()))
    size = max(1.0, float(np.abs(expected).max()))
    differences = {name: float(np.abs(found - expected).max()) / size for name, found in answers.items()}
    for name, difference in differences.items():
        if not difference <= TOLERANCE:  # also where it is not a number
            raise ParityError(f"logits of {name} over {len(clips)} frames", difference, TOLERANCE)
    return differences


def measure(
    contestants: Mapping[str, Contestant],
    clips: Sequence[Array],
    plan: Plan,
    *,
    clock: Callable[[], int] | None = None,
    done: Callable[[], None] = lambda: None,
) -> dict[str, Times]:
    """Time everybody's steps.

    Args:
        contestants: name -> who.
        clips: taken in turn, the same ones by everybody.
        plan: how.
        clock: nanoseconds; the plan's by default.
        done: called after every round.

    Returns:
        Name -> (rounds, burst - 1) nanoseconds.
    """
    now = clock or CLOCKS[plan.clock]
    taken: dict[str, list[list[int]]] = {name: [] for name in contestants}
    for number, order in enumerate(orders(contestants, plan.warmup + plan.rounds, plan.seed)):
        for name in order:
            turn = _turn(contestants[name], clips, plan.burst, now)
            if number >= plan.warmup:
                taken[name].append(turn)
        done()
    return {name: stack(rounds) for name, rounds in taken.items()}


def orders(names: Iterable[str], rounds: int, seed: int) -> Iterator[list[str]]:
    """Give the order of turns in each round."""
    known, random_ = sorted(names), random.Random(seed)  # noqa: S311  # an order, not a secret
    for _ in range(rounds):
        yield random_.sample(known, len(known))


def _turn(contestant: Contestant, clips: Sequence[Array], burst: int, now: Callable[[], int]) -> list[int]:
    spent = []
    for index in range(burst):
        contestant.prepare(clips[index % len(clips)])
        begin = now()
        contestant.step()
        spent.append(now() - begin)
    return spent[1:]
