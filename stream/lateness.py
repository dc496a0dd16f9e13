"""How far a stream has fallen behind its own clock, which its arrival alone does not tell.

What waits in a network, a kernel or FFmpeg arrives late with a fresh time of arrival; but its timestamp is old. The
frame that came soonest after its timestamp sets the mark; every other one is late by the difference.
"""

import math
from collections.abc import Callable

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


LATE_S, CAUGHT_UP_S = 2.0, 0.5
"""Seconds: later than this is told, and made up for until no later than that."""
TOLD_S = 30.0
"""Seconds between two tellings of the same."""
MEMORY_S = 2.0
"""Seconds over which it is measured how busy a reader is."""


class Reader:
    """Whether the thread that reads a live source keeps up with it, and whose fault it is where it does not.

    Who is late and waits for packets is behind a slow network; who is late and never waits has too slow a machine.
    """

    def __init__(self, tell: Callable[[str], None] = lambda _: None, *, is_paced: bool = False) -> None:
        """Begin on time; `tell` is told in words, by the thread that reads.

        `is_paced`: the source keeps its pace here, as a file does or what is drawn, and can be late for nobody else.
        """
        self._tell, self._lateness, self._is_paced = tell, Lateness(), is_paced
        self._waited_s, self._worked_s = MEMORY_S, 0.0
        self._late_s, self._told_s = 0.0, -math.inf
        self.is_hurried = False
        """It is to make up for lost time."""

    @property
    def is_too_slow(self) -> bool:
        """Say whether this machine is what keeps it from being on time."""
        return self._is_paced or self._worked_s > self._waited_s

    def took(self, waited_s: float, worked_s: float) -> None:
        """Note how long a packet was waited for, and then worked on."""
        keep = math.exp(-(waited_s + worked_s) / MEMORY_S)
        self._waited_s = keep * self._waited_s + (1 - keep) * waited_s
        self._worked_s = keep * self._worked_s + (1 - keep) * worked_s

    def gave(self, offset_s: float, arrival_s: float) -> None:
        """Note a frame; see `Lateness.of`."""
        self._late_s = self._lateness.of(offset_s, arrival_s)
        if self.is_hurried:
            self.is_hurried = self._late_s > CAUGHT_UP_S
        elif self._late_s > LATE_S and self.is_too_slow:
            self.is_hurried = True
        if self.is_hurried and arrival_s - self._told_s > TOLD_S:
            self._told_s = arrival_s
            self._tell(f"this machine is too slow for it: frames are {self._late_s:.1f} s late, and fewer are used")
