"""Seconds since the first frame, whatever a container's timestamps are worth."""

import heapq
import math

JUMP_S = 1.0
"""Seconds: a timestamp further back than this means that the stream's clock was set again."""

LEAP_S = 10.0
"""Seconds: a live timestamp further ahead of its arrival than this means so, too."""


class Clock:
    """Seconds since the first frame, by the stream's own timestamps; never backwards."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._shift_s: float | None = None
        self._last_s = -interval_s
        self._time_s, self._arrival_s = math.nan, math.nan

    def offset_s(self, time_s: float | None, arrival_s: float = math.nan) -> float:
        """Place a frame.

        Without a timestamp, or after the clock was set again, it comes one interval after the last; live, by as much as
        really passed.

        Args:
            time_s: seconds, its timestamp; None where it has none.
            arrival_s: seconds on the monotonic clock when a live frame came, to be compared with its timestamp; else
                not a number.
        """
        passed_s = arrival_s - self._arrival_s  # not a number for the first frame, and where nothing is live
        next_s = self._last_s + (passed_s if passed_s > 0 else self._interval_s)
        if time_s is None:
            offset_s = next_s
        elif time_s == self._time_s and passed_s > 0:  # a webcam's clock may stand still at first
            offset_s, self._shift_s = next_s, None
        elif self._is_set_anew(time_s, passed_s):
            self._shift_s = next_s - time_s
            offset_s = next_s
        else:
            offset_s = time_s + (self._shift_s or 0.0)
        self._time_s, self._arrival_s = math.nan if time_s is None else time_s, arrival_s
        self._last_s = max(self._last_s, offset_s)
        return self._last_s

    def _is_set_anew(self, time_s: float, passed_s: float) -> bool:
        if self._shift_s is None:
            return True
        step_s = time_s + self._shift_s - self._last_s
        return step_s < -JUMP_S or step_s - passed_s > LEAP_S


class FilmClock:
    """Seconds since the first packet, for packets in the order of decoding, which is not that of time."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._shift_s, self._last_s = 0.0, -math.inf

    def offset_s(self, time_s: float) -> float:
        """Place a packet; after the clock was set back, one interval after the last."""
        if math.isinf(self._last_s):
            self._shift_s = -time_s
        elif time_s + self._shift_s < self._last_s - JUMP_S:
            self._shift_s = self._last_s + self._interval_s - time_s
        offset_s = time_s + self._shift_s
        self._last_s = max(self._last_s, offset_s)
        return offset_s


class DecodingTimes:
    """Times of pictures where packets carry times of decoding only, and pictures are shown in another order.

    The pictures leave the decoder in the order in which they are shown, as many as packets went in: each takes
    the least of the times that are left.
    """

    def __init__(self) -> None:
        self._left: list[float] = []
        self._last_s = -math.inf
        self.is_needed = True
        """False once a packet's time is less than that of one before it: those are times of pictures after all."""

    def put(self, time_s: float | None) -> None:
        """Take a packet's time."""
        if time_s is None:
            return
        self.is_needed = self.is_needed and time_s >= self._last_s
        self._last_s = time_s
        heapq.heappush(self._left, time_s)

    def take(self, time_s: float | None, *, is_key: bool) -> float | None:
        """Return the time of a picture whose packet had `time_s`."""
        while is_key and time_s is not None and self._left and self._left[0] < time_s:
            heapq.heappop(self._left)  # all before a key picture is out: no picture came of these packets
        return heapq.heappop(self._left) if self._left and self.is_needed else time_s
