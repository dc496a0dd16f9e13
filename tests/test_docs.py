"""What the pages say is what happens: their Python runs, their links lead somewhere, their commands exist."""

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

from stream import cards, decode, rooms
from stream.server.access import clients
from stream.server.configuration import settings
from stream.sources import open_source
from tests.training import boxes

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
needs_default = pytest.mark.skipif("gestures-a0" not in cards.names(), reason="the default model is not in models/")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)


@needs_default
def test_the_readmes_python_says_when_gestures_begin_and_end() -> None:
    [code] = blocks("README.md", "python")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert " begin " in done.stdout
    assert " end " in done.stdout


@needs_default
def test_the_service_pages_client_gets_labels_from_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = blocks("docs/service.md", "python")
    client: dict[str, object] = {}
    exec(compile(code, "docs/service.md", "exec"), client)
    with open_source("synthetic://gestures?seconds=2&fps=10") as source:
        jpegs = [decode.encode_jpeg(frame.picture) for packet in source for frame in source.decode(packet)]
    command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        target = server.stdout.readline().split()[-1]
        client["watch"](target, [*jpegs[:3], b"no picture", *jpegs[3:]], 10.0)  # type: ignore[operator]
        server.terminate()
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == len(jpegs)
    assert "no motion" in said.out
    assert "JPEG" in said.err


@needs_default
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_training_pages_commands_make_models_of_ones_own_classes(tmp_path: Path) -> None:
    for scene in (1, 2):
        for take, colour in enumerate(("red", "blue") * 2):
            boxes.write(
                tmp_path / "clips" / colour / f"{colour}_{scene}_{take}.mp4", [colour] * 12, seed=4 * scene + take
            )
    boxes.write(tmp_path / "clip.mp4", ["red"] * 12)
    boxes.write(tmp_path / "talk.mp4", ["red"] * 12 + ["blue"] * 12)
    (tmp_path / "frames.csv").write_text("frame,label\n0,red\n5,red\n9,red\n14,blue\n18,blue\n22,blue\n")
    lines = [line for block in blocks("docs/training.md", "sh") for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("stream-")]
    named = [name for name, *_ in commands]
    assert named == ["stream-train", "stream-watch", "stream-models", "stream-train", "stream-report"]
    boxes.write(tmp_path / "other.mp4", ["blue"] * 12)
    for name, *arguments in commands:
        if arguments[:1] == ["pull"]:
            continue  # from the internet
        quick = ["--epochs", "1", "--length", "1", "--threads", "1"] if arguments[:1] == ["clips"] else []
        command = [*script(name), *arguments, *quick]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=400, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert cards.load(str(tmp_path / "runs/mine/mine.toml")).labels == ("blue", "red")
    assert cards.load(str(tmp_path / "runs/screen/screen.toml")).labels == ("blue", "red")


@needs_default
def test_the_service_pages_watcher_says_when_gestures_begin_and_end(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _, code = blocks("docs/service.md", "python")
    client: dict[str, object] = {}
    exec(compile(code, "docs/service.md", "exec"), client)
    source = "synthetic://gestures?seconds=20&classes=wave"
    (tmp_path / "stream.toml").write_text(f'[source.door]\nuri = "{source}"\nrealtime = true\npolicy = "wait"\n')
    command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--quiet", "--config", tmp_path / "stream.toml"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        client["follow"](server.stdout.readline().split()[-1], "door")  # type: ignore[operator]
        server.terminate()
    said = capsys.readouterr().out
    assert re.search(r"^wave PHASE_BEGIN \d+\.\d s$", said, re.MULTILINE)
    assert re.search(r"^wave PHASE_END \d+\.\d s$", said, re.MULTILINE)


def test_the_service_pages_stream_toml_and_tokens_are_accepted(tmp_path: Path) -> None:
    *sources, tokens = blocks("docs/service.md", "toml")
    (tmp_path / "tokens.toml").write_text(tokens)
    [kiosk] = clients.load(tmp_path / "tokens.toml").values()
    assert (kiosk.name, kiosk.sources, kiosk.max_streams) == ("kiosk", {"door"}, 2)
    (tmp_path / "stream.toml").write_text("\n".join(sources))
    (tmp_path / "subtitles").mkdir()
    for secret in ("door.secret", "alarm.token", "broker.secret"):
        (tmp_path / secret).write_text("s3cret")
    text = (tmp_path / "stream.toml").read_text().replace("loop = true", "loop = false")  # subtitles are for what ends
    (tmp_path / "stream.toml").write_text(text)
    found = settings.load(tmp_path / "stream.toml", {"ALARM_URL": "https://hooks.example/1"})
    assert sorted(found.sources) == ["door", "lobby", "test"]
    assert sorted(found.outputs) == ["alarm", "house", "log", "subtitles"]


def test_the_service_page_names_every_field_of_a_source_and_of_an_output() -> None:
    page = (ROOT / "docs/service.md").read_text("utf-8")
    outputs = [rooms.find("server.outputs", name).FIELDS for name in rooms.names("server.outputs")]
    known = {*settings.FIELDS, *(field.removesuffix("_env").removesuffix("_file") for one in outputs for field in one)}
    assert not [name for name in known if not re.search(rf"\b{name}\b", page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", prose):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_flags_exist(page: Path) -> None:
    for name, rest in re.findall(r"^\s*(?:\$ )?(stream-[a-z]+)\b([^\n`|#]*)", page.read_text("utf-8"), re.MULTILINE):
        first = rest.split()[0] if rest.split() else ""
        for flag in re.findall(r"(?<!\S)(--[a-z-]+)", rest):
            assert flag in shown(name, first), f"{page.name}: {name} has no {flag}"


def test_a_command_of_commands_has_those_that_the_pages_call() -> None:
    called = {word for page in PAGES for word in re.findall(r"stream-models ([a-z]+)", page.read_text("utf-8"))}
    assert {"pull", "import", "list"} <= called
    for word in called:
        assert "Usage: " in shown("stream-models", word), word


@cache
def shown(name: str, command_name: str = "") -> str:
    """Return the help of a console script, or of one of its commands."""
    commands = {"stream-train": ("record", "teach")}
    is_inner = name in ("stream-models", "stream-bench") or command_name in commands.get(name, ())
    inner = [command_name] if is_inner and command_name else []
    command, wide = [*script(name), *inner, "--help"], {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=wide)
    return done.stdout


def script(name: str) -> list[str]:
    """Return how to start a console script, installed or not on the path."""
    [entry] = metadata.entry_points(group="console_scripts", name=name)
    return [sys.executable, "-c", f"from {entry.module} import {entry.attr} as start; start()"]


def test_the_service_page_lists_every_limit_with_its_default() -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)` \| ([\d.]+)", (ROOT / "docs/service.md").read_text("utf-8"), re.MULTILINE)
    panel = shown("stream-serve").partition("What is allowed")[2].partition("\u256f")[0]
    flags = re.findall(r"(--[a-z-]+)", panel)
    defaults = re.findall(r"\[default: ([\d.]+)\]", panel)
    assert dict(rows).keys() | {"--drain-s"} == set(flags)
    found = dict(zip(flags, map(float, defaults), strict=True))
    assert {flag: float(default) for flag, default in rows} == {flag: found[flag] for flag, _ in rows}
