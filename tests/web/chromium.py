"""Debian's Chromium without a screen, told what to do through its own debugging protocol."""

import asyncio
import base64
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest

PATH = shutil.which("chromium")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--remote-debugging-port=0"),
    *("--disable-background-networking", "--disable-extensions", "--mute-audio", "--window-size=390,844"),
)
START_S = 120


class Tab:
    """One page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._count = socket, 0
        self.errors: list[str] = []
        self.sockets: list[str] = []
        """Addresses of the WebSockets that were opened."""
        self.sent = 0
        """Count of the messages that were sent over them."""

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol; what the page says meanwhile is kept."""
        self._count += 1
        await self._socket.send_json({"id": self._count, "method": method, "params": parameters})
        while True:
            message = json.loads(await self._socket.receive_str(timeout=START_S))
            self._note(message.get("method"), message.get("params", {}))
            if message.get("id") == self._count:
                assert "error" not in message, message
                return dict(message["result"])

    def _note(self, method: str | None, said: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(said["exceptionDetails"]))
        elif method == "Network.webSocketCreated":
            self.sockets.append(said["url"])
        elif method == "Network.webSocketFrameSent":
            self.sent += 1

    async def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def wait(self, expression: str, patience_s: float) -> Any:
        """Wait until an expression is true; return its value."""
        async with asyncio.timeout(patience_s):
            while not (found := await self.ask(expression)):
                await asyncio.sleep(0.5)
            return found

    async def open(self, address: str) -> Self:
        for domain in ("Page", "Runtime", "Network"):
            await self.call(f"{domain}.enable")
        await self.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
        await self.call("Page.navigate", url=address)
        return self

    async def picture(self, path: Path) -> None:
        """Save what the page looks like, all of it."""
        found = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))


@asynccontextmanager
async def browsing(folder: Path, camera: Path, *flags: str) -> AsyncIterator[Tab]:
    """Start Chromium whose camera plays a file; give its one tab."""
    if PATH is None:
        pytest.skip("no chromium (Debian: chromium)")
    played = (f"--use-file-for-fake-video-capture={camera.name}", f"--user-data-dir={folder.resolve()}")
    command = [PATH, *FLAGS, *played, *flags, "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=camera.parent) as process:  # the page shows its path
        try:
            async with aiohttp.ClientSession() as client:
                port = await _port(folder / "DevToolsActivePort")
                async with client.get(f"http://127.0.0.1:{port}/json") as answer:
                    [target] = [found for found in await answer.json() if found["type"] == "page"]
                async with client.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=2**26) as socket:
                    yield Tab(socket)
            await asyncio.sleep(0.2)  # aiohttp closes its sockets a moment after it was told
        finally:
            process.terminate()


async def _port(file: Path) -> int:
    async with asyncio.timeout(START_S):
        while not (file.is_file() and file.read_text().count("\n")):
            await asyncio.sleep(0.2)
    return int(file.read_text().splitlines()[0])
