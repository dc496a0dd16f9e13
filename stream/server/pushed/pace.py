"""How fast a client may send: a second's frames at once, then no faster than the limit. Lives on one event loop."""

import asyncio
import time

from stream.errors import Overrun
from stream.server.wire.heard import Incoming

AT_ONCE_S = 1.0
"""Seconds whose frames may come at once."""


class Pace:
    """Holds the sender back; a stream that may lose no frame ("every") is ended instead."""

    def __init__(self, max_fps: float, policy: str) -> None:
        """Begin; `max_fps` is in frames per second."""
        self._interval_s, self._is_strict = 1.0 / max_fps, policy == "every"
        self._due_s = time.monotonic()

    async def take(self, frame: Incoming) -> None:
        """Count a frame; return when the next may be read.

        Raises:
            Overrun: it came too fast, and the policy is "every".
        """
        now_s = time.monotonic()
        self._due_s = max(self._due_s, now_s) + self._interval_s
        early_s = self._due_s - self._interval_s - AT_ONCE_S - now_s
        if early_s <= 0:
            return
        if self._is_strict and not (frame.is_repeated or frame.is_context):
            raise Overrun(f"frames come too fast; accepted: {1 / self._interval_s:g} a second, with the policy EVERY")
        await asyncio.sleep(early_s)
