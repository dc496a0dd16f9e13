"""The frames of one stream that wait for their turn: bounded, in order, by policy. Lives on one event loop."""

import asyncio
from collections import deque

from stream.server.convert import Incoming

ROOM = {"wait": 4, "latest": 2}
"""Count of pictures that may wait; two keep a stream steady when its frames come in pairs, and are two steps old."""
MARKS = 256
"""Count of entries at which even "latest" stops reading: skipped frames wait too, for their reply to be in order."""


class Waiting:
    """Keeps every frame and holds the sender back ("wait"), or gives up the pictures of the oldest ("latest")."""

    def __init__(self, policy: str) -> None:
        self._policy, self._room = policy, ROOM[policy]
        self._frames: deque[Incoming] = deque()
        self._pictures = 0
        self._is_closed = False
        self._error: Exception | None = None
        self._changed = asyncio.Event()

    async def put(self, frame: Incoming) -> None:
        """Add the newest frame, when there is room."""
        limit = self._room if self._policy == "wait" else MARKS
        while len(self._frames) >= limit:
            await self._wait()
        self._frames.append(frame)
        self._pictures += 1
        if self._pictures > self._room:
            self._give_up_oldest()
        self._changed.set()

    async def get(self) -> Incoming | None:
        """Take the oldest frame, without its picture if that was given up; None when no more will come.

        Raises:
            Exception: what ended the stream, after the frames that came before it.
        """
        while not self._frames and not self._is_closed:
            await self._wait()
        if not self._frames:
            if self._error:
                raise self._error
            return None
        frame = self._frames.popleft()
        self._pictures -= frame.message is not None
        self._changed.set()
        return frame

    def close(self, error: Exception | None = None) -> None:
        """Let no more come; those that wait are still given."""
        if not self._is_closed:
            self._is_closed, self._error = True, error
        self._changed.set()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _give_up_oldest(self) -> None:
        at = next(i for i, frame in enumerate(self._frames) if frame.message is not None)
        self._frames[at] = self._frames[at].give_up()
        self._pictures -= 1
