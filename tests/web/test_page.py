"""The page for phones in a real browser, whose camera plays gestures that this project draws."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pytest

from stream import cards
from stream.play.motions import GESTURES
from stream.server.web import page
from stream.sources import synthetic
from tests.web.chromium import browsing

pytestmark = [
    pytest.mark.skipif("gestures-a0" not in cards.names(), reason="the default model is not in models/"),
    pytest.mark.skipif(not (page.FOLDER / "ort").is_dir(), reason="the page was not built: make web"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

WHOLE = [
    pytest.mark.skipif("gestures-a0" not in cards.names(), reason="the default model is not in models/"),
    pytest.mark.skipif(not (page.FOLDER / page.WIRE).is_file(), reason="the page was not built: make web"),
    pytest.mark.slow,
]
"""What tests of both tabs need."""

PLAYED = "synthetic://gestures?seconds=24&seed=7&fps=10&size=320x240"
SEEN = "[...document.querySelectorAll('#events li')].map((row) => row.dataset.label)"
RUNNING = "document.getElementById('status')?.textContent.startsWith('Running')"
CACHE = "caches.open('movinet-stream-1')"
ARTEFACTS = Path(os.environ.get("ARTEFACTS", "build/artefacts"))


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the server with its page; give the page's address."""
    command = [
        sys.executable,
        "-m",
        "stream.cli.serve",
        "--port",
        "0",
        "--web",
        "--web-port",
        "0",
        "--quiet",
        *arguments,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            found = next(line for line in process.stdout if line.startswith("page at "))
            yield found.split()[-1], process
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a camera sees of a session of gestures, ten frames a second."""
    path = tmp_path_factory.mktemp("camera") / "gestures.y4m"
    with synthetic.build(PLAYED) as source, path.open("wb") as file:
        file.write(b"YUV4MPEG2 W320 H240 F10:1 Ip A1:1 C420jpeg\n")
        for packet in source:
            for frame in source.decode(packet):
                yuv = av.VideoFrame.from_ndarray(frame.picture.rgb(), "rgb24").reformat(format="yuv420p")
                file.write(b"FRAME\n" + yuv.to_ndarray().tobytes())
    return path


def played() -> set[str]:
    with synthetic.build(PLAYED) as source:
        return {action.label for action in source.truth}


def test_the_gestures_that_the_camera_sees_are_told_on_the_phone_itself(camera: Path, tmp_path: Path) -> None:
    async def watch() -> tuple[set[str], list[str], list[str]]:
        async with browsing(tmp_path, camera) as tab:
            await tab.open(address)
            await tab.wait(RUNNING, 240)
            told: set[str] = set()
            async with asyncio.timeout(200):
                while len(told & played()) < len(played()) - 1:
                    told |= set(await tab.ask(SEEN))
                    await asyncio.sleep(1)
            ARTEFACTS.mkdir(parents=True, exist_ok=True)
            await tab.picture(ARTEFACTS / "page.png")
            asked = await tab.ask("performance.getEntriesByType('resource').map((entry) => entry.name)")
            return told, asked, tab.errors

    with serving() as (address, _):
        told, asked, errors = asyncio.run(watch())
    print(f"played {sorted(played())}; told {sorted(told)}")  # noqa: T201  # shown with -s
    assert errors == []
    assert told <= set(GESTURES)
    assert len(told - played()) <= 2  # the model itself says a few that were not played
    assert {name for name in asked if not name.startswith(address)} == set()
    assert (ARTEFACTS / "page.png").stat().st_size > 10_000


def test_after_the_first_visit_it_works_without_a_network_and_keeps_one_model(camera: Path, tmp_path: Path) -> None:
    async def visit() -> list[str]:
        async with browsing(tmp_path, camera) as tab:
            await tab.open(address)
            await tab.ask(f"{CACHE}.then((cache) => cache.put('model/old.onnx', new Response('x'))).then(() => 1)")
            await tab.wait(f"{RUNNING} && document.documentElement.dataset.kept", 240)
            kept = await tab.ask(f"{CACHE}.then((cache) => cache.keys()).then((all) => all.map(({{ url }}) => url))")
            server.send_signal(signal.SIGTERM)
            await asyncio.to_thread(server.wait, 30)
            await tab.call("Network.clearBrowserCache")
            await tab.ask("window.isFirst = true")
            await tab.call("Page.reload")
            await asyncio.sleep(1)
            await tab.wait(f"!window.isFirst && {RUNNING} && document.querySelectorAll('#labels li').length === 3", 240)
            return [name.removeprefix(address) for name in kept]

    with serving() as (address, server):
        kept = asyncio.run(visit())
    assert [name for name in sorted(kept) if name.startswith("model/")] == sorted(
        name for name in page.files(None) if name.startswith("model/")
    )


def test_under_the_machines_own_certificate_it_runs_and_says_that_it_is_not_kept(
    camera: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAM_HOME", str(tmp_path / "home"))

    async def visit() -> tuple[str, list[str]]:
        async with browsing(tmp_path / "profile", camera) as tab:
            await tab.open(address)
            await tab.wait("document.title === 'Privacy error'", 60)
            for letter in "thisisunsafe":  # what Chromium's warning takes for: go on
                await tab.call("Input.dispatchKeyEvent", type="keyDown", key=letter, text=letter)
            await tab.wait("document.getElementById('labels')?.children.length === 3", 240)
            said = "document.getElementById('status').textContent"
            await tab.wait(f"{said}.includes('network')", 60)
            return await tab.ask(said), tab.errors

    with serving("--tls", "self-signed") as (address, _):
        said, errors = asyncio.run(visit())
    assert (address.startswith("https://"), errors) == (True, [])
    why = "the browser does not trust this address's certificate"
    assert said == f"Running on this phone. Without a network it will not load: {why}."


def test_the_page_is_light_and_its_model_small() -> None:
    served = page.files(None)
    own = {name: path.stat().st_size for name, path in served.items() if name and "/" not in name}
    engines = {
        kind: sum(path.stat().st_size for name, path in served.items() if name.endswith(".mjs") and is_its(name))
        for kind, is_its in (
            ("wasm", lambda name: "wasm.min" in name or "threaded.mjs" in name),
            ("webgpu", lambda name: "webgpu" in name or "asyncify" in name),
        )
    }
    wire = served[page.WIRE].stat().st_size  # loaded when start is pressed
    model = json.loads(served["model/model.json"].read_text("utf-8"))
    print(f"page {sum(own.values())}, protocol {wire}, engines {engines}")  # noqa: T201  # shown with -s
    assert sum(own.values()) + wire + max(engines.values()) < 300_000
    assert served[f"model/{model['file']}"].stat().st_size < 5_000_000
