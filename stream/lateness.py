"""How far a stream has fallen behind its own clock, which its arrival alone does not tell.

What waits in a network, a kernel or FFmpeg arrives late with a fresh time of arrival; but its timestamp is old. The
frame that came soonest after its timestamp sets the mark; every other one is late by the difference.
"""

import math

DRIFT = 1e-3
"""Seconds a second by which the mark gives way, so that a camera's clock that runs slow is not taken for lateness:
quartz is off by up to 1e-4, and what really waits passes its limit long before the mark gets there."""


class Lateness:
    """Compares each frame's timestamp with its arrival."""

    def __init__(self) -> None:
        """Begin with no mark."""
        self._mark_s, self._arrival_s = math.inf, -math.inf

    def of(self, offset_s: float, arrival_s: float) -> float:
        """Return how late a frame is, 0 s or more; arrivals do not decrease."""
        elapsed_s = arrival_s - self._arrival_s if math.isfinite(self._arrival_s) else 0.0
        self._arrival_s = arrival_s
        self._mark_s = min(self._mark_s + DRIFT * elapsed_s, arrival_s - offset_s)
        return arrival_s - offset_s - self._mark_s
