"""A server under streams is measured as its clients see it: on a real server, and on made-up ones for the search."""

import asyncio
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest
from typer.testing import CliRunner

from stream.bench import film, soak
from stream.bench.film import Film
from stream.bench.load import Load, offer
from stream.bench.serving import Serving, running
from stream.bench.streams import Ages, Bench, Level, most, search
from stream.cli.bench import main
from stream.errors import ServiceError, UsageError
from tests.reliability.footprint import needs_proc
from tests.server import live
from tests.server.live import ROOT
from tests.server.pushed import test_packets as film_file

PATIENT_MS = 60_000.0
"""A machine that is busy may be slow; what is tested is not its speed."""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live.write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def serving(card: Path) -> Iterator[Serving]:
    with running(["--model", str(card)], 8) as found:
        yield found


def load(seconds: float = 1.0, **fields: float) -> Load:
    film = Film(tuple(live.jpegs(12)), tuple(index / 10 for index in range(12)), 10.0)
    return Load(film, seconds=seconds, **{"warmup_s": 0.3, **fields})


def level(streams: int, limit: int) -> Level:
    """A server that keeps up to `limit` streams fresh."""
    ages = Ages.of([0.01 if streams <= limit else 1.0], 1)
    return Level(streams, 1, streams <= limit, ages, ages, {}, {}, None, 0.0, None, None, 0.0)


@pytest.mark.parametrize("limit", [0, 1, 5, 16, 37, 63, 200])
def test_the_search_finds_the_most_streams_within_a_twentieth(limit: int) -> None:
    asked: list[int] = []

    def measure(streams: int) -> Level:
        asked.append(streams)
        return level(streams, limit)

    levels = search(measure, [1, 2, 4, 8, 16, 32, 64, 128])
    assert limit - max(1, limit / 20) <= most(levels) <= limit or (limit > 128 and most(levels) == 128)
    assert len(asked) == len(set(asked)) <= 13
    assert [one.streams for one in levels] == sorted(asked)


def test_counts_that_are_none_are_refused() -> None:
    for counts in ([], [4, 0]):
        with pytest.raises(UsageError, match="accepted: counts of 1 or more"):
            search(lambda streams: level(streams, 1), counts)


def test_a_frame_that_was_never_used_is_infinitely_old() -> None:
    found = Ages.of([0.010] * 97, 100)
    assert (found.p50_ms, found.p95_ms, found.p99_ms) == (10.0, 10.0, math.inf)
    assert level(2, 1).plain()["ages"]["p99_ms"] == 1000.0
    assert json.dumps(Level(1, 1, False, found, found, {}, {}, None, 0.0, None, None, 0.0).plain(), allow_nan=False)


@needs_proc
def test_every_frame_that_was_due_is_counted_and_the_server_says_what_it_spent(serving: Serving) -> None:
    found = Bench(serving, load(2.0), PATIENT_MS).measure(3)
    assert found.frame_count == 3 * 20
    assert found.is_fresh or found.drops
    assert all(found.stages_ms[name] > 0 for name in ("decode", "preprocess", "step", "smooth"))
    assert sum(found.stages_ms.values()) < 1e3
    assert found.server_cpu_ms and found.client_cpu_ms > 0
    assert found.memory_mb and found.stream_memory_mb is not None
    assert found.server_ages.p50_ms < found.ages.p50_ms, "an answer has a way to go"


@needs_proc
def test_a_videos_own_packets_are_sent_at_its_own_rate_again_and_again(serving: Serving, tmp_path: Path) -> None:
    path = film_file.write(tmp_path / "film.mp4", "libx264", {"bf": "3", "g": "12", "x264-params": "b-adapt=0"})
    shown = film.packets(str(path))
    assert (len(shown.parts), shown.fps) == (film_file.COUNT, film_file.FPS)
    assert shown.frame(film_file.COUNT).frame.offset.ToMicroseconds() == pytest.approx(1e6 * 40 / 12, abs=2)
    found = Bench(serving, Load(shown, 5.0, warmup_s=0.5), PATIENT_MS).measure(1)
    assert 45 <= found.frame_count <= 55, "the model takes ten a second of twelve"
    assert found.drops.get("rate", 0) > 5
    assert not {"decode", "order"} & set(found.drops)


@needs_proc
def test_frames_sent_to_a_server_that_stands_still_are_old_by_as_long(serving: Serving) -> None:
    assert serving.process_id
    timers = [threading.Timer(at_s, os.kill, (serving.process_id, number)) for at_s, number in STILL]
    for timer in timers:
        timer.start()
    heard = asyncio.run(offer(serving.address, load(3.0), 1))
    assert heard.sent_count == 30
    assert max(heard.ages_s) > 0.8, "it stood still for a second"
    assert len(heard.ages_s) + sum(heard.drops.values()) >= 30


STILL = ((1.5, signal.SIGSTOP), (2.5, signal.SIGCONT))


@needs_proc
def test_a_soak_looks_at_the_server_after_every_round(serving: Serving) -> None:
    found = soak.run(serving, load(0.5), 2, minutes=0.06)
    assert len(found.samples) >= 2
    assert [one.frame_count for one in found.samples] == [10 * n for n in range(1, len(found.samples) + 1)]
    assert all(one.held.memory_mb > 10 and one.held.thread_count > 1 for one in found.samples)
    assert math.isfinite(found.slope_mb_per_hour)


def test_a_server_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1:1: UNAVAILABLE"):
        asyncio.run(offer("127.0.0.1:1", load(), 1))


def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(ServiceError, match="no model named 'abacus'"), running(["--model", "abacus"], 1):
        pass


@needs_proc
def test_the_commands_write_what_they_found_as_json_and_picture(card: Path, serving: Serving, tmp_path: Path) -> None:
    for words in (
        [
            "serve",
            "--streams",
            "1,2",
            "--all",
            "--limit-ms",
            "0.1",
            "--server",
            serving.address,
            "--metrics",
            serving.http,
        ],
        ["soak", "--streams", "2", "--minutes", "0.01", "--round-s", "1", "--model", card],
    ):
        file, picture = tmp_path / f"{words[0]}.json", tmp_path / f"{words[0]}.png"
        flags = ["--input", SHORT, "--json", file, "--plot", picture]
        flags += ["--seconds", "1", "--model", "tiny"] if words[0] == "serve" else []
        done = CliRunner().invoke(main, [str(word) for word in (*words, *flags)])
        assert done.exit_code == 0, done.output
        report = json.loads(file.read_text())
        assert report["machine"]["cores"]
        assert picture.read_bytes().startswith(b"\x89PNG")
        if words[0] == "soak":
            assert report["is_complete"]
            assert "MB an hour in the second half (little is said by less than 10 min)" in done.output
        if words[0] == "serve":
            assert report["is_late"], "a quarter of so short a limit is less than any timer keeps"
            assert report["late_ms"] == max(one["late_ms"] for one in report["levels"])
            assert "warning: frames were sent up to" in done.stderr
            assert "the verdict is a lower bound" in done.stderr
            assert [one["streams"] for one in report["levels"]] == [1, 2]
            assert report["levels"][1]["server_cpu_ms"] is None, "its process is not this command's"
            assert report["levels"][1]["stages_ms"]["step"] > 0


@needs_proc
def test_ctrl_c_writes_the_rounds_of_a_soak_that_are_done_and_leaves_with_130(card: Path, tmp_path: Path) -> None:
    file, picture = tmp_path / "soak.json", tmp_path / "soak.png"
    words = ["soak", "--model", card, "--streams", "1", "--minutes", "2", "--round-s", "1", "--json", file]
    code = "from stream.cli.entry import bench; bench()"
    command = [sys.executable, "-c", code, *map(str, [*words, "--plot", picture, "--input", SHORT])]
    environment = {**os.environ, "FORCE_COLOR": "1"}  # the bar is drawn, and says how far it is
    process = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, cwd=ROOT, env=environment)
    assert process.stderr
    said = ""
    while not re.search(r"[1-9]\d?%", said):  # a round is done
        said += process.stderr.read(1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    report = json.loads(file.read_text())
    assert report["samples"] and not report["is_complete"]
    assert "last round: frame age" in output
    assert picture.read_bytes().startswith(b"\x89PNG")


SHORT = "synthetic://gestures?seconds=1&size=64x48"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--streams", "many"], "--streams is 'many'"),
        (["--streams", "0"], "accepted: counts of 1 or more"),
        (["--metrics", "127.0.0.1:1"], "--metrics goes with --server"),
        (["--packets", "--streams", "1"], "--packets needs --input FILE, H.264"),
        (["--packets", "--input", "synthetic://gestures", "--streams", "1"], "has no packets that a server takes"),
        (["--packets", "--fps", "5", "--streams", "1"], "accepted without --fps and --full-size"),
        (["--input", "nothere.mp4", "--streams", "1"], "no such file: nothere.mp4"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(serving: Serving, flags: list[str], words: str) -> None:
    at = [] if "--metrics" in flags else ["--server", serving.address]
    done = CliRunner().invoke(main, ["serve", *at, "--model", "tiny", *flags])
    assert done.exit_code in (1, 2)
    assert words in done.stderr
