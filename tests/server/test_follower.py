"""`stream-watch --server HOST:PORT --source NAME`, the real program, at a real server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.errors import UsageError
from stream.server.entry import Entry
from stream.server.follower import follow
from tests.server import live
from tests.server.live import ROOT, Server, jpegs

CONFIG = """
[source.shots]
uri = "shots.mp4"
realtime = true
policy = "wait"
begin_threshold = 0.3
end_threshold = 0.2
min_duration_s = 0
"""


@pytest.fixture(scope="module")
def sources(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("follow")
    live.write_video(folder / "shots.mp4", jpegs(250))
    (folder / "stream.toml").write_text(CONFIG)
    with live.running(model, "--config", str(folder / "stream.toml")) as server:
        yield server


def watched(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stream.cli.watch", *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_a_source_is_followed_to_its_end_and_what_began_is_ended(sources: Server, tmp_path: Path) -> None:
    vtt = tmp_path / "shots.vtt"
    done = watched("--server", sources.address, "--source", "shots", "--json", "--vtt", vtt)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    offsets_s = [row["offset_s"] for row in rows if row["kind"] == "update"]
    assert len(offsets_s) > 10
    assert offsets_s == sorted(set(offsets_s))
    phases = [(row["label"], row["phase"]) for row in rows if row["kind"] == "event"]
    begun, ended = ({label for label, phase in phases if phase == one} for one in ("begin", "end"))
    assert begun <= ended
    assert "shots: ended" in done.stderr
    assert vtt.read_text().startswith("WEBVTT")


def test_a_source_that_is_not_there_is_the_callers_mistake(sources: Server) -> None:
    with pytest.raises(UsageError, match="no source named 'yard'; known: shots"):
        follow("yard", sources.address, lambda *_: None, entry=Entry())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to watch; accepted: a SOURCE, or --server HOST:PORT with --source NAME"),
        (("--source", "door"), "--source names a source of --server HOST:PORT"),
        (("--source", "door", "--server", "127.0.0.1:1", "--save", "x.mp4"), "no --save"),
    ],
)
def test_what_does_not_go_together_is_said(words: tuple[str, ...], said: str) -> None:
    done = watched(*words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
