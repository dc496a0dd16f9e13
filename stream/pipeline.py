"""The way of a frame, written once: what the command line, the service and the benchmark all run.

source -> decode -> preprocess -> step -> smooth -> event -> sink
"""

import logging
import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace

import numpy as np

from stream import cards
from stream.buffer import frames
from stream.config import SessionSettings
from stream.cuts import CutDetector
from stream.errors import DecodeError, UnknownPart
from stream.preprocess import preprocess
from stream.resampling import Resampler
from stream.runtimes.base import Runtime
from stream.smoothing import Smoother, probabilities
from stream.sources.base import Source
from stream.types import Array, Drops, Frame, LabelEvent, Scores, Update

STEADY = 0.1
"""Of a frame's interval: an elapsed time this near to it counts as the interval itself, so that rounded or slightly
uneven timestamps give the very numbers of an even stream."""

Lap = Callable[[str], None]
"""A stopwatch: called with the name of the stage that was just done."""

_log = logging.getLogger(__name__)


def _no_lap(_stage: str) -> None:
    """Measure nothing."""


class Session:
    """The memory of one stream: no threads, no sockets, no files. One caller at a time; any number share a runtime."""

    def __init__(self, runtime: Runtime, settings: SessionSettings | None = None, lap: Lap = _no_lap) -> None:
        """Begin a stream that has seen nothing.

        Args:
            runtime: the model; shared and never changed.
            settings: how to read the stream; the defaults of `SessionSettings` when None.
            lap: called with "preprocess", "step" and "smooth" as each is done.

        Raises:
            UnknownPart: an allowed or denied label is not one of the card's; lists them.
        """
        card, settings = runtime.card, settings or SessionSettings()
        self._runtime, self._settings, self._lap = runtime, settings, lap
        self._memory_s = card.memory_s if settings.memory_s is None else settings.memory_s
        self._smoother = Smoother(card.labels, settings, card.background)
        self._resampler, self._cuts = Resampler(card.fps), CutDetector()
        self._state = runtime.init_state()
        self._seen_s = self._used_s = -math.inf
        self._drops = dict.fromkeys((item.name for item in fields(Drops)), 0)

    @property
    def drops(self) -> Drops:
        """Frames that were not used so far, by cause."""
        return Drops(**self._drops)

    @property
    def seen_s(self) -> float:
        """Seconds: offset of the last frame in order, used or not, which the next must exceed; -inf before any."""
        return self._seen_s

    def drop(self, cause: str, count: int = 1) -> None:
        """Count frames that never got here; called by the thread that feeds, so no lock is needed.

        Raises:
            UnknownPart: no such cause; lists those of `Drops`.
        """
        if cause not in self._drops:
            raise UnknownPart("cause of a drop", cause, self._drops)
        self._drops[cause] += count

    def skip(self, offset_s: float, is_lost: bool = False) -> str | None:
        """Say why the frame of that offset is not used, and count it; None, and nothing noted, when it is to be fed.

        A frame that is known only by its offset need not be decoded to learn this; `feed` asks it of every frame.

        Args:
            offset_s: seconds on the stream's clock.
            is_lost: its picture was given up for a newer frame.

        Returns:
            "order" where the offset is not more than `seen_s`, "rate" where the model's rate does not need it,
            "backlog" where it was needed and is lost.
        """
        cause = self._needless(offset_s) or ("backlog" if is_lost else None)
        if cause:
            self.drop(cause)
        if cause in ("rate", "backlog"):
            self._seen_s = offset_s
        return cause

    def feed(self, frame: Frame) -> Update | None:
        """Take the next frame; None, and counted, when it is not used: not needed at the model's rate, or out of order.

        Raises:
            DecodeError: the picture could not be converted; the session is as if the frame had not come.
        """
        if self.skip(frame.offset_s):
            return None
        clip = preprocess(frame.picture, self._runtime.card)
        self._seen_s = frame.offset_s
        self._resampler.takes(frame.offset_s)
        reset, decay = self._breaks(clip, frame.offset_s), self._decay(frame.offset_s)
        ended = self._forget() if reset else ()
        self._lap("preprocess")
        logits = self._step(clip, decay)
        self._lap("step")
        if logits is None:
            reset, events = "nan", ended + self._forget()
        else:
            scores = Scores(probabilities(logits, self._runtime.card.output), frame.offset_s)
            events = ended + self._smoother.update(scores)
        labels = self._smoother.labels(self._settings.top_k)
        self._lap("smooth")
        age_s = (time.monotonic_ns() - frame.arrival_ns) / 1e9
        return Update(frame.offset_s, labels, events, age_s, self.drops, reset)

    def finish(self) -> tuple[LabelEvent, ...]:
        """End what still goes on; the session can be fed again afterwards, from a blank memory."""
        return self._forget()

    def _needless(self, offset_s: float) -> str | None:
        """Name why the frame of that offset is not to be used, if there is a reason."""
        if not self._seen_s < offset_s < math.inf:  # a timestamp that is not a number is out of order too
            return "order"
        return None if self._resampler.is_due(offset_s) else "rate"

    def _breaks(self, clip: Array, offset_s: float) -> str | None:
        """Name the break between the last used frame and this one, if there is any."""
        is_cut = self._settings.is_cut_aware and self._cuts.is_cut(clip)
        if math.isfinite(self._used_s) and offset_s - self._used_s > self._settings.max_gap_s:
            return "gap"
        return "cut" if is_cut else None

    def _decay(self, offset_s: float) -> float:
        """Return how much of the pools is kept across the time since the last used frame."""
        interval_s = 1.0 / self._runtime.card.fps
        elapsed_s, self._used_s = offset_s - self._used_s, offset_s
        is_steady = math.isinf(elapsed_s) or abs(elapsed_s - interval_s) <= STEADY * interval_s
        return cards.decay(interval_s if is_steady else elapsed_s, self._memory_s)

    def _step(self, clip: Array, decay: float) -> Array | None:
        """Return (K,) logits, or None where the network gave what is not a number; no such state is kept."""
        logits, state = self._runtime.step(clip, self._state, decay)
        if not np.isfinite(logits).all():
            _log.warning("%s: the network gave numbers that are not finite; memory cleared", self._runtime.card.name)
            return None
        self._state = state
        return np.asarray(logits[0], np.float32)

    def _forget(self) -> tuple[LabelEvent, ...]:
        self._state = self._runtime.init_state()
        return self._smoother.reset()


def run(
    source: Source,
    session: Session,
    send: Callable[[Frame, Update | None], None],
    *,
    policy: str | None = None,
    stop_s: float = math.inf,
    lap: Lap = _no_lap,
) -> None:
    """Pull a source through a session until it ends, or reaches `stop_s`.

    What still goes on is ended however the run ends: in a last call with the last frame again, whose update carries
    the END events.

    Args:
        source: an open source.
        session: the memory of this stream.
        send: takes each frame and what it gave, in order; None for a frame that was not used.
        policy: what happens to frames nobody takes in time; see `stream.buffer.frames`. None: as the source needs.
        stop_s: seconds since the first frame at which to stop; never by default.
        lap: called with "decode" (waiting for the frame included) and "send" as each is done.
    """
    last: tuple[Frame, Update] | None = None
    try:
        with closing(frames(source, policy, count_drop=session.drop)) as stream:
            for frame in stream:
                lap("decode")
                if frame.offset_s >= stop_s:
                    break
                try:
                    update = session.feed(frame)
                except DecodeError as error:
                    session.drop("decode")
                    _log.warning("%s: %s", source.uri, error)
                    continue
                send(frame, update)
                lap("send")
                last = (frame, update) if update else last
    finally:
        if last and (ends := session.finish()):
            send(last[0], replace(last[1], events=ends, drops=session.drops, reset=None))
