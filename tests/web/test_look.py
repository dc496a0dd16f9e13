"""The page as somebody finds it who has a small screen, the other theme, no mouse, or no sight."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.web.chromium import Tab, browsing
from tests.web.test_page import RUNNING, WHOLE, camera, serving

__all__ = ["camera"]

pytestmark = [*WHOLE, pytest.mark.timeout(600)]

LOOK = Path(__file__).with_name("look.js").read_text("utf-8")
SCREENS = ((320, 568), (360, 740), (568, 320))
KEYS = {"Tab": 9, "Enter": 13, "Space": 32, "ArrowRight": 39, "ArrowLeft": 37}
ROLES = ("button", "tab", "combobox", "slider", "tabpanel", "heading", "Video")
LONGEST = "circle counter-clockwise"
ROWS = f"""(async () => {{
  document.getElementById("video").pause();
  await new Promise((done) => setTimeout(done, 1000));  // the step that goes on
  const {{ Actions, labels }} = await import(new URL("lists.js", location).href);
  const best = ["{LONGEST}", "{LONGEST}", "other motion"].map((label) => ({{ label, probability: 1 }}));
  for (const id of ["labels", "phone-labels", "server-labels"]) labels(document.getElementById(id), best);
  for (const id of ["events", "phone-events", "server-events"]) {{
    const actions = new Actions(document.getElementById(id), 3);
    actions.note([{{ phase: "BEGIN", label: "{LONGEST}", begin_s: 0 }}]);
    actions.cut(12.3);
  }}
}})()"""
TIMELINE = f"""(async () => {{
  const {{ draw }} = await import(new URL("timeline.js", location).href), canvas = document.getElementById("timeline");
  draw(canvas, [{{ label: "{LONGEST}", begin_s: 0, end_s: null }}], 30);
  const context = canvas.getContext("2d"), [width, y] = [canvas.width, 9 * devicePixelRatio];
  const row = context.getImageData(0, y, width, 1).data, colour = (x) => row.slice(4 * x, 4 * x + 4).join();
  const first = [...Array(width).keys()].find((x) => colour(x) === colour(width - 1));
  return [first / devicePixelRatio, context.measureText("{LONGEST}").width + 6];
}})()"""
NEWS = """(async () => {
  const { Actions } = await import(new URL("lists.js", location).href);
  const list = document.createElement("ol"), actions = new Actions(list, 2), said = [];
  const observer = new MutationObserver(() => {});
  observer.observe(list, { childList: true });
  const event = (phase, label, at) => actions.note([{ phase, label, begin_s: at, end_s: at }]);
  event("BEGIN", "a", 1), event("BEGIN", "b", 2), event("UPDATE", "b", 3), event("END", "a", 4), event("BEGIN", "c", 5);
  actions.cut(7);
  for (const { addedNodes } of observer.takeRecords()) for (const row of addedNodes) said.push(row.dataset.label);
  return [said, [...list.children].map((row) => row.textContent)];
})()"""

Check = Callable[[Tab], Coroutine[Any, Any, None]]


@asynccontextmanager
async def opened(address: str, camera: Path, folder: Path) -> AsyncIterator[Tab]:
    async with browsing(folder, camera) as tab:
        await tab.open(address)
        await tab.wait(RUNNING, 240)
        await tab.ask(f"window.look = {LOOK}; 0")
        yield tab
        assert tab.errors == []


def on_the_page(camera: Path, folder: Path, check: Check) -> None:
    async def visit(address: str) -> None:
        async with opened(address, camera, folder) as tab:
            await check(tab)

    with serving() as (address, _):
        asyncio.run(visit(address))


async def press(tab: Tab, key: str) -> None:
    code = KEYS[key]
    text = {"Enter": "\r", "Space": " "}.get(key, "")
    down: dict[str, Any] = {"text": text} if text else {}
    for kind, more in (("keyDown" if text else "rawKeyDown", down), ("keyUp", {})):
        name = " " if key == "Space" else key
        await tab.call("Input.dispatchKeyEvent", type=kind, key=name, code=key, windowsVirtualKeyCode=code, **more)


async def stops(tab: Tab) -> list[dict[str, Any]]:
    """Return where the Tab key stops, from the top to the end."""
    await tab.ask("document.querySelector('h1').tabIndex = -1; document.querySelector('h1').focus()")
    found: list[dict[str, Any]] = []
    while len(found) < 20:
        await press(tab, "Tab")
        if await tab.ask("document.activeElement === document.body"):
            return found
        found.append(await tab.ask("look.focus(document.activeElement)"))
    raise AssertionError(found)


def test_everything_can_be_read_on_small_screens_in_both_themes(camera: Path, tmp_path: Path) -> None:
    async def check(tab: Tab) -> None:
        await tab.ask(ROWS)
        for panel in ("tab-phone", "tab-server"):
            await tab.ask(f"document.getElementById('{panel}').click()")
            await tab.ask("document.getElementById('token-row').hidden = false")
            await tab.ask("document.getElementById('status').classList.toggle('error')")
            for width, height in SCREENS:
                await tab.call(
                    "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=True
                )
                for theme in ("light", "dark"):
                    scheme = [{"name": "prefers-color-scheme", "value": theme}]
                    await tab.call("Emulation.setEmulatedMedia", features=scheme)
                    seen, where = await tab.ask("look.look()"), (panel, width, theme)
                    assert len(seen["texts"]) > 20, where
                    assert seen["width_px"] == width, where
                    assert (seen["clipped"], seen["small"]) == ([], []), where
                    assert [text for text in seen["texts"] if text["ratio"] < text["needed"]] == [], where
                    assert await tab.ask("document.querySelector('figure').clientHeight <= 0.75 * innerHeight"), where
        await tab.ask("document.getElementById('tab-phone').click()")
        bar, name = await tab.ask(TIMELINE)
        assert bar >= name, "a bar of the timeline lies under its name"

    on_the_page(camera, tmp_path, check)


def test_a_keyboard_is_enough_and_everything_has_a_name(camera: Path, tmp_path: Path) -> None:
    async def check(tab: Tab) -> None:
        phone = await stops(tab)
        await tab.ask("document.getElementById('tab-phone').focus()")
        await press(tab, "ArrowRight")
        assert await tab.ask("document.activeElement.id") == "tab-server"
        server = await stops(tab)
        for found, begin in ((phone, ["tab-phone", "panel-phone"]), (server, ["tab-server", "start"])):
            places = [stop["where"] for stop in found]
            assert (places[:2], places[-2:]) == (begin, ["camera", "memory"])
            assert [stop for stop in found if stop["width_px"] < 2 or stop["ratio"] < 3] == []
        words = "document.getElementById('start').textContent"
        await tab.ask("document.getElementById('start').focus()")
        for key, after in (("Enter", "Stop sending"), ("Space", "Start sending")):
            await press(tab, key)
            assert await tab.ask(words) == after
        await tab.ask("window.isFirst = true; document.getElementById('memory').focus()")
        await press(tab, "Enter")
        await press(tab, "ArrowRight")
        assert await tab.ask("[isFirst, document.getElementById('memory-value').textContent].join()") == "true,2.5 s"
        await tab.call("Accessibility.enable")
        nodes = (await tab.call("Accessibility.getFullAXTree"))["nodes"]
        named: dict[str, list[str]] = {role: [] for role in ROLES}
        for node in nodes:
            if not node["ignored"] and (role := node["role"]["value"]) in named:
                named[role].append(node["name"]["value"])
        assert all(names and all(names) for names in named.values()), named

    on_the_page(camera, tmp_path, check)


def test_a_screen_reader_tells_every_action_once(camera: Path, tmp_path: Path) -> None:
    async def check(tab: Tab) -> None:
        assert await tab.ask(NEWS) == [["a", "b", "c"], ["c2.0 s", "b5.0 s"]]
        live = "[...document.querySelectorAll('.events[aria-live=polite]')]"
        assert await tab.ask(f"{live}.map((list) => list.id)") == ["events", "server-events"]
        assert await tab.ask(f"{live}.every((list) => list.getAttribute('aria-relevant') === 'additions')")

    on_the_page(camera, tmp_path, check)
