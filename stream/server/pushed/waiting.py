"""The frames of one stream that wait for their turn: bounded, in order, by policy. Lives on one event loop."""

import asyncio
from collections import deque
from dataclasses import dataclass

from stream.errors import Overrun
from stream.server.access.admission import Limits
from stream.server.wire.heard import Incoming

ROOM = {"wait": 4, "latest": 2, "every": 32}
"""Count of pictures that may wait, where the limit is not less: two keep a stream steady when its frames come in pairs,
and are two steps old. Packets of a video may wait up to the limit: they are small, and none can be left out."""
MARKS = 256
"""Count of entries at which even "latest" stops reading: skipped frames wait too, for their reply to be in order."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """Takes the place of a frame, once: the client is to be told that the server goes away."""

    grace_s: float
    """Seconds for which frames are still answered."""


class Waiting:
    """Holds the sender back ("wait"), gives up the pictures of the oldest ("latest"), or ends the stream ("every")."""

    def __init__(self, policy: str, limits: Limits) -> None:
        """Begin with none."""
        self._policy, self._room = policy, min(ROOM[policy], limits.max_waiting_frames)
        self._packets, self._most_bytes = limits.max_waiting_frames, limits.max_waiting_bytes
        self._frames: deque[Incoming] = deque()
        self._pictures = self._bytes = 0
        self._is_closed = False
        self._error: Exception | None = None
        self._leaving: Leaving | None = None
        self._changed = asyncio.Event()

    async def put(self, frame: Incoming) -> None:
        """Add the newest frame, when there is room.

        Raises:
            Overrun: there is none, and the policy is "every".
        """
        if self._policy == "every" and self._is_full(frame):
            raise Overrun(f"cannot keep up: {self._pictures} frames, {self._bytes} bytes wait, policy EVERY")
        must_wait = self._policy == "wait" or frame.is_repeated or frame.is_packet
        while self._is_full(frame) if must_wait else len(self._frames) >= MARKS:
            await self._wait()
        while self._policy == "latest" and self._is_full(frame) and self._give_up_oldest():
            continue
        self._frames.append(frame)
        self._count(frame, 1)
        self._changed.set()

    def leave(self, leaving: Leaving) -> None:
        """Have this be the next that is taken."""
        self._leaving = leaving
        self._changed.set()

    async def get(self) -> Incoming | Leaving | None:
        """Take the oldest frame, without its picture if that was given up; None when no more will come.

        Raises:
            Exception: what ended the stream, after the frames that came before it.
        """
        while not (self._frames or self._leaving or self._is_closed):
            await self._wait()
        if self._leaving:
            leaving, self._leaving = self._leaving, None
            return leaving
        if not self._frames:
            if self._error:
                raise self._error
            return None
        frame = self._frames.popleft()
        self._count(frame, -1)
        self._changed.set()
        return frame

    @property
    def is_behind(self) -> bool:
        """Say whether so many packets wait that the picture of the oldest is not to be used, with "latest"."""
        return self._policy == "latest" and self._pictures > self._room

    def close(self, error: Exception | None = None) -> None:
        """Let no more come; those that wait are still given."""
        if not self._is_closed:
            self._is_closed, self._error = True, error
        self._changed.set()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _is_full(self, frame: Incoming) -> bool:
        is_heavy = self._pictures > 0 and self._bytes + frame.byte_count > self._most_bytes
        return self._pictures >= (self._packets if frame.is_packet else self._room) or is_heavy

    def _count(self, frame: Incoming, by: int) -> None:
        if frame.message is not None:
            self._pictures, self._bytes = self._pictures + by, self._bytes + by * frame.byte_count

    def _give_up_oldest(self) -> bool:
        """Give up a picture; False where all that wait must be used."""
        waits = (i for i, frame in enumerate(self._frames) if frame.message and not frame.is_repeated)
        if (at := next(waits, None)) is None:
            return False
        self._count(self._frames[at], -1)
        self._frames[at] = self._frames[at].give_up()
        return True
