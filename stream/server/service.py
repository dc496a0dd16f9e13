"""The gRPC service: pushes every frame through the same `Session.feed` that watching runs.

source -> decode -> preprocess -> step -> smooth -> event -> sink
client    `--------------- a worker ----------------'       client

The event loop reads, writes and counts; workers do the rest. At most one frame of a stream is with them at a time, so a
stream has at most one place in their queue, and they go round the streams in turn.
"""

import asyncio
import itertools
import logging
import math
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import grpc

from stream.decode import MAX_PIXELS
from stream.errors import StreamError, UnknownPart
from stream.recogniser import Recogniser
from stream.server import convert
from stream.server.answers import Answers
from stream.server.ears import Ears, Ended
from stream.server.status import code
from stream.server.waiting import Waiting
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc

NAME = "stream.v1.RecognitionService"
"""What health and reflection call it."""
RETRY_AFTER_MS = 1000
"""Milliseconds: when to try again, said with a refusal."""
POLL_S = 0.02
"""Seconds between two looks at whether all streams have ended."""
LAST_WORDS_S = 2.0
"""Seconds: how long a stream that is ended has for the frames that wait and its last message."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server allows."""

    max_streams: int = 128
    """Count of streams open at once, 1 or more."""
    max_message_bytes: int = 16 * 1024 * 1024
    """Bytes: largest message taken, 1024 or more."""
    max_pixels: int = MAX_PIXELS
    """Pixels: largest picture taken, 1 or more."""
    idle_timeout_s: float = math.inf
    """Seconds, > 0: a stream without a frame for this long is ended."""


class RecognitionService(rpc.RecognitionServiceServicer):
    """Answers `Recognize` and `Describe`."""

    def __init__(self, workers: ThreadPoolExecutor, limits: Limits) -> None:
        """Begin closed."""
        self._workers, self._limits = workers, limits
        self._models: dict[str, Recogniser] = {}
        self._ids, self._open = itertools.count(1), set[int]()
        self._closed: str | None = "still loading its models"
        self._ears = Ears(limits.idle_timeout_s)

    @property
    def open_count(self) -> int:
        """Count of streams open now."""
        return len(self._open)

    def open(self, models: Iterable[Recogniser]) -> None:
        """Take streams: for these models, the first of which answers where a configuration names none."""
        self._models, self._closed = {model.card.name: model for model in models}, None

    async def drain(self, patience_s: float) -> None:
        """Take no new streams; give the open ones `patience_s` to end by themselves, then end them."""
        self._closed = "shutting down"
        deadline_s = time.monotonic() + patience_s
        while self._open and time.monotonic() < deadline_s and not self._ears.is_shut:
            await asyncio.sleep(POLL_S)
        self.end()
        while self._open and time.monotonic() < deadline_s + LAST_WORDS_S:
            await asyncio.sleep(POLL_S)

    def end(self) -> None:
        """Have every open stream answer the frames that wait, say what that ends, and end."""
        self._ears.shut()

    async def Describe(self, request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:  # noqa: N802, ARG002
        """List the models and the limits."""
        limits = pb.Limits(
            max_streams=self._limits.max_streams,
            open_streams=self.open_count,
            max_message_bytes=self._limits.max_message_bytes,
            max_pixels=self._limits.max_pixels,
        )
        if math.isfinite(self._limits.idle_timeout_s):
            limits.idle_timeout.FromMicroseconds(round(self._limits.idle_timeout_s * 1e6))
        models = map(convert.model, self._models.values())
        return pb.DescribeResponse(models=models, limits=limits, version=_version())

    async def Recognize(self, requests: object, context: Any) -> None:  # noqa: N802, ARG002
        """Recognise one stream, from its configuration to its end."""
        number = next(self._ids)
        try:
            with self._admitted(number, context.peer()):
                await self._converse(context, str(number))
        except StreamError as error:
            await context.abort(code(error), str(error))
        except Ended as end:
            await context.abort(end.status, str(end), (("retry-after-ms", str(RETRY_AFTER_MS)),))
        except Exception:
            _log.exception("stream %d: the server failed", number)
            await context.abort(grpc.StatusCode.INTERNAL, f"the server failed; stream {number} in its log says how")

    @contextmanager
    def _admitted(self, number: int, peer: str) -> Iterator[None]:
        """Count a stream in, and out whatever happens."""
        if self._closed:
            raise Ended(grpc.StatusCode.UNAVAILABLE, f"the server is {self._closed}")
        if len(self._open) >= self._limits.max_streams:
            words = f"{len(self._open)} streams are open; accepted: {self._limits.max_streams} at once"
            raise Ended(grpc.StatusCode.RESOURCE_EXHAUSTED, words)
        began_s, ending = time.monotonic(), "done"
        self._open.add(number)
        _log.info("stream %d opened by %s", number, peer)
        try:
            yield
        except BaseException as error:
            ending = f"{type(error).__name__} {error}"
            raise
        finally:
            self._open.discard(number)
            _log.info("stream %d closed after %.1f s: %s", number, time.monotonic() - began_s, ending)

    async def _converse(self, context: Any, stream_id: str) -> None:
        """Configure, then answer frames while others are read."""
        async with self._ears.listening(context) as hear:
            config = convert.config(await hear())
        recogniser = self._find(config.model)
        settings, policy = convert.settings(config), convert.policy(config)
        session = await self._work(recogniser.session, settings)
        await context.write(convert.configured(recogniser, settings, policy, stream_id))
        waiting = Waiting(policy)
        reader = asyncio.create_task(self._read(context, waiting))
        try:
            await self._answer(context, Answers(session, self._limits.max_pixels), waiting)
        finally:
            reader.cancel()

    async def _read(self, context: Any, waiting: Waiting) -> None:
        """Let frames wait until there are no more; what went wrong waits behind them."""
        try:
            async with self._ears.listening(context) as hear:
                while message := await hear():
                    await waiting.put(convert.incoming(message, time.monotonic_ns()))
        except Exception as error:
            waiting.close(error)
        else:
            waiting.close()

    async def _answer(self, context: Any, answers: Answers, waiting: Waiting) -> None:
        """Answer every frame in turn, and say what the end of the stream ends."""
        end: Ended | None = None
        try:
            while frame := await waiting.get():
                await context.write(answers.refuse(frame) or await self._work(answers.use, frame))
        except Ended as error:
            end = error
        await context.write(await self._work(answers.finish))
        if end:
            raise end

    async def _work(self, work: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *arguments)

    def _find(self, name: str) -> Recogniser:
        if not name:
            return next(iter(self._models.values()))
        if name not in self._models:
            raise UnknownPart("model", name, self._models)
        return self._models[name]


def _version() -> str:
    try:
        return metadata.version("movinet-stream")
    except metadata.PackageNotFoundError:
        return "of a checkout"
