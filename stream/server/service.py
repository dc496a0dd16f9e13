"""The gRPC service: pushes every frame through the same `Session.feed` that watching runs.

source -> decode -> preprocess -> step -> smooth -> event -> sink
client    `--------------- a worker ----------------'       client

The event loop reads, writes and counts; workers do the rest. At most one frame of a stream is with them at a time, so a
stream has at most one place in their queue, and they go round the streams in turn.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from importlib import metadata
from typing import Any

import grpc

from stream.errors import Overrun, StreamError
from stream.pipeline import Session
from stream.server import convert, reports
from stream.server.access import Access, Client
from stream.server.admission import Admission, Limits
from stream.server.answers import Answers
from stream.server.ears import Ears, Ended
from stream.server.hub import Hub
from stream.server.metrics import Metrics
from stream.server.models import Models
from stream.server.named import kept
from stream.server.status import code, trailing
from stream.server.waiting import Waiting
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc

NAME = "stream.v1.RecognitionService"
"""What health and reflection call it."""
POLL_S = 0.02
"""Seconds between two looks at whether all streams have ended."""
LAST_WORDS_S = 2.0
"""Seconds: how long a stream that is ended has for the frames that wait and its last message."""

_log = logging.getLogger(__name__)


class RecognitionService(rpc.RecognitionServiceServicer):
    """Answers the methods of the protocol."""

    def __init__(
        self, workers: Executor, limits: Limits, models: Models, hub: Hub, access: Access, metrics: Metrics
    ) -> None:
        """Begin closed."""
        self._workers, self._limits, self._models, self._hub = workers, limits, models, hub
        self._access, self._metrics = access, metrics
        self.admission = Admission(limits)
        self._ears = Ears(limits.idle_timeout_s)

    def open(self) -> None:
        """Take streams."""
        self.admission.closed = None

    async def drain(self, patience_s: float) -> None:
        """Take no new streams; give the open ones `patience_s` to end by themselves, then end them."""
        self.admission.closed = "shutting down"
        await asyncio.to_thread(self._hub.close)
        deadline_s = time.monotonic() + patience_s
        while self.admission.open_count and time.monotonic() < deadline_s and not self._ears.is_shut:
            await asyncio.sleep(POLL_S)
        self.end()
        while self.admission.open_count and time.monotonic() < deadline_s + LAST_WORDS_S:
            await asyncio.sleep(POLL_S)

    def end(self) -> None:
        """Have every open stream answer the frames that wait, say what that ends, and end."""
        self._ears.shut()

    async def Describe(self, request: pb.DescribeRequest, context: Any) -> pb.DescribeResponse:  # noqa: N802, ARG002
        """List the models and the limits."""
        await self._client(context)
        limits = pb.Limits(
            max_streams=self._limits.max_streams,
            open_streams=self.admission.open_count,
            max_message_bytes=self._limits.max_message_bytes,
            max_pixels=self._limits.max_pixels,
        )
        if math.isfinite(self._limits.idle_timeout_s):
            limits.idle_timeout.FromMicroseconds(round(self._limits.idle_timeout_s * 1e6))
        models = map(convert.model, self._models.loaded)
        return pb.DescribeResponse(models=models, limits=limits, version=_version())

    async def ListSources(self, request: pb.ListSourcesRequest, context: Any) -> pb.ListSourcesResponse:  # noqa: N802, ARG002
        """Say how the configured sources are."""
        client = await self._client(context)
        found = (one for one in self._hub.standings() if client.may_watch(one[0].name))
        return pb.ListSourcesResponse(sources=[reports.status(*one) for one in found])

    async def Watch(self, request: pb.WatchRequest, context: Any) -> None:  # noqa: N802
        """Tell what a configured source gives."""
        await self._serve(context, "watch", lambda client, _: self._tell(context, request.source, client))

    async def Recognize(self, requests: object, context: Any) -> None:  # noqa: N802, ARG002
        """Recognise one stream, from its configuration to its end."""
        await self._serve(context, "recognize", lambda _, stream_id: self._converse(context, stream_id))

    async def _serve(self, context: Any, kind: str, work: Callable[[Client, str], Awaitable[None]]) -> None:
        """Let a stream in, and say how it ended."""
        stream_id = "that was not let in"
        try:
            client = await self._client(context)
            with self.admission.admitted(kind, client, context.peer()) as stream_id:
                await work(client, stream_id)
        except StreamError as error:
            await _abort(context, code(error), str(error))
        except Ended as end:
            await _abort(context, end.status, str(end))
        except grpc.aio.AbortError:
            raise
        except grpc.aio.InternalError:  # the client has gone while something was said to it: nobody is there to be told
            return
        except Exception:
            _log.exception("stream %s: the server failed", stream_id)
            await _abort(
                context, grpc.StatusCode.INTERNAL, f"the server failed; stream {stream_id} in its log says how"
            )

    async def _client(self, context: Any) -> Client:
        """Return who calls; whoever may not is told so."""
        try:
            return self._access.client(context)
        except Ended as end:
            self.admission.refused["token"] += 1
            await _abort(context, end.status, str(end))
            raise

    async def _tell(self, context: Any, name: str, client: Client) -> None:
        """Tell one client the news of one source until its end."""
        with self._hub.watching(name, client.may_watch) as (keeper, seat, audience):
            await context.write(reports.watching(keeper, len(audience)))
            while (news := await seat.get()) is not None:
                await context.write(reports.report(news, seat.missed_count, len(audience)))

    async def _converse(self, context: Any, stream_id: str) -> None:
        """Configure, then answer frames while others are read."""
        async with self._ears.listening(context) as hear:
            config = convert.config(await hear())
        recogniser, policy = self._models.find(config.model), convert.policy(config)
        settings, max_age_s = convert.settings(config), convert.max_age_s(config)
        stopwatch = self._metrics.stopwatch()
        session = await self._work(Session, recogniser.runtime, settings, stopwatch)
        understood = convert.filled(recogniser.card, settings, policy, max_age_s)
        await context.write(convert.configured(recogniser, understood, stream_id))
        waiting = Waiting(policy)
        reader = asyncio.create_task(self._read(context, waiting))
        try:
            answers = Answers(session, self._metrics, stopwatch, self._limits.max_pixels, max_age_s)
            await self._answer(context, answers, waiting)
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
        end: Ended | Overrun | None = None
        try:
            while frame := await waiting.get():
                await context.write(answers.refuse(frame) or await self._work(answers.use, frame))
        except (Ended, Overrun) as error:
            end = error
        await context.write(await self._work(answers.finish))
        if end:
            raise end

    async def _work(self, work: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._workers, kept(work), *arguments)


async def _abort(context: Any, status: grpc.StatusCode, words: str) -> None:
    await context.abort(status, words, trailing(status, words))


def _version() -> str:
    try:
        return metadata.version("movinet-stream")
    except metadata.PackageNotFoundError:
        return "of a checkout"
