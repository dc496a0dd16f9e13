"""Listens to clients, and stops listening: when one says nothing for too long, or when the server ends."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from grpc import StatusCode
from grpc.aio import EOF

from stream.errors import UsageError
from stream.server.access.leash import Ended
from stream.server.wire import fields


class Ears:
    """Those of a whole server: shutting them ends the listening of every stream."""

    def __init__(self, idle_timeout_s: float) -> None:
        """Listen; `idle_timeout_s` is how long a client may say nothing, `inf` for ever."""
        self._idle_s, self.is_shut = idle_timeout_s, False
        self._timeouts: set[asyncio.Timeout] = set()

    def shut(self) -> None:
        """Hear nothing more."""
        self.is_shut = True
        for timeout in self._timeouts:
            if not timeout.expired():
                timeout.reschedule(self._deadline())

    @asynccontextmanager
    async def listening(self, context: Any) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
        """Give the function that reads one message; None when the client has half-closed.

        Raises:
            Ended: nothing came in time, or the server ends; also in the midst of what is done with a message.
            UsageError: what came is no message of ours.
        """
        try:
            async with asyncio.timeout_at(self._deadline()) as timeout:
                self._timeouts.add(timeout)
                yield lambda: self._hear(context, timeout)
        except TimeoutError:
            raise self._end() from None
        finally:
            self._timeouts.discard(timeout)

    async def _hear(self, context: Any, timeout: asyncio.Timeout) -> Any:
        timeout.reschedule(self._deadline())
        try:
            message = await context.read()
        except fields.Unreadable as error:
            raise UsageError(f"a message is not a RecognizeRequest: {error}") from error
        if not self.is_shut:
            timeout.reschedule(None)  # what is done with the message is not the client's silence
        return None if message is EOF else message

    def _deadline(self) -> float | None:
        now_s = asyncio.get_running_loop().time()
        if self.is_shut:
            return now_s
        return None if math.isinf(self._idle_s) else now_s + self._idle_s

    def _end(self) -> Ended:
        if self.is_shut:
            return Ended(StatusCode.UNAVAILABLE, "the server is shutting down")
        return Ended(StatusCode.DEADLINE_EXCEEDED, f"no frame came for {self._idle_s:g} s, this server's limit")
