"""Keeps the model's frame rate by timestamp, not by counting."""

import math

import numpy as np

from stream.checkpoint import Saved

TOLERANCE = 0.05
"""Of a frame's interval: a frame this much early is on time (containers round timestamps to the millisecond)."""
CATCH_UP = 1.5
"""Intervals: lateness up to this is made up for, so that jitter does not lower the rate; more is forgiven, not made up
for, so that a stall is followed by no long burst."""


class Resampler:
    """Chooses the frames that lie on, or first after, the ticks of a clock at the model's rate.

    The clock starts with the first frame. It never invents a frame: where frames come more slowly than it ticks, every
    one is taken.
    """

    def __init__(self, fps: float) -> None:
        self._interval_s = 1.0 / fps
        self._due_s = -math.inf

    def saved(self) -> Saved:
        """Return where the clock is."""
        return {"due_s": np.array(self._due_s)}

    def restore(self, saved: Saved) -> None:
        """Set the clock to where another one was."""
        self._due_s = float(saved["due_s"])

    def is_due(self, offset_s: float) -> bool:
        """Say whether the frame of that offset would be used; changes nothing."""
        return offset_s >= self._due_s - TOLERANCE * self._interval_s

    def takes(self, offset_s: float) -> bool:
        """Say whether the frame of that offset is used; if so, the clock moves past it. Offsets must increase."""
        if not self.is_due(offset_s):
            return False
        due_s = offset_s if math.isinf(self._due_s) else self._due_s
        self._due_s = max(due_s, offset_s - CATCH_UP * self._interval_s) + self._interval_s
        return True
