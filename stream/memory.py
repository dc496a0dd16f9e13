"""What one model remembers of one stream: its clock, its state, and when it was cleared."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stream import cards
from stream.checkpoint import Saved, inside, nested
from stream.config import SessionSettings
from stream.cuts import CutDetector
from stream.preprocess import preprocess
from stream.resampling import Resampler
from stream.runtimes.base import Runtime, stepper
from stream.types import Array, Frame

STEADY = 0.1
"""Of a frame's interval: an elapsed time this near to it counts as the interval itself, so that rounded or slightly
uneven timestamps give the very numbers of an even stream."""

Lap = Callable[[str], None]
"""A stopwatch: called with the name of the stage that was just done."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """What a frame that was used gave."""

    logits: Array | None
    """(K,) float32; None where the network gave what is not a number."""
    reset: str | None
    """Why the memory was cleared: before this frame for a "gap" or a "cut", after it for "nan"; None: it was not."""


class Memory:
    """One model's memory of one stream; sees every frame and uses those on its own clock."""

    def __init__(self, runtime: Runtime, settings: SessionSettings, lap: Lap) -> None:
        """Begin with nothing seen; `lap` is called with "preprocess" and "step"."""
        card = runtime.card
        self._runtime, self._settings, self._lap = runtime, settings, lap
        self._memory_s = card.memory_s if settings.memory_s is None else settings.memory_s
        self._resampler, self._cuts = Resampler(card.fps), CutDetector()
        self._stepper = stepper(runtime)
        self._used_s = -math.inf

    def is_due(self, offset_s: float) -> bool:
        """Say whether the frame of that offset is needed at the model's rate; changes nothing."""
        return self._resampler.is_due(offset_s)

    def look(self, frame: Frame) -> Look:
        """Use a frame that is due.

        Raises:
            DecodeError: the picture could not be converted; the memory is as if the frame had not come.
        """
        return self.step(self.clip(frame), frame.offset_s)

    def clip(self, frame: Frame) -> Array:
        """Make what the model sees of a frame; changes nothing. See `look`."""
        return preprocess(frame.picture, self._runtime.card)

    def step(self, clip: Array, offset_s: float) -> Look:
        """Move the clock and the state by what was made of the frame of that offset."""
        self._resampler.takes(offset_s)
        reset, decay = self._breaks(clip, offset_s), self._decay(offset_s)
        if reset:
            self.forget()
        self._lap("preprocess")
        logits = self._step(clip, decay)
        self._lap("step")
        if logits is None:
            self.forget()
        return Look(logits, reset if logits is not None else "nan")

    def forget(self) -> None:
        """Clear the state; the clock goes on."""
        self._stepper.reset()

    def restart(self) -> None:
        """Clear all that ties the next frame to what was seen: it will be neither a cut nor after a gap."""
        self.forget()
        self._cuts, self._used_s = CutDetector(), -math.inf

    def saved(self) -> Saved:
        """Return the clock, the state and what the last picture was like."""
        return {
            "used_s": np.array(self._used_s),
            **nested("resampler", self._resampler.saved()),
            **nested("cuts", self._cuts.saved()),
            **nested("state", dict(sorted(self._stepper.state().items()))),  # engines list them in orders of their own
        }

    def restore(self, saved: Saved) -> None:
        """Go on from what another memory of this model saved."""
        self._used_s = float(saved["used_s"])
        self._resampler.restore(inside("resampler", saved))
        self._cuts.restore(inside("cuts", saved))
        self._stepper.restore(inside("state", saved))

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
        """Return (K,) logits, or None where the network gave what is not a number: the state is cleared then."""
        logits = self._stepper.step(clip, decay)
        if not np.isfinite(logits).all():
            _log.warning("%s: the network gave numbers that are not finite; memory cleared", self._runtime.card.name)
            return None
        return np.asarray(logits[0], np.float32)
