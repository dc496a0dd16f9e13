"""What is said to a client must be taken in time, or its stream ends: who takes nothing holds no place for ever."""

import asyncio
import math
from typing import Any

from grpc import StatusCode

from stream.server.access.leash import Ended


class Patient:
    """A call's context, whose client has `idle_s` to take each message."""

    def __init__(self, context: Any, idle_s: float) -> None:
        """Stand before a context; `idle_s` in seconds, `inf` for ever."""
        self._context, self._idle_s = context, idle_s
        self._end: Ended | None = None

    async def read(self) -> Any:
        """Return the next message; see `ears.py` for how long that may take."""
        return await self._context.read()

    async def write(self, message: Any) -> None:
        """Say something.

        Raises:
            Ended: DEADLINE_EXCEEDED, the client did not take it in time, or what was said before.
        """
        if self._end:
            raise self._end
        try:
            async with asyncio.timeout(None if math.isinf(self._idle_s) else self._idle_s):
                await self._context.write(message)
        except TimeoutError:
            words = f"nothing was taken for {self._idle_s:g} s, this server's limit"
            self._end = Ended(StatusCode.DEADLINE_EXCEEDED, words)
            raise self._end from None
