"""How a configured source is: what it does, since when, and what was counted."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from stream.types import Drops

WINDOW_S = 5.0
"""Seconds over which rates are measured."""

REACH_S = 30.0
"""Seconds: so far back may the tick lie that the first of them is measured from."""


class State(Enum):
    """What a configured source is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"
    FAILED = "failed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a source is at one moment."""

    name: str
    """The operator's name for it."""
    model: str
    """Name of the model that reads it."""
    state: State
    """What it is doing."""
    since_s: float
    """Seconds of the wall's clock, as `time.time()`: when it came to this state."""
    labels: tuple[str, ...] = ()
    """What it may tell the beginning of."""
    error: str = ""
    """What last went wrong, without passwords; empty: nothing did."""
    fps_in: float = 0.0
    """Frames per second that came, over the last seconds."""
    fps_out: float = 0.0
    """Updates per second that were given, over the last seconds."""
    frame_count: int = 0
    """Count of frames that came."""
    update_count: int = 0
    """Count of updates given."""
    reconnect_count: int = 0
    """Count: how often it was opened again after frames had come."""
    drops: Drops = field(default_factory=Drops)
    """Frames not used, by cause."""


class Pace:
    """Counts what comes, and how fast over the last seconds."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.count = 0
        self._times_s: deque[tuple[float, int]] = deque(maxlen=512)

    def tick(self, count: int = 1) -> None:
        """Count `count` more."""
        self.count += count
        self._times_s.append((time.monotonic(), count))

    @property
    def fps(self) -> float:
        """How many a second; 0 when none came of late."""
        now_s = time.monotonic()
        recent = [(at_s, count) for at_s, count in self._times_s if at_s > now_s - WINDOW_S]
        if not recent:
            return 0.0
        before = [one for one in self._times_s if now_s - REACH_S < one[0] <= now_s - WINDOW_S]
        counted = [*before[-1:], *recent]  # what is counted at once came since the count before
        span_s = now_s - counted[0][0]
        return sum(count for _, count in counted[1:]) / span_s if span_s > 0 else 0.0


class Tally:
    """Keeps the standing of one source; any thread may ask."""

    def __init__(self, name: str, model: str, labels: tuple[str, ...] = ()) -> None:
        """Begin with connecting."""
        self._name, self._model, self._labels = name, model, labels
        self._state, self._since_s, self._error = State.CONNECTING, time.time(), ""
        self._in, self._out, self._reconnect_count = Pace(), Pace(), 0
        self._lock = threading.Lock()

    @property
    def state(self) -> State:
        """What it is doing."""
        return self._state

    def become(self, state: State, error: str = "") -> bool:
        """Change the state, and what last went wrong unless nothing did; False where nothing has changed."""
        with self._lock:
            if (state, error or self._error) == (self._state, self._error):
                return False
            if state is not self._state:
                self._since_s = time.time()
            self._state, self._error = state, error or self._error
            return True

    def heard(self, count: int = 1) -> None:
        """Count frames that came."""
        with self._lock:
            self._in.tick(count)

    def used(self) -> int:
        """Count an update; return how many there were."""
        with self._lock:
            self._out.tick()
            return self._out.count

    def reconnected(self) -> None:
        """Count an opening after frames had come."""
        with self._lock:
            self._reconnect_count += 1

    def standing(self, drops: Drops) -> Standing:
        """Return how it is now."""
        with self._lock:
            return Standing(
                name=self._name,
                model=self._model,
                labels=self._labels,
                state=self._state,
                since_s=self._since_s,
                error=self._error,
                fps_in=self._in.fps,
                fps_out=self._out.fps,
                frame_count=self._in.count,
                update_count=self._out.count,
                reconnect_count=self._reconnect_count,
                drops=drops,
            )
