"""From updates to ranges of time: which label was on top, and which actions were told.

A range is half-open: it begins with a frame that was used and lasts until the next one that was used, so that ranges of
the label on top follow each other without gap or overlap. Times are whole microseconds, so that sums are exact.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stream.errors import UnknownPart
from stream.types import Frame, Phase, Update

NO_LABEL = "(no label)"
"""What a range is called in which no label may be told, or none is probable enough."""

USUAL_S = 0.04
"""Seconds: how long a single frame lasts whose stream does not say; 25 frames per second."""


@dataclass(frozen=True, slots=True)
class Span:
    """One label, from `begin_us` until just before `end_us`."""

    label: str
    """One of the card's labels, or NO_LABEL."""
    begin_us: int
    """Microseconds since the first frame of the stream."""
    end_us: int
    """Microseconds since the first frame of the stream; more than `begin_us`."""
    probability: float
    """The highest it had in this range, in [0, 1]."""

    @property
    def us(self) -> int:
        """How long it lasts."""
        return self.end_us - self.begin_us


class Spans(Protocol):
    """Makes ranges of what a session says, as soon as each is over."""

    def take(self, frame: Frame, update: Update | None) -> list[Span]:
        """Take one frame and what it gave, as a sink does; return what is over now."""
        ...

    def finish(self) -> list[Span]:
        """Return what lasted until the end of the last frame."""
        ...


class Clock:
    """How far a stream has come: the end of its last frame, used or not."""

    def __init__(self) -> None:
        self._last_s = -math.inf
        self._length_s = USUAL_S

    def take(self, frame: Frame) -> int:
        """Take the next frame, or the last one again; return when it is."""
        if frame.offset_s > self._last_s:
            interval_s = frame.offset_s - self._last_s
            self._length_s = frame.duration_s or (interval_s if math.isfinite(interval_s) else USUAL_S)
            self._last_s = frame.offset_s
        return microseconds(frame.offset_s)

    @property
    def end_us(self) -> int:
        """When the last frame ends: after its own duration, else after the interval before it; 0 without a frame."""
        return microseconds(self._last_s + self._length_s) if math.isfinite(self._last_s) else 0


class TopSpans:
    """The most probable label of each used frame, until the next used frame."""

    def __init__(self, min_probability: float = 0.0) -> None:
        """Begin; a label that is less probable than `min_probability`, in [0, 1], counts as none."""
        self._least, self._clock = min_probability, Clock()
        self._open: Span | None = None  # ends where it begins until something follows

    def take(self, frame: Frame, update: Update | None) -> list[Span]:
        """Take one frame; return the range it ends, if the label changes with it."""
        now_us = self._clock.take(frame)
        if update is None:
            return []
        best = update.labels[0] if update.labels else None
        is_told = best is not None and best.probability >= self._least
        label, probability = (best.name, best.probability) if best and is_told else (NO_LABEL, 0.0)
        last = self._open
        if last and last.label == label:
            self._open = Span(label, last.begin_us, now_us, max(last.probability, probability))
            return []
        self._open = Span(label, now_us, now_us, probability)
        return _until(last, now_us)

    def finish(self) -> list[Span]:
        """Return the range that lasts until the end."""
        last, self._open = self._open, None
        return _until(last, self._clock.end_us)


class EventSpans:
    """The actions that were told, each from its first frame until the first one that does not hold it any more.

    They may overlap where a model tells several labels at once, and come in the order in which they end.
    """

    def __init__(self) -> None:
        self._clock = Clock()
        self._last: Frame | None = None
        self._final: list[Span] = []  # ended by a repeated last frame: they last until the end

    def take(self, frame: Frame, update: Update | None) -> list[Span]:
        """Take one frame; return the actions that ended before it."""
        now_us = self._clock.take(frame)
        if update is None:
            return []
        ends = [event for event in update.events if event.phase is Phase.END]
        spans = [Span(event.label, microseconds(event.begin_s), now_us, event.probability) for event in ends]
        if frame is self._last:
            self._final += spans
            return []
        self._last = frame
        return [span for span in spans if span.us > 0]

    def finish(self) -> list[Span]:
        """Return the actions that lasted until the end."""
        spans, self._final = self._final, []
        return [part for span in spans for part in _until(span, self._clock.end_us)]


VIEWS: dict[str, Callable[[], Spans]] = {"labels": TopSpans, "events": EventSpans}
"""Two ways to say what was on: the label on top at every moment, or the actions that were told."""


def view(name: str) -> Spans:
    """Begin one of VIEWS.

    Raises:
        UnknownPart: no such view; lists those there are.
    """
    if name not in VIEWS:
        raise UnknownPart("view", name, VIEWS)
    return VIEWS[name]()


def microseconds(seconds: float) -> int:
    """Round to whole microseconds."""
    return round(seconds * 1e6)


def _until(span: Span | None, end_us: int) -> list[Span]:
    if span is None or end_us <= span.begin_us:
        return []
    return [Span(span.label, span.begin_us, end_us, span.probability)]
