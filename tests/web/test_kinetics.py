"""The page in a real browser with Google's small Kinetics model: it loads it, and says `push up` on a push-up."""

import asyncio
import subprocess
import sys
from pathlib import Path

import av
import pytest

from stream.server.web import page
from tests.web.chromium import browsing
from tests.web.test_page import ARTEFACTS, RUNNING, serving

NAME, SHOWN = "movinet-a0-stream-k600", "push up"
DATA = Path(__file__).parents[3] / "shared" / "data"
FILE = DATA / "weights" / "movinet_a0_stream_int8.tflite"
CLIPS = sorted((DATA / "real" / "gym" / "push_up").glob("*.mp4"))
FPS, WIDTH_PX, HEIGHT_PX, FRAMES = 10, 320, 240, 60
ON_TOP = "document.getElementById('now').textContent"

pytestmark = [
    pytest.mark.skipif(not (FILE.is_file() and CLIPS), reason=f"no {FILE.name} and no push-ups in ../shared"),
    pytest.mark.skipif(not (page.FOLDER / page.WIRE).is_file(), reason="the page was not built: make web"),
    pytest.mark.slow,
    pytest.mark.timeout(900),
]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `--web-model` takes, made by the commands that the manual names."""
    monkeypatch.setenv("STREAM_HOME", str(tmp_path / "home"))
    out = tmp_path / "model"
    for command in (("models", "pull", NAME, "--from", FILE), ("export", NAME, "--to", "onnx-int8", "--out", out)):
        subprocess.run([sys.executable, "-m", f"stream.cli.{command[0]}", *command[1:]], check=True)
    return out


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    """What a camera sees of a push-up, played again and again by the browser."""
    path, due = tmp_path / "push-up.y4m", 0.0
    with av.open(str(CLIPS[0])) as clip, path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH_PX} H{HEIGHT_PX} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in clip.decode(video=0):
            if float(frame.time or 0) >= due:
                picture = frame.reformat(WIDTH_PX, HEIGHT_PX, "yuv420p")
                file.write(b"FRAME\n" + picture.to_ndarray().tobytes())
                due += 1 / FPS
    return path


def test_it_says_push_up_on_the_phone_itself(model: Path, camera: Path, tmp_path: Path) -> None:
    async def watch() -> tuple[list[str], str, list[str]]:
        async with browsing(tmp_path / "profile", camera) as tab:
            await tab.open(address)
            await tab.wait(f"{RUNNING} && {ON_TOP}.length > 1", 240)
            said = list[str]()
            for _ in range(FRAMES):
                await asyncio.sleep(1 / FPS)
                said.append(await tab.ask(ON_TOP))
            ARTEFACTS.mkdir(parents=True, exist_ok=True)
            await tab.picture(ARTEFACTS / "page-kinetics.png")
            about = await tab.ask("document.getElementById('model').textContent")
            step = await tab.ask("document.getElementById('step').textContent")
            print(f"{about}, a step {step}")  # noqa: T201  # shown with -s
            return said, about, tab.errors

    with serving("--web-model", str(model)) as (address, _):
        said, about, errors = asyncio.run(watch())
    share = said.count(SHOWN) / len(said)
    print(f"{SHOWN!r} on top in {share:.0%} of {len(said)} looks; others {sorted(set(said) - {SHOWN})}")  # noqa: T201
    assert errors == []
    assert about.startswith(NAME)
    assert share > 0.5
