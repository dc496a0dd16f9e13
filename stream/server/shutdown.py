"""How a server ends: the first signal asks it to, the second has it gone in seconds, the third at once.

Whatever hangs meanwhile (a client, a decoder, a camera, a disk), the process is gone when its time is over.
"""

import asyncio
import logging
import math
import os
import signal
import threading
import time
from collections.abc import Awaitable
from types import TracebackType
from typing import Any, Self

from stream import threads

HURRY_S = 3.0
"""Seconds that are left after the second signal: last words of streams, then the end whatever hangs."""
LOOK_S = 0.1
"""Seconds between two looks at whether the time is over."""
FAILED = 1
"""Exit code of a server that did not end by itself in its time."""

_log = logging.getLogger(__name__)


class Shutdown:
    """The signals that a process was sent, and when it has to be gone. Lives on one event loop; used as a `with`."""

    def __init__(self) -> None:
        """Take SIGTERM and SIGINT from now on."""
        self._caught, self._count = asyncio.Queue[signal.Signals](), 0
        self._by_s = math.inf
        self.is_over = threading.Event()
        """Set when the server has ended."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._take, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_over.set()

    async def asked(self) -> signal.Signals:
        """Wait for the next signal."""
        return await self._caught.get()

    async def unless_asked(self, work: Awaitable[Any]) -> signal.Signals | None:
        """Wait for some work, or for a signal, which gives the work up; return the signal."""
        task, asked = asyncio.ensure_future(work), asyncio.ensure_future(self.asked())
        try:
            await asyncio.wait((task, asked), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (task, asked):
                one.cancel()
        if task.done() and not task.cancelled():
            await task  # raises what it raised
        return asked.result() if asked.done() and not asked.cancelled() else None

    def gone_within(self, limit_s: float) -> None:
        """Have the process gone in so many seconds, if it is not by itself."""
        is_first, self._by_s = math.isinf(self._by_s), min(self._by_s, time.monotonic() + limit_s)
        if is_first:
            threads.start("last resort", self._wait)

    def _take(self, number: signal.Signals) -> None:
        self._count += 1
        self._caught.put_nowait(number)
        if self._count == 2:
            self.gone_within(HURRY_S)
        if self._count > 2:
            os._exit(FAILED)

    def _wait(self) -> None:
        while not self.is_over.wait(LOOK_S):
            if time.monotonic() > self._by_s:
                _log.error("something hangs; the process leaves it behind")
                time.sleep(LOOK_S)  # for the log
                os._exit(FAILED)
