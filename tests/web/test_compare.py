"""The page's second tab in a real browser: the same frames and labels in both places, and nothing sent unasked."""

import asyncio
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from stream.play.motions import GESTURES
from tests.web.chromium import Tab, browsing
from tests.web.test_page import ARTEFACTS, RUNNING, WHOLE, camera, played, serving

__all__ = ["camera"]

pytestmark = [*WHOLE, pytest.mark.timeout(900)]

FRAMES = 200
"""Count of frames over which both answers are compared."""
AGREE = 0.95
"""Share of them with the same label on top, at least; measured: see docs/phone.md."""

STATE = "document.getElementById('link').dataset.state"
COUNTED = "Number(document.getElementById('same').dataset.count || 0)"
FIGURES = "[...document.querySelectorAll('#panel-server dd')].map((one) => one.textContent)"


def lasted(side: str) -> str:
    return f"[...document.querySelectorAll('#{side}-events li')].slice(1, 5).map((row) => row.innerText)"


def seen(side: str) -> str:
    return f"[...document.querySelectorAll('#{side}-events li')].map((row) => row.dataset.label)"


async def press(tab: Tab, what: str) -> None:
    await tab.ask(f"document.getElementById('{what}').click()")


async def key(tab: Tab, name: str) -> None:
    for kind in ("keyDown", "keyUp"):
        await tab.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)


def test_both_see_the_same_frames_and_say_the_same(camera: Path, tmp_path: Path) -> None:
    async def compare(tab: Tab) -> dict[str, Any]:
        told: dict[str, set[str]] = {"phone": set(), "server": set()}
        async with asyncio.timeout(420):
            while (
                await tab.ask(COUNTED) < FRAMES or min(len(one & played()) for one in told.values()) < len(played()) - 1
            ):
                for side, labels in told.items():
                    labels |= set(await tab.ask(seen(side)))
                await asyncio.sleep(1)
        same = await tab.ask("Number(document.getElementById('same').dataset.same)")
        return {**told, "agree": same / await tab.ask(COUNTED), "figures": await tab.ask(FIGURES)}

    async def watch() -> dict[str, Any]:
        async with browsing(tmp_path, camera) as tab:
            await tab.open(address)
            await tab.wait(RUNNING, 240)
            await press(tab, "tab-server")
            await asyncio.sleep(2)
            await tab.ask("1")
            assert (tab.sockets, tab.sent) == ([], 0), "something was sent before start was pressed"
            await press(tab, "start")
            await tab.wait(f"{STATE} === 'open'", 60)
            found = await compare(tab)
            ARTEFACTS.mkdir(parents=True, exist_ok=True)
            await tab.picture(ARTEFACTS / "page-server.png")
            print([await tab.ask(lasted(side)) for side in ("phone", "server")])  # noqa: T201  # shown with -s
            assert await tab.ask("document.documentElement.scrollWidth <= innerWidth")
            await tab.ask("document.getElementById('tab-server').focus()")
            await key(tab, "ArrowLeft")
            shown = "document.activeElement.id + document.getElementById('panel-server').hidden"
            assert await tab.ask(shown) == "tab-phonetrue"
            await asyncio.sleep(1)
            await tab.ask("1")
            sent = tab.sent
            await asyncio.sleep(2)
            await tab.ask("1")
            assert tab.sent == sent, "frames are sent though the tab was left"
            return {**found, "sockets": tab.sockets, "errors": tab.errors}

    with serving() as (address, _):
        found = asyncio.run(watch())
    print(found)  # noqa: T201  # shown with -s
    assert found["errors"] == []
    assert found["sockets"] == [address.replace("http", "ws") + "bridge"]
    assert found["phone"] | found["server"] <= set(GESTURES)
    assert all(len(found[side] & played()) >= len(played()) // 2 for side in ("phone", "server"))
    assert len(found["phone"] ^ found["server"]) <= 2
    assert found["agree"] >= AGREE


def test_a_server_that_goes_away_is_told_and_found_again(camera: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    async def watch() -> tuple[str, list[str]]:
        async with browsing(tmp_path, camera) as tab:
            with serving("--web-port", port, "--drain-s", "5") as (address, server):
                await tab.open(address)
                await tab.wait(RUNNING, 240)
                await press(tab, "tab-server")
                await press(tab, "start")
                await tab.wait(f"{STATE} === 'open' && {COUNTED} > 0", 60)
                server.send_signal(signal.SIGTERM)
                await tab.wait(f"{STATE} === 'waiting'", 30)
                told = await tab.ask("document.getElementById('link').textContent")
                assert await asyncio.to_thread(server.wait, 30) == 0
            with serving("--web-port", port):
                await tab.wait(f"{STATE} === 'open'", 90)
                await tab.wait(f"{COUNTED} > 0", 60)
            return told, tab.errors

    told, errors = asyncio.run(watch())
    assert told.startswith(("The server is shutting down. Trying again in", "The server cannot be reached."))
    assert errors == []
