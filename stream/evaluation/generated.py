"""Measures a model on generated streams whose shapes, textures and backgrounds training never saw."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from stream.config import SessionSettings
from stream.decode import RgbPicture
from stream.errors import UsageError
from stream.intervals import wilson
from stream.matching import match
from stream.motions import LABELS, NO_MOTION
from stream.preprocess import preprocess
from stream.recogniser import Recogniser
from stream.training.gestures import FPS, MIXTURE, Stream, stream
from stream.types import Array, Frame, LabelEvent, Update

SPLIT = "evaluation"
CLIP_FRAMES = 64
"""Count: frames within which a clip's action must have ended; else another is made."""
MINUTE_FRAMES = round(60 * FPS)


@dataclass(frozen=True, slots=True)
class Clips:
    """What was said at the end of single actions."""

    counts: npt.NDArray[np.int64]
    """(K, K): a row for what was played, a column for what was said."""
    labels: tuple[str, ...]
    """The K labels."""

    @property
    def accuracy(self) -> float:
        """Share of the clips that were right."""
        return float(self.counts.trace() / self.counts.sum())

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson(int(self.counts.trace()), int(self.counts.sum()))

    @property
    def recall(self) -> dict[str, float]:
        """Label -> share of its clips that were right."""
        shares = self.counts.diagonal() / np.maximum(1, self.counts.sum(axis=1))
        return dict(zip(self.labels, map(float, shares), strict=True))


@dataclass(frozen=True, slots=True)
class Sessions:
    """What events came of long streams with pauses, read with the default settings."""

    minutes: float
    """Of stream."""
    played: int
    """Count: gestures played; `other motion` is not one."""
    hits: int
    """Count: of these, said from their begin to a second after their end."""
    false: int
    """Count: events that fit nothing played."""

    @property
    def recall(self) -> float:
        """Share of the gestures that were said."""
        return self.hits / max(1, self.played)

    @property
    def false_per_minute(self) -> float:
        """False events per minute of stream."""
        return self.false / self.minutes


def check(recogniser: Recogniser) -> None:
    """Refuse a model of other labels.

    Raises:
        UsageError: the model's labels are not those of the generated gestures.
    """
    if recogniser.labels != LABELS:
        raise UsageError(
            f"{recogniser.card.name} knows {len(recogniser.labels)} other labels; accepted: {', '.join(LABELS)}"
        )


def clips(recogniser: Recogniser, count: int, seed: int) -> Iterator[Clips]:
    """Score `count` clips, the classes in turn; yield the tally after each.

    A clip is a pause and an action, and is scored by the label of the first frame after the action's end; one of
    `no motion` by a frame of a pause.
    """
    counts = np.zeros((len(LABELS), len(LABELS)), np.int64)
    for index in range(count):
        label = LABELS[index % len(LABELS)]
        frames = clip(label, (seed, index))
        counts[LABELS.index(label), int(last_logits(recogniser, frames).argmax())] += 1
        yield Clips(counts, LABELS)


def clip(label: str, seed: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Make a clip of one class: (T, S, S, 3), up to the frame it is scored by."""
    for trial in range(100):
        if label == NO_MOTION:
            made = stream((*seed, trial), CLIP_FRAMES, split=SPLIT, pause_s=(0.8, 1.6))
            still = np.flatnonzero(made.labels == LABELS.index(NO_MOTION))
            return made.frames[: int(still[still >= 5][seed[-1] % max(1, (still >= 5).sum())]) + 1]
        made = stream((*seed, trial), CLIP_FRAMES, split=SPLIT, is_upright=True, pause_s=(0.2, 0.8), classes=(label,))
        if made.events and (last := math.ceil(made.events[0].end_s * FPS)) < CLIP_FRAMES:
            return made.frames[: last + 1]
    raise AssertionError(f"no clip of {label!r} in 100 trials")


def sessions(
    recogniser: Recogniser, minutes: int, seed: int, settings: SessionSettings | None = None
) -> Iterator[Sessions]:
    """Play streams of a minute each through real sessions; yield the tally after each."""
    tally = Sessions(0, 0, 0, 0)
    for index in range(minutes):
        made = stream(
            (seed, 1, index), MINUTE_FRAMES, split=SPLIT, is_upright=True, pause_s=(0.5, 1.5), classes=MIXTURE
        )
        found = match(made.events, _said(recogniser, made, settings), gestures_of(recogniser))
        more = Sessions(1, len(found.hits) + len(found.missed), len(found.hits), len(found.false))
        tally = Sessions(*(getattr(tally, item.name) + getattr(more, item.name) for item in fields(Sessions)))
        yield tally


def gestures_of(recogniser: Recogniser) -> tuple[str, ...]:
    """List the labels that give events."""
    return tuple(name for name in recogniser.labels if name not in recogniser.card.background)


def last_logits(recogniser: Recogniser, frames: npt.NDArray[np.uint8]) -> Array:
    """Step the frames (T, S, S, 3) one by one from a blank memory; return the last one's (K,) logits."""
    state, logits = recogniser.init_state(1), np.zeros((1, len(recogniser.labels)), np.float32)
    for frame in frames:
        logits, state = recogniser.step(preprocess(RgbPicture(np.ascontiguousarray(frame)), recogniser.card), state)
    return np.asarray(logits[0], np.float32)


def _said(recogniser: Recogniser, made: Stream, settings: SessionSettings | None) -> list[LabelEvent]:
    """Feed a stream to a session; return all its events."""
    session, said = recogniser.session(settings), list[LabelEvent]()
    for index, picture in enumerate(made.frames):
        update: Update | None = session.feed(Frame(RgbPicture(picture), index / FPS, time.monotonic_ns()))
        said += update.events if update else ()
    return [*said, *session.finish()]
