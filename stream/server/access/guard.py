"""What stands before every method of the server: who calls, how much it may send, how many such calls there may be.

Recognize alone takes large messages and looks at its caller itself; all others are read here, when it is known who
calls and that there is room, never before: bytes that a stranger sends wait in their own connection.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc import StatusCode

from stream.server.access.clients import Access, address
from stream.server.access.leash import Ended

PUSHED = "/stream.v1.RecognitionService/Recognize"
"""Reads its own messages, within `--max-message-mb`."""
WATCH = "/stream.v1.RecognitionService/Watch"
"""Is counted among the streams, see `admission.py`."""
CHECK = "/grpc.health.v1.Health/Check"
"""Needs no token: what decides whether a server gets streams has none."""
MOST_BYTES = 4096
"""Bytes of a message to any other method: names, nothing else."""
READ_S = 5.0
"""Seconds that a message to any other method may take to come."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many calls of one sort may be open, in all and from one address."""

    sort: str
    most: int
    most_each: int


UNARY, STREAMS = Room("call", 64, 16), Room("stream", 64, 8)
"""Of methods with one answer; of those that last: health's Watch, reflection."""


class Places:
    """Counts the calls of one sort."""

    def __init__(self, room: Room) -> None:
        """Begin with none."""
        self._room, self._open = room, Counter[str]()

    @contextmanager
    def taken(self, caller: str) -> Iterator[None]:
        """Take a place.

        Raises:
            Ended: RESOURCE_EXHAUSTED, there is none.
        """
        if self._open[caller] >= self._room.most_each or self._open.total() >= self._room.most:
            words = f"{self._room.most_each} of one address at once, {self._room.most} in all"
            raise Ended(StatusCode.RESOURCE_EXHAUSTED, f"too many {self._room.sort}s of this sort; accepted: {words}")
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]


class Guard(grpc.aio.ServerInterceptor):  # type: ignore[misc, unused-ignore]
    """Stands before every method of one server."""

    def __init__(self, access: Access, refused: Callable[[str], None]) -> None:
        """Let in whom `access` knows; `refused` counts the others, by reason."""
        self._access, self._refused = access, refused
        self._unary, self._streams = Places(UNARY), Places(STREAMS)

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        """Put ourselves in the place of a method."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method == PUSHED:
            return handler
        return self._guarded(handler, method)

    def _guarded(self, handler: Any, method: str) -> Any:
        """Return a handler that reads when it may; on the wire one message and many look the same."""
        lasts = handler.response_streaming and method != WATCH

        async def answer(_: Any, context: Any) -> Any:
            try:
                if method != CHECK:
                    self._access.client(context)
                with (self._streams if lasts else self._unary).taken(address(context.peer())):
                    if handler.request_streaming:
                        return await _converse(handler, context)
                    request = await _read(handler, context)
                    if method != WATCH:
                        return await (handler.unary_stream or handler.unary_unary)(request, context)
                return await handler.unary_stream(request, context)  # which counts as a stream from here on
            except Ended as end:
                status, words = end.status, str(end)
            self._refused("token" if status is StatusCode.UNAUTHENTICATED else "guard")
            return await abort(context, status, words)  # not above: what led to it would hold the message

        if handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(answer, None, handler.response_serializer)
        return grpc.stream_unary_rpc_method_handler(answer, None, handler.response_serializer)


async def abort(context: Any, status: StatusCode, words: str, trailing: Any = ()) -> None:
    """End a call with a status; quietly where nobody takes it any more."""
    try:
        await context.abort(status, words, trailing)
    except grpc.aio.AbortError:
        raise
    except (grpc.aio.BaseError, grpc.aio.InternalError):
        return


async def _read(handler: Any, context: Any) -> Any:
    """Read the one message of a call.

    Raises:
        Ended: it did not come in time, is too large, or is none.
    """
    try:
        async with asyncio.timeout(READ_S):
            data = await context.read()
    except TimeoutError:
        raise Ended(StatusCode.DEADLINE_EXCEEDED, f"no message came for {READ_S:g} s") from None
    return _parsed(handler, data)


def _parsed(handler: Any, data: Any) -> Any:
    if data is grpc.aio.EOF:
        raise Ended(StatusCode.INVALID_ARGUMENT, "there is no message; accepted: one")
    if len(data) > MOST_BYTES:
        words = f"the message has {len(data)} bytes; accepted: {MOST_BYTES}"
        raise Ended(StatusCode.RESOURCE_EXHAUSTED, words)
    try:
        return handler.request_deserializer(data)
    except DecodeError:
        raise Ended(StatusCode.INVALID_ARGUMENT, "the message is not one of this method's") from None


async def _converse(handler: Any, context: Any) -> None:
    """Answer a stream of small messages, each soon; the client has as long for each."""

    async def messages() -> AsyncIterator[Any]:
        while (data := await context.read()) is not grpc.aio.EOF:
            yield _parsed(handler, data)

    try:
        answers = handler.stream_stream(messages(), context)
        while True:
            async with asyncio.timeout(READ_S):
                await context.write(await anext(answers))
    except StopAsyncIteration:
        return
    except TimeoutError:
        raise Ended(StatusCode.DEADLINE_EXCEEDED, f"nothing came or was taken for {READ_S:g} s") from None
