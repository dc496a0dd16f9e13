"""HTTP's connections: so many in all and of one address, and each says something soon; more are closed as they come."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

from aiohttp import web

from stream.errors import SourceError
from stream.server.access.clients import network

FIRST_S = 10.0
"""Seconds that a connection has for its first request, those of TLS among them."""
AGAIN_S = 0.2
"""Seconds until connections are taken again when there was no file for one."""
GOODBYE_S = 60.0
"""Seconds that answers have to end when the server does."""


@dataclass(slots=True)
class Door:
    """Lets connections in to one server of HTTP."""

    server: Callable[[], Any]
    """Makes what answers one connection."""
    most: int
    """Count of connections open at once; half of them may be of one address."""
    context: SSLContext | None
    """Of TLS; None: nothing is encrypted."""
    lines: dict[socket.socket, str] = field(default_factory=dict)
    """Those that are open -> whose they are."""
    silent: set[Any] = field(default_factory=set)
    """What answers those that have said nothing yet."""

    async def accept(self, ear: socket.socket) -> None:
        """Take what comes, until cancelled."""
        loop, tasks = asyncio.get_running_loop(), set[asyncio.Task[None]]()
        while True:
            try:
                line, peer = await loop.sock_accept(ear)
            except OSError:  # no file is left, or who came has gone
                await asyncio.sleep(AGAIN_S)
                continue
            if not self._has_room(caller := network(peer[0])):
                line.close()
                continue
            self.lines[line] = caller
            task = asyncio.create_task(self._let_in(line))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    @web.middleware
    async def hear(self, request: web.Request, handler: Any) -> Any:
        """Note that a connection has said something."""
        self.silent.discard(request.protocol)
        return await handler(request)

    def _has_room(self, caller: str) -> bool:
        for line in [line for line in self.lines if line.fileno() == -1]:
            del self.lines[line]
        of_each = Counter(self.lines.values())
        return of_each.total() < self.most and of_each[caller] < max(1, self.most // 2)

    async def _let_in(self, line: socket.socket) -> None:
        loop, answerer = asyncio.get_running_loop(), self.server()
        self.silent.add(answerer)
        loop.call_later(FIRST_S, self._end, answerer)
        limit_s = FIRST_S if self.context else None
        try:
            line.setblocking(False)
            await loop.connect_accepted_socket(lambda: answerer, line, ssl=self.context, ssl_handshake_timeout=limit_s)
        except (OSError, TimeoutError):  # it has gone, or speaks no TLS
            self.silent.discard(answerer)
            line.close()

    def _end(self, answerer: Any) -> None:
        if answerer in self.silent:
            self.silent.discard(answerer)
            if answerer.transport:
                answerer.transport.abort()


@asynccontextmanager
async def served(
    app: web.Application,
    host: str,
    port: int,
    most: int,
    context: SSLContext | None = None,
    goodbye_s: float = GOODBYE_S,
) -> AsyncIterator[int]:
    """Answer while the block runs; give the port.

    Args:
        app: what answers.
        host: address to listen at.
        port: port; 0 lets the system choose.
        most: count of connections open at once.
        context: of TLS; None: nothing is encrypted.
        goodbye_s: seconds that answers have to end at the end.

    Raises:
        SourceError: nothing can listen there.
    """
    door = Door(lambda: runner.server and runner.server(), most, context)
    app.middlewares.append(door.hear)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=30, shutdown_timeout=goodbye_s)
    await runner.setup()
    ears, tasks = list[socket.socket](), list[asyncio.Task[None]]()
    try:
        try:
            ears = await _listening(host, port)
        except OSError as error:
            words = f"nothing can listen at {host}:{port}: it is taken, or not an address of this machine"
            raise SourceError(words) from error
        tasks = [asyncio.create_task(door.accept(ear)) for ear in ears]
        yield ears[0].getsockname()[1]
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for ear in ears:
            ear.close()
        await runner.cleanup()


async def _listening(host: str, port: int) -> list[socket.socket]:
    """Listen at every address that a name has, at one port."""
    loop, ears = asyncio.get_running_loop(), list[socket.socket]()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    try:
        for family, _, _, _, place in dict.fromkeys(found):
            ear = socket.create_server((place[0], port or (ears[0].getsockname()[1] if ears else 0)), family=family)
            ears.append(ear)
            ear.setblocking(False)
    except OSError:
        for ear in ears:
            ear.close()
        raise
    return ears
