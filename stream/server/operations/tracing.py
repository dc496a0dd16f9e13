"""What a share of all frames took, stage by stage, for a collector of traces; by default nothing is noted.

A trace is one frame that was used: a span `frame` from its arrival until what it gave was handed on, and in it, one
after the other, its stages: decode, preprocess, step, smooth, event, sink. Where there is no stage, the frame waited.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Lap = tuple[str, int, int]
"""A stage, when it began and when it ended: nanoseconds on the clock of `time.perf_counter_ns()`."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A frame, and what was noted of it."""

    offset_s: float
    """Seconds since the first frame of its stream."""
    arrival_ns: int
    """When it reached us, on the clock of the laps."""
    wall_ns: int
    """What is to be added to that clock for the wall's."""
    laps: list[Lap] = field(default_factory=list)
    """Its stages, in order."""

    def until_now(self, stage: str) -> None:
        """Note a stage that lasts from the end of the one before until now."""
        self.laps.append((stage, self.laps[-1][2] if self.laps else self.arrival_ns, time.perf_counter_ns()))


class Track:
    """What is noted of one stream's frames: nothing. One caller at a time."""

    def begin(self, arrival_ns: int, offset_s: float) -> None:
        """Begin a frame that came at `arrival_ns` of `time.monotonic_ns()`; one that is not done is forgotten."""

    def lap(self, stage: str, begin_ns: int, end_ns: int) -> None:
        """Note a stage of it; see `Lap`."""

    def done(self, stage: str) -> None:
        """Note its last stage with us, which ends now."""

    def sent(self) -> None:
        """Tell of the frames that are done: what they gave has just been handed on."""


class Noting(Track):
    """Notes a share of the frames, each drawn by itself."""

    def __init__(self, share: float, tell: Callable[[Noted], None]) -> None:
        """Begin with none; `tell` is given each when it is over."""
        self._share, self._tell = share, tell
        self._now: Noted | None = None
        self._done: list[Noted] = []

    def begin(self, arrival_ns: int, offset_s: float) -> None:
        self._now = None
        if random.random() < self._share:  # noqa: S311  # a draw, not a secret
            now_ns = time.perf_counter_ns()
            age_ns, wall_ns = time.monotonic_ns() - arrival_ns, time.time_ns() - now_ns
            self._now = Noted(offset_s, now_ns - age_ns, wall_ns)

    def lap(self, stage: str, begin_ns: int, end_ns: int) -> None:
        if self._now:
            self._now.laps.append((stage, begin_ns, end_ns))

    def done(self, stage: str) -> None:
        if self._now:
            self._now.until_now(stage)
            self._done.append(self._now)
            self._now = None

    def sent(self) -> None:
        done, self._done = self._done, []
        for noted in done:
            noted.until_now("sink")
            self._tell(noted)


class Tracing:
    """The tracks of one server: none notes anything."""

    def track(self, about: Mapping[str, str]) -> Track:  # noqa: ARG002
        """Return that of a stream; its traces tell `about`, in which there is no address and no token."""
        return Track()

    def close(self) -> None:
        """Deliver what waits, or give it up."""
