"""`stream-bench step`: what one step costs, engine beside engine and peer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stream import cards, rooms
from stream.bench import machine
from stream.bench.feed import feed, pictures
from stream.bench.figures import Ratio, Spread, ratio, spread
from stream.bench.meter import Contestant, Plan, agree, measure
from stream.errors import UsageError
from stream.runtimes.base import Runtime, stepper
from stream.types import Array

FRAMES = 12
"""Count of frames that are compared, and taken in turn."""
SINGLE = ("fused",)
"""Engines whose step always has one thread, however many are asked for."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured."""

    model: str
    """Its card's name and side."""
    plan: Plan
    """How."""
    machine: dict[str, str]
    """On what."""
    names: dict[str, str]
    """Contestant -> its name and version."""
    differences: dict[str, float]
    """Contestant -> largest difference of its logits from the first one's, in parts of the largest or of 1."""
    times: dict[str, Spread]
    """Contestant -> its step."""
    ratios: dict[str, Ratio]
    """Contestant -> its time over the last contestant's; empty where there is only one."""
    threads: dict[str, int]
    """Contestant -> count of threads per step: the plan's, but for those that always have one."""
    stages: dict[str, dict[str, Spread]]
    """Engine -> stage of `Session.feed` -> its time, fed with pictures of 640x480."""

    def plain(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return asdict(self)


class Engine:
    """One of this package's runtimes as a contestant: what a `Session` does."""

    def __init__(self, runtime: Runtime) -> None:
        self.name, self.runtime = runtime.name, runtime
        self._stepper = stepper(runtime)
        self._clip: Array | None = None

    def answers(self, clips: Sequence[Array]) -> Array:
        """Step a fresh stream."""
        fresh = stepper(self.runtime)
        return np.concatenate([fresh.step(clip) for clip in clips])

    def prepare(self, clip: Array) -> None:
        """Take the next clip."""
        self._clip = clip

    def step(self) -> None:
        """Step the stream."""
        assert self._clip is not None  # noqa: S101  # `prepare` comes first
        self._stepper.step(self._clip)


def contestants(card: cards.Card, engines: Sequence[str], peers: Mapping[str, Path], threads: int) -> dict[str, Any]:
    """Load everybody, engines first; a peer that is called as an engine is "NAME (peer)".

    Raises:
        UnknownPart: no such engine or peer; lists the known ones.
        MissingDependency: a package it needs is not installed; says how to get it.
    """
    ours: dict[str, Contestant] = {name: Engine(rooms.find("runtimes", name).build(card, threads)) for name in engines}
    others = {_key(name): rooms.find("bench.peers", name).build(card, file, threads) for name, file in peers.items()}
    if not ours | others:
        raise UsageError("nobody to measure: name an engine or a peer")
    return ours | others


def _key(peer: str) -> str:
    return f"{peer} (peer)" if peer in rooms.names("runtimes") else peer


def run(card: cards.Card, who: Mapping[str, Contestant], plan: Plan, done: Callable[[], None] = lambda: None) -> Report:
    """Compare the answers, then the times; the last contestant is what the others are divided by.

    Raises:
        ParityError: somebody computes something else.
    """
    random = np.random.default_rng(plan.seed)
    clips = [random.random((1, 3, 1, card.side_px, card.side_px), np.float32) for _ in range(FRAMES)]
    differences = agree(who, clips)
    times = measure(who, clips, plan, done=done)
    base = times[list(times)[-1]]
    engines = {name: one.runtime for name, one in who.items() if isinstance(one, Engine)}
    fed = feed(engines, pictures(card), plan) if engines else {}
    return Report(
        model=f"{card.name}, {card.side_px} px",
        plan=plan,
        machine=machine.describe(),
        names={name: contestant.name for name, contestant in who.items()},
        differences=differences,
        times={name: spread(found) for name, found in times.items()},
        ratios={name: ratio(found, base) for name, found in times.items() if len(times) > 1},
        threads={name: 1 if name in SINGLE else plan.threads for name in who},
        stages={name: {stage: spread(found) for stage, found in taken.items()} for name, taken in fed.items()},
    )
