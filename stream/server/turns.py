"""Whose frame is next: worker threads that take the oldest deadline first, fair where there are too many.

A frame is due one of its model's intervals after it came. A stream has at most one frame here, so that its frames never
meet. One that sends faster than its rate is due as if it kept to it, though no later than some intervals from now: what
it could not have in time it gets when the others have had theirs.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from stream import threads

AHEAD = 2.0
"""Intervals: how far from now the frame of a stream that sends too fast may be due."""

LEAVE_S = 2.0
"""Seconds that the workers together have to end with what they are in the midst of."""

T = TypeVar("T")


class Deadlines:
    """When the frames of one stream are due."""

    def __init__(self, fps: float) -> None:
        self._interval_s, self._last_s = 1.0 / fps, 0.0

    def next(self, arrival_s: float, now_s: float) -> float:
        """Return when a frame is due, in seconds on the monotonic clock; called for each that needs work."""
        due_s = max(arrival_s, self._last_s) + self._interval_s
        self._last_s = min(due_s, now_s + AHEAD * self._interval_s)
        return self._last_s


class Turns(Executor):
    """Worker threads, and a queue in the order of deadlines; equal ones in the order they came."""

    def __init__(self, workers: int) -> None:
        """Begin `workers` threads, 1 or more."""
        self._queue: list[tuple[float, int, Future[Any], Callable[[], Any]]] = []
        self._order, self._changed, self._is_closed = itertools.count(), threading.Condition(), False
        self._threads = [threads.start(f"worker_{n}", self._run) for n in range(workers)]

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have something done that is due now.

        Raises:
            RuntimeError: the workers have gone home.
        """
        return self.submit_by(time.monotonic(), fn, *args, **kwargs)

    def submit_by(self, due_s: float, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have something done that is due at that moment of the monotonic clock. See `submit`."""
        future: Future[T] = Future()
        with self._changed:
            if self._is_closed:
                raise RuntimeError("the workers have gone home")
            heapq.heappush(self._queue, (due_s, next(self._order), future, lambda: fn(*args, **kwargs)))
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; what waits is still done, unless it is to be cancelled."""
        with self._changed:
            self._is_closed = True
            dropped = [future for _, _, future, _ in self._queue] if cancel_futures else []
            self._queue = [] if cancel_futures else self._queue
            self._changed.notify_all()
        for future in dropped:
            future.cancel()
        end_s = time.monotonic() + LEAVE_S
        for thread in self._threads if wait else ():
            thread.join(max(0.0, end_s - time.monotonic()))  # one that is stuck in a decoder holds nobody

    def _run(self) -> None:
        while (job := self._take()) is not None:
            future, work = job
            threads.settle(future, work)
            del future, work, job  # what it held is not held while there is nothing to do

    def _take(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._changed:
            while not self._queue and not self._is_closed:
                self._changed.wait()
            if not self._queue:
                return None
            _, _, future, work = heapq.heappop(self._queue)
            return future, work
