"""Many streams at once, each sending frames at their own times whatever the answers do, and how old answers are.

A frame's age counts from the moment it was due, not from when it could be sent: what is held up is not counted younger.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Any

import grpc

from stream.bench.film import Film
from stream.config import SessionSettings
from stream.errors import ServiceError
from stream.server.client import messages
from stream.types import Drops
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc

START_S = 0.5
"""Seconds in which all streams are opened before the first frame is due."""
LAST_S = 10.0
"""Seconds that the last answers have."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent."""

    film: Film
    """What every stream sends, and at what rate."""
    seconds: float
    """How long frames are counted."""
    warmup_s: float = 1.0
    """Seconds before that, of frames that are not."""
    model: str = ""
    """One that the server has loaded; empty: its first."""
    seed: int = 0
    """Of the moments within a frame's interval at which streams begin."""


@dataclass(slots=True)
class Heard:
    """What the streams were told, all together."""

    sent_count: int = 0
    """Frames that were due while frames were counted, but for those that the model's rate did not need."""
    ages_s: list[float] = field(default_factory=list)
    """Seconds from when a frame was due until its labels were here, of each frame that was used."""
    server_ages_s: list[float] = field(default_factory=list)
    """Seconds of these that the server says it had the frame."""
    drops: dict[str, int] = field(default_factory=dict)
    """Cause -> frames not used, those of the warm-up among them."""
    late_s: float = 0.0
    """Seconds by which the latest frame was sent after it was due: large where the sender itself cannot keep up."""

    def add_drops(self, drops: Drops) -> None:
        """Add what one stream lost."""
        for cause, count in asdict(drops).items():
            self.drops[cause] = self.drops.get(cause, 0) + count


async def offer(address: str, load: Load, streams: int) -> Heard:
    """Open streams, each on a connection of its own, and send.

    Raises:
        ServiceError: the server cannot be reached, or ended a stream; carries its words.
    """
    heard, begin_s, order = Heard(), time.monotonic() + START_S, random.Random(load.seed)  # noqa: S311  # no secret
    phases = [order.random() / load.film.fps for _ in range(streams)]
    try:
        async with asyncio.TaskGroup() as group:
            for phase_s in phases:
                group.create_task(_Stream(load, heard, begin_s + phase_s).run(address))
    except ExceptionGroup as errors:
        error = errors.exceptions[0]
        if isinstance(error, grpc.aio.AioRpcError):
            raise ServiceError(f"{address}: {error.code().name}: {error.details()}") from error
        raise
    return heard


class _Stream:
    """One stream of the many."""

    def __init__(self, load: Load, heard: Heard, begin_s: float) -> None:
        self._load, self._heard, self._begin_s = load, heard, begin_s
        self._skipped = round(load.warmup_s * load.film.fps)
        self._count = self._skipped + max(1, round(load.seconds * load.film.fps))

    async def run(self, address: str) -> None:
        options = (("grpc.use_local_subchannel_pool", 1),)  # a connection of its own
        async with grpc.aio.insecure_channel(address, options) as channel:
            stub = rpc.RecognitionServiceStub(channel)  # type: ignore[no-untyped-call]
            async for reply in stub.Recognize(self._requests()):
                self._take(reply, time.monotonic())

    def _due_s(self, index: int) -> float:
        return self._begin_s + index / self._load.film.fps

    async def _requests(self) -> AsyncIterator[pb.RecognizeRequest]:
        film = self._load.film
        config = messages.configure(self._load.model, SessionSettings(), "latest", None, film.video)
        yield pb.RecognizeRequest(config=config)
        for index in range(self._count):
            wait_s = self._due_s(index) - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if index >= self._skipped:
                self._heard.sent_count += 1
                self._heard.late_s = max(self._heard.late_s, time.monotonic() - self._due_s(index))
            yield film.frame(index)

    def _take(self, reply: Any, now_s: float) -> None:
        if reply.HasField("update") and (index := reply.update.sequence - 1) >= self._skipped:
            self._heard.ages_s.append(now_s - self._due_s(index))
            self._heard.server_ages_s.append(reply.update.age.ToMicroseconds() / 1e6)
        if reply.HasField("frame_skipped") and reply.frame_skipped.cause == pb.DROP_CAUSE_RATE:
            self._heard.sent_count -= reply.frame_skipped.sequence > self._skipped
        if reply.HasField("finished"):
            self._heard.add_drops(messages.drops_of(reply.finished.drops))
