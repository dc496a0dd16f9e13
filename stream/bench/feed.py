"""What `Session.feed` costs around the step: preprocess, step, smooth, by the session's own laps; and decoding."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial

from stream.bench.figures import Times, stack
from stream.bench.meter import CLOCKS, Plan, orders
from stream.buffer import frames
from stream.cards import Card
from stream.decode import decode_image, encode_jpeg
from stream.pipeline import Session
from stream.runtimes.base import Runtime
from stream.sources import open_source
from stream.types import Frame, Picture

STAGES = ("decode", "preprocess", "step", "smooth")
SOURCE = "synthetic://gestures?seconds=3&seed=1&size=640x480&fps="
"""What is fed: drawn gestures of a camera's size."""


class Stopwatch:
    """Notes how long each stage took since the one before it was done."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now, self._at_ns = now, 0
        self.taken: dict[str, list[int]] = {stage: [] for stage in STAGES}

    def start(self) -> None:
        """Begin a frame."""
        self._at_ns = self._now()

    def __call__(self, stage: str) -> None:
        """End a stage, and begin the next."""
        now_ns = self._now()
        self.taken[stage].append(now_ns - self._at_ns)
        self._at_ns = now_ns


def pictures(card: Card) -> list[Callable[[], Picture]]:
    """Return what decodes the pictures that are fed, at the model's rate: JPEGs, as the server decodes them."""
    with open_source(f"{SOURCE}{card.fps:g}") as source, closing(frames(source, "wait", lambda *_: None)) as stream:
        jpegs = [encode_jpeg(frame.picture) for frame in stream]
    return [partial(decode_image, jpeg, least_px=card.side_px) for jpeg in jpegs]


def feed(
    runtimes: Mapping[str, Runtime],
    shown: Sequence[Callable[[], Picture]],
    plan: Plan,
    clock: Callable[[], int] | None = None,
) -> dict[str, dict[str, Times]]:
    """Feed a session of each engine in turns, so that a busy machine is as busy for each.

    Each picture is decoded just before, so that caches hold what they hold in service.

    Args:
        runtimes: name -> the engine.
        shown: what decodes pictures, taken in turn; all of them are fed before the first that counts.
        plan: how; its rounds and bursts are of frames here.
        clock: nanoseconds; the plan's by default.

    Returns:
        Name -> stage -> (rounds, burst - 1) nanoseconds; "around the step" is what `Session.feed` takes but for the
        step, of each frame.
    """
    fed = {name: _Fed(runtime, shown, clock or CLOCKS[plan.clock]) for name, runtime in runtimes.items()}
    taken: dict[str, list[dict[str, list[int]]]] = {name: [] for name in fed}
    for order in orders(fed, plan.rounds, plan.seed):
        for name in order:
            taken[name].append(fed[name].turn(plan.burst))
    return {name: _stages(turns) for name, turns in taken.items()}


class _Fed:
    """A session that pictures are fed to, with its watch."""

    def __init__(self, runtime: Runtime, shown: Sequence[Callable[[], Picture]], now: Callable[[], int]) -> None:
        self._watch, self._shown, self._fps, self._count = Stopwatch(now), shown, runtime.card.fps, 0
        self._session = Session(runtime, lap=self._watch)
        self.turn(len(shown))

    def turn(self, count: int) -> dict[str, list[int]]:
        """Feed so many frames; return the nanoseconds of each stage, but for the first frame, as in `meter.measure`."""
        for index in range(self._count, self._count + count):
            self._watch.start()
            picture = self._shown[index % len(self._shown)]()
            self._watch("decode")
            self._session.feed(Frame(picture, index / self._fps, 0))
        self._count += count
        return {stage: taken[1 - count :] for stage, taken in self._watch.taken.items()}


def _stages(turns: Sequence[Mapping[str, list[int]]]) -> dict[str, Times]:
    counted = {stage: stack([turn[stage] for turn in turns]) for stage in STAGES}
    return {**counted, "around the step": counted["preprocess"] + counted["smooth"]}
