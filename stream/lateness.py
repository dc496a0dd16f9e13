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
SPAN_S = 5.0
"""Seconds over which it is measured how many frames are used."""
SHARE = 0.5
"""Of the frames that a model wants and a camera gives: to use fewer than this is told."""


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


class Steps:
    """Whether the steps of a live source keep up with it; `Reader` looks after what comes before them.

    Where they do not, newer frames push out those that wait: none is late for long, but fewer are used.
    """

    def __init__(self, fps: float, tell: Callable[[str], None] = lambda _: None) -> None:
        """Begin with none; `fps` is how many frames a second the model wants, `tell` is told in words."""
        self._fps, self._tell = fps, tell
        self._begin_s, self._told_s = math.nan, -math.inf
        self._used_count = self._lost_count = 0
        self._age_s = 0.0

    def lost(self, count: int) -> None:
        """Count frames that newer ones pushed out."""
        self._lost_count += count

    def gave(self, age_s: float, now_s: float) -> None:
        """Note an update: how old its frame was when it was ready, and that moment of the monotonic clock."""
        if math.isnan(self._begin_s):
            self._begin_s = now_s  # the first one may have had to load what it needs
            self._lost_count = 0
            return
        self._used_count += 1
        self._age_s = max(self._age_s, age_s)
        if (span_s := now_s - self._begin_s) < SPAN_S:
            return
        used, wanted = (count / span_s for count in (self._used_count, self._used_count + self._lost_count))
        wanted = min(wanted, self._fps)
        if used < SHARE * wanted and now_s - self._told_s > TOLD_S:
            self._told_s = now_s
            self._tell(
                f"this machine is too slow for it: {used:.1f} of {wanted:.1f} frames a second are used, "
                f"labels come up to {self._age_s:.1f} s late"
            )
        self._begin_s, self._used_count, self._lost_count, self._age_s = now_s, 0, 0, 0.0
