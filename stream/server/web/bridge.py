"""The page's second tab: a WebSocket in the place of gRPC's HTTP/2, one stream of `Recognize` each.

Every binary message is one of the protocol's own, a RecognizeRequest to the server and a RecognizeResponse from it; the
text `end` half-closes. The socket stands where gRPC's context does, so that a stream goes the same way and has the same
limits, whichever of the two it came by. It ends with 1000, or with 4000 + the status of gRPC and the words of it.

A browser lets any page open a WebSocket to any server, so that only what this server serves may: `Origin` must be the
address that was asked for, and without TLS that must be one of this machine's, as a name can be made to mean it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn
from urllib.parse import urlsplit

import grpc
from aiohttp import WSMsgType, web

from stream.server.web.gallery import is_ours
from stream.server.wire import fields
from stream.v1 import recognition_pb2 as pb
from stream.words import shown

PROTOCOL = "stream.v1"
"""The subprotocol that both sides must name."""
TOKEN = "bearer."  # noqa: S105  # how one is announced
"""What a token comes behind, as another subprotocol: a page cannot set a WebSocket's headers."""
END = "end"
"""The text that half-closes."""
STATUS = 4000
"""Added to gRPC's status, it is the code that a socket closes with."""
REASON_BYTES = 123
"""Bytes: the longest reason that a WebSocket can close with."""
HEARTBEAT_S = 20.0
"""Seconds: how often a page is asked whether it is still there; half of it later it is not."""
GOODBYE_S = 2.0
"""Seconds: how long a page has to say goodbye, too."""

Recognize = Callable[[Any], Awaitable[None]]


class Bridge:
    """Lets pages open streams, unless it is shut."""

    def __init__(
        self,
        recognize: Recognize,
        max_message_bytes: int,
        host: str,
        *,
        is_encrypted: bool,
        needs_token: bool,
        shut: str,
    ) -> None:
        """Prepare.

        Args:
            recognize: holds a stream, given what stands for gRPC's context.
            max_message_bytes: bytes of the largest message taken.
            host: what the page's server listens at.
            is_encrypted: whether it does so with TLS.
            needs_token: whether a stream needs a token.
            shut: why no stream is let in here; empty: they are.
        """
        self._recognize, self._max_bytes, self._host = recognize, max_message_bytes, host
        self._is_encrypted, self._needs_token, self.shut = is_encrypted, needs_token, shut

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer from now on."""
        router.add_get("/bridge", self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            found = {"is_open": not self.shut, "why": self.shut, "needs_token": self._needs_token}
            return web.json_response(found, headers={"Cache-Control": "no-store"})
        if words := self.shut or self._foreign(request) or _strange(request):
            return web.Response(status=403, text=f"{words}\n")
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,),
            timeout=GOODBYE_S,
            heartbeat=HEARTBEAT_S,
            compress=False,
            max_msg_size=self._max_bytes + 1,  # the first size that is refused
        )
        await socket.prepare(request)
        try:
            await self._recognize(_Context(request, socket))
        except grpc.aio.AbortError:
            return socket
        await socket.close(message=b"the stream has ended")
        return socket

    def _foreign(self, request: web.Request) -> str:
        """Say why a request comes from somebody else's page, if it does."""
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin", "")
        if not host or _netloc(origin) != host.lower():
            return f"the page is of {shown(origin) if origin else 'nowhere'}; accepted: the one that this server serves"
        if not self._is_encrypted and not is_ours(host, self._host):
            return "ask for this machine by its address"
        return ""


class _Context:
    """Stands where gRPC's context of a call does: who calls, what it says, what it is told."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._request, self._socket = request, socket

    def peer(self) -> str:
        """Name the caller as gRPC does, so that its streams are counted together."""
        host, port, *_ = (self._request.transport and self._request.transport.get_extra_info("peername")) or ("", 0)
        return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"

    def peer_identities(self) -> None:
        """Name no certificate: the page's address asks for none."""

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """Give the token."""
        offered = (name.strip() for name in self._request.headers.get("Sec-WebSocket-Protocol", "").split(","))
        token = next((name.removeprefix(TOKEN) for name in offered if name.startswith(TOKEN)), None)
        return (("authorization", f"Bearer {token}"),) if token else ()

    async def read(self) -> Any:
        """Return the next message, EOF when the page has half-closed.

        Raises:
            Unreadable: it is none of the protocol's.
            InternalError: the page has gone, as gRPC says it.
        """
        message = await self._socket.receive()
        if message.type is WSMsgType.BINARY:
            return pb.RecognizeRequest.FromString(message.data)
        if message.type is WSMsgType.TEXT:
            if message.data == END:
                return grpc.aio.EOF
            raise fields.Unreadable(f"it is the text {message.data[:20]!r}; accepted: binary messages, and {END!r}")
        raise grpc.aio.InternalError("the page has gone")

    async def write(self, message: pb.RecognizeResponse) -> None:
        """Say something.

        Raises:
            InternalError: the page has gone.
        """
        try:
            await self._socket.send_bytes(message.SerializeToString())
        except ConnectionError as error:
            raise grpc.aio.InternalError("the page has gone") from error

    async def abort(self, status: grpc.StatusCode, words: str, _: object = ()) -> NoReturn:
        """End the stream with a status and its words.

        Raises:
            AbortError: always.
        """
        reason = words.encode()[:REASON_BYTES].decode(errors="ignore").encode()
        await self._socket.close(code=STATUS + status.value[0], message=reason)
        raise grpc.aio.AbortError


def _netloc(address: str) -> str:
    """Return the host and port of an address; nothing where it is none."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


def _strange(request: web.Request) -> str:
    """Say what is wrong with the subprotocols that a page names, if anything is."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    return "" if PROTOCOL in (name.strip() for name in offered.split(",")) else f"accepted: the protocol {PROTOCOL}"
