"""The gRPC service: pushes every frame through the same `Session.feed` that watching runs.

source -> decode -> preprocess -> step -> smooth -> event -> sink
client    `--------------- a worker ----------------'       client
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from importlib import metadata
from typing import Any

import grpc

from stream import threads
from stream.errors import StreamError
from stream.server.access.admission import Admission, Limits
from stream.server.access.clients import Access, Client
from stream.server.access.guard import abort
from stream.server.access.leash import Ended
from stream.server.access.patience import Patient
from stream.server.models import Models
from stream.server.operations.metrics import Metrics
from stream.server.pushed.conversations import Conversations
from stream.server.pushed.ears import Ears
from stream.server.pushed.seal import Seal
from stream.server.turns import Turns
from stream.server.watched import reports
from stream.server.watched.hub import Hub
from stream.server.wire import told
from stream.server.wire.status import code, trailing
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from stream.words import cut

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
        self,
        workers: Turns,
        limits: Limits,
        models: Models,
        hub: Hub,
        access: Access,
        metrics: Metrics,
        seal: Seal,
    ) -> None:
        """Begin closed."""
        self._limits, self._models, self._hub, self._access = limits, models, hub, access
        self.admission = Admission(limits)
        self._ears = Ears(limits.idle_timeout_s)
        self._conversations = Conversations(workers, limits, models, metrics, self._ears, seal)

    def open(self) -> None:
        """Take streams."""
        self.admission.closed = None

    async def drain(self, patience_s: float) -> None:
        """Take no new streams; tell the open ones to leave, give them `patience_s` to do so, then end them."""
        self.admission.closed = "shutting down"
        self._conversations.leave(patience_s)
        await threads.aside("end sources", self._hub.close)
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
        models = map(told.model, self._models.loaded)
        return pb.DescribeResponse(models=models, limits=limits, version=_version())

    async def ListSources(self, request: pb.ListSourcesRequest, context: Any) -> pb.ListSourcesResponse:  # noqa: N802, ARG002
        """Say how the configured sources are."""
        client = await self._client(context)
        found = (one for one in self._hub.standings() if client.may_watch(one[0].name))
        return pb.ListSourcesResponse(sources=[reports.status(*one) for one in found])

    async def Watch(self, request: pb.WatchRequest, context: Any) -> None:  # noqa: N802
        """Tell what a configured source gives."""
        await self._serve(context, "watch", lambda calm, client, _: self._tell(calm, request.source, client))

    async def Recognize(self, requests: object, context: Any) -> None:  # noqa: N802, ARG002
        """Recognise one stream, from its configuration to its end."""
        await self._serve(context, "recognize", self._conversations.hold)

    async def _serve(self, context: Any, kind: str, work: Callable[[Patient, Client, str], Awaitable[None]]) -> None:
        """Let a stream in, and say how it ended."""
        stream_id, status, words = "that was not let in", None, ""
        try:
            client = await self._client(context)
            with self.admission.admitted(kind, client, context.peer()) as stream_id:
                async with self._access.leashed(client):
                    await work(Patient(context, self._limits.idle_timeout_s), client, stream_id)
        except StreamError as error:
            status, words = code(error), str(error)
        except Ended as end:
            status, words = end.status, str(end)
        except grpc.aio.AbortError:
            raise
        except grpc.aio.InternalError:  # the client has gone while something was said to it: nobody is there to be told
            return
        except Exception as error:
            _log.error("stream %s: the server failed: %s", stream_id, threads.place(error))
            status, words = grpc.StatusCode.INTERNAL, f"the server failed; stream {stream_id} in its log says how"
        if status:
            await _abort(context, status, words)  # not above: what led to it would hold the client's messages

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


async def _abort(context: Any, status: grpc.StatusCode, words: str) -> None:
    words = cut(words)
    await abort(context, status, words, trailing(status, words))


def _version() -> str:
    try:
        return metadata.version("movinet-stream")
    except metadata.PackageNotFoundError:
        return "of a checkout"
