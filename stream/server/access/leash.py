"""Ends a stream from outside, wherever it waits just then: its token was taken away, it went on elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from grpc import StatusCode


class Ended(Exception):  # not one of the tree: how a stream ends with nobody at fault
    """Ends a stream with a status that no error of ours stands for."""

    def __init__(self, status: StatusCode, words: str) -> None:
        super().__init__(words)
        self.status = status


class Leash:
    """Holds what one task does."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._loop, self._timeout = asyncio.get_running_loop(), timeout
        self.why: Ended | None = None

    def end(self, why: Ended) -> None:
        """End it, soon, and say why; from any thread, and of no effect on what has ended."""
        self._loop.call_soon_threadsafe(self._end, why)

    def _end(self, why: Ended) -> None:
        if not self.why and self._timeout.when() is None:
            self.why = why
            self._timeout.reschedule(self._loop.time())


@asynccontextmanager
async def leashed() -> AsyncIterator[Leash]:
    """Do something that can be ended.

    Raises:
        Ended: it was.
    """
    leash: Leash | None = None
    try:
        async with asyncio.timeout(None) as timeout:
            leash = Leash(timeout)
            yield leash
    except TimeoutError:
        if leash and leash.why:
            raise leash.why from None
        raise
