"""Who may open a WebSocket, said of requests of any content: needs no page that was built."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="the extra `web` is not installed")

from aiohttp import web

from stream.server.web.bridge import Bridge

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: stream.v1"


async def asked(lines: Callable[[int], str]) -> str:
    """Ask a bridge of its own for a WebSocket, with headers as they are; return the first line of its answer."""

    async def recognize(_: Any) -> None:
        """Say nothing."""

    app = web.Application()
    Bridge(recognize, 2**20, "127.0.0.1", is_encrypted=False, needs_token=False, shut="").add_to(app.router)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        port = runner.addresses[0][1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        upgrade = f"Connection: Upgrade\r\nUpgrade: websocket\r\n{KEY}\r\n"
        writer.write(f"GET /bridge HTTP/1.1\r\n{lines(port)}\r\n{upgrade}\r\n".encode("latin-1"))
        async with asyncio.timeout(20):
            line = await reader.readline()
        writer.close()
        return line.decode()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "//", "\xff\xfe", "http://" + "a" * 4000, "[", ""])
def test_an_origin_that_is_no_address_is_refused_quietly(origin: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    assert " 403 " in asyncio.run(asked(lambda port: f"Host: 127.0.0.1:{port}\r\nOrigin: {origin}"))
    assert not caplog.records


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "\xff", "127.0.0.1:99999999", "]:1", ":"])
def test_a_host_that_is_none_is_refused_quietly(host: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    found = asyncio.run(asked(lambda port: f"Host: {host}\r\nOrigin: http://127.0.0.1:{port}"))
    assert " 403 " in found or " 400 " in found
    assert not caplog.records


def test_our_own_is_taken() -> None:
    found = asyncio.run(asked(lambda port: f"Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}"))
    assert " 101 " in found
