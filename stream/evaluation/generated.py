"""Measures a model on generated streams whose shapes, textures and backgrounds training never saw."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stream.config import SessionSettings
from stream.errors import UsageError
from stream.evaluation.streams import quantile
from stream.intervals import Figure, Values, bootstrap, rate
from stream.pictures import RgbPicture
from stream.play.gestures import Event
from stream.play.matching import SLACK_S, match
from stream.play.motions import LABELS, NO_MOTION
from stream.preprocess import preprocess
from stream.recogniser import Recogniser
from stream.smoothing import probabilities
from stream.training.gestures import FPS, MIXTURE, Stream, stream
from stream.types import Array, Frame, LabelEvent, Update

SPLIT = "evaluation"
CLIP_FRAMES = 64
"""Count: frames within which a clip's action must have ended; else another is made."""
MINUTE_FRAMES = round(60 * FPS)
SOON_S = 0.6
"""Seconds after a gesture's end within which its label should be on top."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What came of a minute of stream with pauses."""

    hits: tuple[bool, ...]
    """For each gesture played: an event of its label began, from the gesture's begin to a second after its end."""
    delays_s: tuple[float, ...]
    """Seconds, likewise: from the gesture's end to the first frame with its label on top, at most a second later;
    less than 0 where that was before the end, inf where there was none."""
    false: int
    """Count: events that fit nothing played."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """What a viewer sees of long streams with pauses, read by real sessions; minutes are drawn for the intervals."""

    minutes: int
    """Count: minutes of stream, each in a scene of its own."""
    played: int
    """Count: gestures played; `other motion` is not one."""
    recognised: Figure
    """Share of the gestures that came out as events."""
    soon: Figure
    """Share of the gestures whose label was on top SOON_S after their end, or before."""
    delay_s: Figure
    """Seconds: median delay from a gesture's end to its label; those never on top count as inf."""
    late_s: Figure
    """Seconds: the delay that nineteen gestures in twenty do not exceed, likewise."""
    false_per_minute: Figure
    """False events a minute; the interval is that of a Poisson count."""


def check(recogniser: Recogniser) -> None:
    """Refuse a model of other labels.

    Raises:
        UsageError: the model's labels are not those of the generated gestures.
    """
    if recogniser.labels != LABELS:
        raise UsageError(
            f"{recogniser.card.name} knows {len(recogniser.labels)} labels that are not those played without DATA; "
            f"accepted: clips of its own as DATA, or a model of {', '.join(LABELS)}"
        )


def clips(recogniser: Recogniser, count: int, seed: int) -> Iterator[tuple[str, Array]]:
    """Show `count` clips, the classes in turn; yield what each showed, and the (K,) probabilities of what was said.

    A clip is a pause and an action, and is judged by the first frame after the action's end; one of `no motion` by a
    frame of a pause.
    """
    for index in range(count):
        label = LABELS[index % len(LABELS)]
        yield label, probabilities(last_logits(recogniser, clip(label, (seed, index))), recogniser.card.output)


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
) -> Iterator[Minute]:
    """Play streams of a minute each through real sessions; yield what came of each."""
    wanted = gestures_of(recogniser)
    for index in range(minutes):
        made = stream(
            (seed, 1, index), MINUTE_FRAMES, split=SPLIT, is_upright=True, pause_s=(0.5, 1.5), classes=MIXTURE
        )
        tops, said = _watched(recogniser, made, settings)
        gestures = [event for event in made.events if event.label in wanted]
        found = match(gestures, said, wanted)
        hits = tuple(event in found.hits for event in gestures)
        yield Minute(hits, tuple(_delay_s(event, tops) for event in gestures), len(found.false))


def measure(minutes: Sequence[Minute], seed: int) -> Sessions:
    """Sum up what `sessions` yielded."""
    names = [str(index) for index, minute in enumerate(minutes) for _ in minute.hits]
    hits = np.array([hit for minute in minutes for hit in minute.hits], np.float64)
    delays = np.array([delay for minute in minutes for delay in minute.delays_s])

    def statistic(weights: Values) -> Values:
        shares = (weights @ values / weights.sum() for values in (hits, delays <= SOON_S + 1e-6))
        return np.array([*shares, *(quantile(delays, weights, share) for share in (0.5, 0.95))])

    recognised, soon, delay_s, late_s = bootstrap(statistic, names, seed=seed)
    false = rate(sum(minute.false for minute in minutes), float(len(minutes)))
    return Sessions(len(minutes), len(hits), recognised, soon, delay_s, late_s, false)


def gestures_of(recogniser: Recogniser) -> tuple[str, ...]:
    """List the labels that give events."""
    return tuple(name for name in recogniser.labels if name not in recogniser.card.silent_labels)


def last_logits(recogniser: Recogniser, frames: npt.NDArray[np.uint8]) -> Array:
    """Step the frames (T, S, S, 3) one by one from a blank memory; return the last one's (K,) logits."""
    state, logits = recogniser.init_state(1), np.zeros((1, len(recogniser.card.labels)), np.float32)
    for frame in frames:
        logits, state = recogniser.step(preprocess(RgbPicture(np.ascontiguousarray(frame)), recogniser.card), state)
    return np.asarray(logits[0], np.float32)


def _watched(
    recogniser: Recogniser, made: Stream, settings: SessionSettings | None
) -> tuple[list[tuple[float, str]], list[LabelEvent]]:
    """Feed a stream to a session; return when which label was on top, and all events."""
    session, tops, said = recogniser.session(settings), list[tuple[float, str]](), list[LabelEvent]()
    for index, picture in enumerate(made.frames):
        update: Update | None = session.feed(Frame(RgbPicture(picture), index / FPS, time.monotonic_ns()))
        if update:
            said += update.events
            tops += [(index / FPS, label.name) for label in update.labels[:1]]
    return tops, [*said, *session.finish()]


def _delay_s(event: Event, tops: Sequence[tuple[float, str]]) -> float:
    """Say how long after a gesture's end its label came on top; inf: not from its begin to a second after its end."""
    times = (at for at, label in tops if label == event.label and event.begin_s <= at <= event.end_s + SLACK_S)
    return next(times, math.inf) - event.end_s
