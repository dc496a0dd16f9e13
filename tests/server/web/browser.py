"""A real Chromium without a window, spoken to over its debugging protocol."""

import asyncio
import itertools
import json
import re
import shutil
import tempfile
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--remote-debugging-port=0", "--window-size=1100,900", "--hide-scrollbars", "--disable-background-networking"),
)


class Tab:
    """One page."""

    def __init__(self, line: aiohttp.ClientWebSocketResponse) -> None:
        self._line, self._numbers = line, itertools.count(1)
        self.complaints: list[str] = []
        """What its console said, and what was thrown."""

    async def ask(self, method: str, **parameters: Any) -> Any:
        """Ask the browser, and note what it says meanwhile."""
        number = next(self._numbers)
        await self._line.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(60):
            async for message in self._line:
                said = json.loads(message.data)
                if said.get("id") == number:
                    assert "error" not in said, said
                    return said["result"]
                if said.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                    self.complaints.append(json.dumps(said["params"]))
        raise AssertionError("the browser has gone")

    async def value(self, expression: str) -> Any:
        """Return what a piece of JavaScript gives."""
        found = await self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return found["result"].get("value")

    async def until(self, expression: str, limit_s: float = 60) -> None:
        """Wait until it is true."""
        async with asyncio.timeout(limit_s):
            while not await self.value(expression):
                await asyncio.sleep(0.1)

    async def picture(self, path: Path) -> None:
        """Save what is seen as a PNG."""
        path.write_bytes(b64decode((await self.ask("Page.captureScreenshot", format="png"))["data"]))


@asynccontextmanager
async def tab(url: str, *, is_dark: bool = False) -> AsyncIterator[Tab]:
    """Open a page; skips the test where Chromium is not installed."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip("no Chromium (Debian: chromium)")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            found, *FLAGS, f"--user-data-dir={profile}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stderr
            port = await _port(process.stderr)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    [target] = [one for one in await answer.json() if one["type"] == "page"]
                async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as line:
                    opened = Tab(line)
                    for domain in ("Page", "Runtime", "Log"):
                        await opened.ask(f"{domain}.enable")
                    scheme = [{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}]
                    await opened.ask("Emulation.setEmulatedMedia", features=scheme)
                    await opened.ask("Page.navigate", url=url)
                    yield opened
        finally:
            process.kill()
            await process.wait()


async def _port(said: asyncio.StreamReader) -> int:
    async with asyncio.timeout(60):
        while line := (await said.readline()).decode():
            if found := re.search(r"DevTools listening on ws://[^:]+:(\d+)/", line):
                return int(found[1])
    raise AssertionError("the browser did not start")
