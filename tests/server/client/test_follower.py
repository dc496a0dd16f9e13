"""`stream-watch --server HOST:PORT --source NAME`, the real program, at a real server."""

import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stream.errors import UsageError
from stream.server.client.entry import Entry
from stream.server.client.follower import Clock, follow
from stream.types import Drops, Update
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server import live
from tests.server.live import ROOT, Server, jpegs, wait_for

CONFIG = """
[source.shots]
uri = "shots.mp4"
realtime = true
policy = "wait"
begin_threshold = 0.3
end_threshold = 0.2
min_duration_s = 0
max_pause_s = 1
"""


@pytest.fixture
def sources(model: Path, tmp_path: Path) -> Iterator[Server]:
    """Keep a source whose film is not there yet."""
    (tmp_path / "stream.toml").write_text(CONFIG)
    with live.running(model, "--config", str(tmp_path / "stream.toml")) as server:
        yield server


def show(server: Server, folder: Path, count: int, seed: int = 0) -> None:
    """Begin the film when somebody watches: however long a program takes to start, it misses nothing."""
    film = live.write_video(folder / "film.mp4", jpegs(count, seed=seed))

    def is_watched() -> bool:
        with server.channel() as channel:
            stub = rpc.RecognitionServiceStub(channel)
            found = stub.ListSources(pb.ListSourcesRequest(), timeout=30).sources
        return bool(found and found[0].watcher_count)

    wait_for(is_watched, 120)
    film.replace(folder / "shots.mp4")


def watched(*words: object, meanwhile: Callable[[], None] = lambda: None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stream.cli.watch", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as program:
        meanwhile()
        said, log = program.communicate(timeout=120)
    return subprocess.CompletedProcess(command, program.returncode, said, log)


def test_a_source_is_followed_to_its_end_and_what_began_is_ended(sources: Server, tmp_path: Path) -> None:
    vtt = tmp_path / "shots.vtt"
    words = ("--server", sources.address, "--source", "shots", "--json", "--vtt", vtt)
    done = watched(*words, meanwhile=lambda: show(sources, tmp_path, 60))
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


def test_it_goes_on_by_itself_when_the_server_is_killed_and_comes_back(model: Path, tmp_path: Path) -> None:
    (tmp_path / "stream.toml").write_text(CONFIG)
    flags = ("--config", str(tmp_path / "stream.toml"))
    came: list[tuple[float, dict[str, Any]]] = []

    def hear(count: float) -> None:
        while len(came) < count and (line := watching.stdout.readline()):
            came.append((time.monotonic(), json.loads(line)))

    with live.started(model, *flags) as server:
        command = [sys.executable, "-m", "stream.cli.watch", "--server", server.address, "--source", "shots", "--json"]
        watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        show(server, tmp_path, 60, seed=3)
        hear(10)
        server.kill()
    (tmp_path / "shots.mp4").unlink()
    with live.running(model, *flags, "--port", server.address.rpartition(":")[2]) as again:
        show(again, tmp_path, 60, seed=3)
        hear(math.inf)
        _, log = watching.communicate(timeout=60)
    assert watching.returncode == 0, log
    rows = [row for _, row in came]
    at_s, offsets_s = zip(*((at_s, row["offset_s"]) for at_s, row in came if row["kind"] == "update"), strict=True)
    assert list(offsets_s) == sorted(set(offsets_s))
    assert offsets_s[-1] - offsets_s[0] == pytest.approx(at_s[-1] - at_s[0], abs=1)
    running: set[object] = set()
    for row in rows:
        if row["kind"] == "event":
            label, phase = row["label"], row["phase"]
            assert (phase == "begin") != (label in running) or row["begin_s"] < offsets_s[0]
            (running.discard if phase == "end" else running.add)(label)
    assert not running
    assert "tried again in" in log


@pytest.mark.parametrize(("said_s", "is_same_run"), [(1.3, True), (0.2, False), (50.0, False)])
def test_the_clock_that_was_heard_before_is_kept_and_another_one_is_not_believed(
    said_s: float, is_same_run: bool
) -> None:
    clock = Clock()
    assert clock.place(Update(1.0, (), (), 0.0, Drops())).offset_s == 1.0
    clock.lose()
    found_s = clock.place(Update(said_s, (), (), 0.0, Drops())).offset_s
    assert found_s == said_s if is_same_run else 1.0 < found_s < 1.2
    assert clock.place(Update(said_s + 1, (), (), 0.0, Drops())).offset_s == pytest.approx(found_s + 1)


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


def test_without_a_name_all_sources_are_listed(model: Path, tmp_path: Path) -> None:
    (tmp_path / "stream.toml").write_text(
        '[source.away]\nuri = "rtsp://bob:s3cret@127.0.0.1:1/cam"\nmax_pause_s = 1\n'
        '[source.room]\nuri = "synthetic://gestures?seconds=inf&fps=10"\nrealtime = true\n'
    )
    with live.running(model, "--config", str(tmp_path / "stream.toml")) as server:
        wait_for(lambda: any("away: failed" in line for line in server.log))
        wait_for(lambda: any("room: live" in line for line in server.log))
        listed = watched("--server", server.address, "--json")
        rows = {row["source"]: row for row in map(json.loads, listed.stdout.splitlines())}
        assert (listed.returncode, list(rows)) == (0, ["away", "room"])
        assert rows["room"]["state"] == "live"
        assert rows["room"]["drops"].keys() == {"rate", "backlog", "decode", "order", "late"}
        assert "Connection refused" in rows["away"]["error"]
        table = watched("--server", server.address).stdout
        assert re.search(r"room +live +\d+ s +", table)
        assert re.search(r"away: .*Connection refused", table)
        assert "s3cret" not in listed.stdout + table
    with live.running(model) as server:
        assert "no source is configured there" in watched("--server", server.address).stdout
