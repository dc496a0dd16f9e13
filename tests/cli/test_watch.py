"""`stream-watch`, the real program, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from stream import cards, rooms
from stream.cli import watch
from stream.cli.outputs import Outputs
from stream.config import SessionSettings
from stream.pictures import UnseenPicture
from stream.types import Drops, Frame, Label, Update
from tests import clips
from tests.cases import case
from tests.server.live import Server

ROOT = Path(__file__).parents[2]
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith("STREAM_")}


def command(*words: object) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "stream.cli.watch", *map(str, words)]


def watched(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    environment = {**CLEAN, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command(*words), capture_output=True, check=False, text=True, env=environment, timeout=120)


def said(output: str, kind: str) -> list[dict[str, object]]:
    return [line for line in map(json.loads, output.splitlines()) if line["kind"] == kind]


def test_every_used_frame_of_a_file_is_a_line(clip: Path, model: Path) -> None:
    done = watched(clip, "--model", model, "--json", "--top-k", 2, "--begin", 0.3, "--end", 0.2)
    assert (done.returncode, done.stderr) == (0, "")
    updates = said(done.stdout, "update")
    assert [update["offset_s"] for update in updates] == pytest.approx([i / 10 for i in range(20)], abs=1e-3)
    for update in updates:
        assert len(update["labels"]) == 2
        assert update["drops"] == {"rate": 0, "backlog": 0, "decode": 0, "order": 0, "late": 0}


def test_every_event_ends_with_the_stream(clip: Path, model: Path) -> None:
    done = watched(clip, "--model", model, "--json", "--begin", 0.3, "--end", 0.2, "--min-duration", 0)
    phases = [(event["label"], event["phase"]) for event in said(done.stdout, "event")]
    begun, ended = ([label for label, phase in phases if phase == which] for which in ("begin", "end"))
    assert begun
    assert sorted(begun) == sorted(ended)


def test_without_a_terminal_events_are_plain_lines(clip: Path, model: Path) -> None:
    done = watched(clip, "--model", model, "--begin", 0.3, "--end", 0.2)
    assert done.returncode == 0
    assert all(line.split()[2] in ("begin", "end") for line in done.stdout.splitlines())
    assert "\x1b" not in done.stdout


def test_the_video_and_the_plot_are_written(clip: Path, model: Path, tmp_path: Path) -> None:
    video, plot = tmp_path / "labelled.mp4", tmp_path / "labels.png"
    done = watched(clip, "--model", model, "--save", video, "--plot", plot)
    assert done.returncode == 0, done.stderr
    with av.open(str(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 20
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert written(done.stderr) == [f"wrote {path}, {path.stat().st_size / 1000:.1f} kB" for path in (video, plot)]


def test_actions_are_written_as_subtitles_and_as_ranges(clip: Path, model: Path, tmp_path: Path) -> None:
    vtt, ranges = tmp_path / "clip.vtt", tmp_path / "clip.json"
    read = ("--begin", 0.3, "--end", 0.2, "--min-duration", 0)
    done = watched(clip, "--model", model, *read, "--vtt", vtt, "--activitynet", ranges)
    assert done.returncode == 0, done.stderr
    found = json.loads(ranges.read_text())["results"]["clip"]
    assert vtt.read_text().startswith("WEBVTT\n")
    assert vtt.read_text().count(" --> ") == len(found) > 0


def written(errors: str) -> list[str]:
    return [line for line in errors.splitlines() if line.startswith("wrote ")]


@pytest.mark.parametrize("is_remote", [False, True], ids=["here", "through a server"])
def test_the_plot_shows_every_label_however_few_are_listed(
    is_remote: bool, clip: Path, model: Path, server: Server, tmp_path: Path
) -> None:
    where = ("--server", server.address) if is_remote else ("--model", model)
    for count in (1, 5):
        plot = tmp_path / f"{count}.png"
        done = watched(clip, *where, "--top-k", count, "--json", "--plot", plot)
        assert {len(update["labels"]) for update in said(done.stdout, "update")} == {count}
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "5.png").read_bytes()


NOTHING = "no event: 20 frames used, 1.9 s; no action reached 1 and held for 0.2 s\n"


def test_a_watch_without_an_event_says_so_on_stderr(clip: Path, model: Path) -> None:
    done = watched(clip, "--model", model, "--begin", 1)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", NOTHING)


def test_the_card_says_when_an_action_begins_where_no_flag_does(clip: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.onnx").write_bytes(model.with_suffix(".onnx").read_bytes())
    own = replace(cards.load(str(model)), begin_threshold=1.0, min_duration_s=0.7)
    (tmp_path / "tiny.toml").write_text(cards.dump(own))
    expected = NOTHING.replace("0.2 s", "0.7 s")
    assert watched(clip, "--model", tmp_path / "tiny.toml").stderr == expected
    assert "begin" in watched(clip, "--model", tmp_path / "tiny.toml", "--begin", 0.3, "--end", 0.2).stdout


def test_labels_that_were_not_allowed_are_named_where_no_event_came(clip: Path, model: Path) -> None:
    begun = {
        event["label"] for event in said(watched(clip, "--model", model, "--json", "--begin", 0.3).stdout, "event")
    }
    never = next(label for label in cards.load(str(model)).labels if label not in begun)
    done = watched(clip, "--model", model, "--begin", 0.3, "--allow", never)
    assert "no action of the labels allowed reached 0.3 and held for 0.2 s; labels that were not" in done.stderr
    assert done.stderr.endswith(f"allowed reached theirs: {', '.join(sorted(begun))}\n")


def test_what_a_watch_has_seen_counts_from_where_it_began(capsys: pytest.CaptureFixture[str]) -> None:
    with Outputs(SessionSettings(), is_json=True).opened("door") as send:
        for number in range(20):
            offset_s = 3600 + number / 10
            update = Update(offset_s, (Label("ash", 0.1),), (), 0.0, Drops())
            send(Frame(UnseenPicture("stays where it is"), offset_s, 0), update)
    assert capsys.readouterr().err == "no event: 20 frames used, 1.9 s; no action reached its threshold\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_in_a_terminal_too(clip: Path, model: Path) -> None:
    ours, theirs = os.openpty()
    environment = {**CLEAN, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"}
    words = command(clip, "--model", model, "--begin", 1)
    with subprocess.Popen(words, stdout=theirs, stderr=subprocess.PIPE, text=True, env=environment) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read(ours), b"")).decode()
        assert process.stderr
        assert process.stderr.read() == NOTHING
    assert str(clip) in shown
    assert "no event" not in shown


def read(terminal: int) -> bytes:
    """Return what is there; nothing at the end, which Linux calls an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_it_stops_after_the_seconds_it_is_given(clip: Path, model: Path) -> None:
    done = watched(clip, "--model", model, "--json", "--seconds", 0.5)
    assert len(said(done.stdout, "update")) == 5


def test_flags_beat_the_environment_and_the_environment_beats_the_defaults(clip: Path, model: Path) -> None:
    environment = {"STREAM_MODEL": str(model), "STREAM_TOP_K": "1"}
    for words, count in (((), 1), (("--top-k", 4), 4)):
        done = watched(clip, "--json", "--seconds", 0.1, *words, **environment)
        assert len(said(done.stdout, "update")[0]["labels"]) == count


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nothere.mp4"], 1, "no such file: nothere.mp4"),
        (["gopher://x"], 2, "no source named 'gopher'; known: camera, file, http, images, rtsp"),
        (["{clip}", "--model", "a9"], 2, "no model named 'a9'"),
        (
            ["{clip}", "--runtime", "abacus"],
            2,
            "no engine named 'abacus'; known: auto, fused, onnxruntime, openvino, torch",
        ),
        (["{clip}", "--allow", "ask"], 2, "no label named 'ask'; known: ash, birch, cedar, elm, fir"),
        (["{clip}", "--begin", "1.5"], 2, "begin_threshold is 1.5; accepted: in (0, 1]"),
        (["{clip}", "--save", "video.avi"], 2, "video.avi"),
        (["{clip}", "--plot", "nowhere/labels.png"], 2, "nowhere/labels.png"),
        (["{clip}", "--server", "127.0.0.1:1"], 1, "127.0.0.1:1"),
    ],
)
def test_what_is_wrong_is_one_line_on_stderr_and_an_exit_code(
    words: Sequence[str], code: int, message: str, clip: Path, model: Path
) -> None:
    words = [word.format(clip=clip) for word in words]
    if "--model" not in words and "--server" not in words:
        words += ["--model", str(model)]
    done = watched(*words)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--allow", "ask"], "no label named 'ask'; known: ash, birch, cedar, elm, fir"),
        (["--model", "a9"], "no model named 'a9'; known: tiny"),
    ],
)
def test_a_server_s_refusal_is_the_caller_s_mistake_as_it_is_here(
    words: Sequence[str], message: str, clip: Path, server: Server
) -> None:
    done = watched(clip, "--server", server.address, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr


def test_a_flag_it_does_not_know_is_a_usage_error(clip: Path) -> None:
    assert watched(clip, "--colour").returncode == 2
    assert watched().returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("is_remote", [False, True], ids=["here", "through a server"])
def test_ctrl_c_completes_what_was_to_be_saved_and_leaves_quietly_with_130(
    model: Path, server: Server, tmp_path: Path, is_remote: bool
) -> None:
    film = clips.write(tmp_path / "long.mp4", clips.evenly(600))
    video, plot = tmp_path / "labelled.mp4", tmp_path / "labels.png"
    where = ("--server", server.address) if is_remote else ("--model", model)
    words = command(film, *where, "--realtime", "--json", "--save", video, "--plot", plot)
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**CLEAN, "PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout
        rows: list[dict[str, Any]] = []
        while sum(row["kind"] == "update" for row in rows) < 8:
            rows.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    events = [row for row in (*rows, *map(json.loads, rest.splitlines())) if row["kind"] == "event"]
    begun, ended = ([row["label"] for row in events if row["phase"] == phase] for phase in ("begin", "end"))
    assert sorted(begun) == sorted(ended), "what went on is ended"
    assert len(written(errors)) == 2
    assert "Traceback" not in errors
    with av.open(str(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 7, "the last one may have been on its way"
    assert plot.exists()


def test_realtime_takes_as_long_as_the_film(clip: Path, model: Path) -> None:
    began = time.monotonic()
    done = watched(clip, "--model", model, "--json", "--realtime")
    assert done.returncode == 0
    assert time.monotonic() - began >= 1.9
    assert all(update["age_ms"] < 1900 for update in said(done.stdout, "update"))


def test_a_pipe_closed_after_the_first_lines_is_one_line_and_exit_1(model: Path, tmp_path: Path) -> None:
    film = clips.write(tmp_path / "long.mp4", clips.evenly(600))
    process = subprocess.Popen(
        command(film, "--model", model, "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**CLEAN, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == "error: what reads the output has closed it\n"
    process.stderr.close()
    assert process.wait(60) == 1


def test_a_server_says_what_would_be_said_here(clip: Path, model: Path, server: Server) -> None:
    here = watched(clip, "--model", model, "--json")
    there = watched(clip, "--server", server.address, "--json")
    assert there.returncode == 0, there.stderr
    for ours, theirs in zip(said(here.stdout, "update"), said(there.stdout, "update"), strict=True):
        assert theirs["offset_s"] == pytest.approx(ours["offset_s"], abs=1e-6)
        assert len(theirs["labels"]) == len(ours["labels"])


def test_version_names_the_package_and_the_engines() -> None:
    done = watched("--version")
    assert done.returncode == 0
    assert "movinet-stream" in done.stdout
    assert all(name in done.stdout for name in rooms.names("runtimes"))


def test_the_first_run_needs_nothing() -> None:
    if watch.DEFAULT not in cards.names():
        pytest.skip(f"the model {watch.DEFAULT} is not in models/")
    done = watched("synthetic://gestures", "--seconds", 20, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert said(done.stdout, "event")


def test_a_film_stored_lying_is_saved_standing(model: Path, tmp_path: Path) -> None:
    saved = []
    for name in ("swipes.mp4", "swipes-rot90.mp4"):
        out = tmp_path / name
        done = watched(case(name), "--model", model, "--save", out)
        assert done.returncode == 0, done.stderr
        with av.open(str(out)) as film:
            saved.append([frame.to_ndarray(format="gray") for frame in film.decode(video=0)][::40])
    upright, turned = saved
    assert [one.shape for one in turned] == [one.shape for one in upright]
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(upright, turned, strict=True)) < 6
