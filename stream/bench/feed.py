"""What `Session.feed` costs around the step: preprocess, step, smooth, by the session's own laps; and decoding."""

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial

from stream.bench.figures import Times, stack
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
    runtime: Runtime, shown: Sequence[Callable[[], Picture]], count: int, now: Callable[[], int]
) -> dict[str, Times]:
    """Feed a session, each picture decoded just before, so that caches hold what they hold in service.

    Args:
        runtime: the engine.
        shown: what decodes pictures, taken in turn.
        count: frames that are counted; as many as there are pictures come before them.
        now: nanoseconds.

    Returns:
        Stage -> (1, count) nanoseconds; "around the step" is what `Session.feed` takes but for the step, of each frame.
    """
    watch = Stopwatch(now)
    session = Session(runtime, lap=watch)
    for index in range(len(shown) + count):
        watch.start()
        picture = shown[index % len(shown)]()
        watch("decode")
        session.feed(Frame(picture, index / runtime.card.fps, 0))
    counted = {stage: stack([taken[-count:]]) for stage, taken in watch.taken.items()}
    return {**counted, "around the step": counted["preprocess"] + counted["smooth"]}
