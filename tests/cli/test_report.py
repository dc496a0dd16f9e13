"""`stream-report`, the real program, in a process of its own."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from tests import clips
from tests.cases import case
from tests.cli.test_watch import CLEAN, ROOT

ENVIRONMENT = {**CLEAN, "PYTHONPATH": str(ROOT)}


def command(*words: object) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "stream.cli.report", *map(str, words)]


def reported(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(command(*words), capture_output=True, check=False, text=True, env=ENVIRONMENT, timeout=280)


def test_every_form_is_written_and_the_seconds_add_up(clip: Path, model: Path, tmp_path: Path) -> None:
    done = reported(clip, "--model", model, "--out", tmp_path / "new" / "folder")
    assert (done.returncode, done.stderr) == (0, "")
    made = {path.name.partition(".")[2]: path for path in (tmp_path / "new" / "folder").iterdir()}
    assert set(made) == {"html", "png", "csv", "json", "vtt", "activitynet.json"}
    rows = [row for row in csv.DictReader(made["csv"].read_text().splitlines()) if row["view"] == "labels"]
    assert f"{sum(float(row['seconds']) for row in rows):.6f}" == "2.000000"
    for row in rows:
        assert row["label"] in done.stdout
    [segments] = json.loads(made["activitynet.json"].read_text())["results"].values()
    assert sum(row["segment"][1] - row["segment"][0] for row in segments) == pytest.approx(2.0, abs=1e-5)
    assert made["vtt"].read_text().count("-->") == len(segments)


def test_events_are_a_second_view(clip: Path, model: Path, tmp_path: Path) -> None:
    words = ("--begin", 0.3, "--end", 0.2, "--min-duration", 0, "--ranges", "events", "--form", "vtt,json")
    done = reported(clip, "--model", model, "--out", tmp_path, "--json", *words)
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "square.json").read_text())
    assert found["events"]
    cues = (tmp_path / "square.vtt").read_text().count("-->")
    assert cues == sum(row["occurrences"] for row in found["events"])
    assert {path.suffix for path in tmp_path.iterdir()} == {".vtt", ".json"}


def test_several_videos_get_a_report_each_and_a_sum(clip: Path, model: Path, tmp_path: Path) -> None:
    other = clips.write(tmp_path / "square.mp4", clips.evenly(10))
    done = reported(clip, other, "--model", model, "--out", tmp_path / "out", "--form", "json,html")
    assert done.returncode == 0, done.stderr
    assert "all 2 videos  3.00 s" in done.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{stem}.{form}" for stem in ("square", "square-2", "all") for form in ("json", "html")}
    total = json.loads((tmp_path / "out" / "all.json").read_text())
    assert sum(row["seconds"] for row in total["labels"]) == pytest.approx(3.0, abs=1e-9)


def test_a_label_that_is_hardly_probable_is_no_label(clip: Path, model: Path) -> None:
    found = json.loads(reported(clip, "--model", model, "--json", "--min-probability", 1.0).stdout)
    assert [(row["label"], row["seconds"]) for row in found["labels"]] == [("(no label)", 2.0)]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nothere.mp4"], 1, "no such file: nothere.mp4"),
        (["{clip}", "--ranges", "all"], 2, "--ranges is 'all'; accepted: labels or events"),
        (["{clip}", "--out", "{folder}", "--form", "gif"], 2, "no form 'gif'; accepted, commas between: html,png"),
        (["{clip}", "--out", "{clip}"], 2, "cannot make the folder"),
        (["{clip}", "--deny", "ask"], 2, "no label named 'ask'; known: ash, birch, cedar, elm, fir"),
    ],
)
def test_what_is_wrong_is_one_line_on_stderr_and_an_exit_code(
    words: list[str], code: int, message: str, clip: Path, model: Path, tmp_path: Path
) -> None:
    done = reported(*[word.format(clip=clip, folder=tmp_path) for word in words], "--model", model)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
def test_ctrl_c_reports_what_was_seen_and_leaves_with_130(model: Path, tmp_path: Path) -> None:
    words = ("synthetic://gestures?seconds=inf&realtime=1", "--model", model, "--out", tmp_path, "--json")
    process = subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    waited = time.monotonic() + 60
    while not (tmp_path / "gestures.vtt").exists() and time.monotonic() < waited:
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    found = json.loads(said)
    assert not found["is_complete"]
    assert found["length_s"] > 0
    assert json.loads((tmp_path / "gestures.activitynet.json").read_text())["results"]["gestures"]
    assert (tmp_path / "gestures.png").exists()


def write_long(path: Path, seconds: int, fps: int = 4) -> Path:
    """Write a film whose picture changes every half second: many ranges."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        rng = np.random.default_rng(1)
        for index in range(seconds * fps):
            if index % (fps // 2) == 0:
                frame = av.VideoFrame.from_ndarray(
                    np.repeat(np.repeat(rng.integers(0, 256, (3, 4, 3), np.uint8), 16, 0), 16, 1), format="rgb24"
                )
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


MEASURED = """
import sys
from pathlib import Path
from stream.cli.report import main
try:
    main()
finally:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(int(status["VmHWM"].split()[0]) / 1024, file=sys.stderr)
"""
"""The program, then the most memory it ever had, in MiB. What the system says of a child counts its parent's too."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not say how much memory was taken")
def test_an_hour_takes_no_more_memory_than_a_minute(model: Path, tmp_path: Path) -> None:
    peaks_mb, ranges = [], []
    for name, seconds in (("minute", 60), ("hour", 3600)):
        film = write_long(tmp_path / f"{name}.mp4", seconds)
        words = (film, "--model", model, "--json", "--out", tmp_path, "--form", "html,csv,json,vtt,activitynet")
        line = [sys.executable, "-c", MEASURED, *map(str, words)]
        done = subprocess.run(line, capture_output=True, check=True, text=True, env=ENVIRONMENT, timeout=290)
        found = json.loads(done.stdout)
        assert f"{sum(row['seconds'] for row in found['labels']):.6f}" == f"{seconds:.6f}"
        peaks_mb.append(float(done.stderr))
        ranges.append(sum(row["occurrences"] for row in found["labels"]))
    assert ranges[1] > 20 * ranges[0] > 20 * 10
    assert peaks_mb[1] - peaks_mb[0] < 8, peaks_mb


def test_one_bad_file_of_a_batch_is_named_and_the_others_go_on(clip: Path, model: Path, tmp_path: Path) -> None:
    bad, cut = tmp_path / "bad.mp4", tmp_path / "cut.mkv"
    bad.write_bytes(b"no video")
    whole = clips.write(tmp_path / "whole.mkv", clips.evenly(60)).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "out"
    done = reported(bad, cut, "none.mp4", clip, "--model", model, "--out", out, "--form", "json,vtt", "--json")
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [name for line in errors for name in ("bad.mp4", "none.mp4") if name in line] == ["none.mp4", "bad.mp4"]
    assert "cut.mkv: cut short: it says 6.00 s" in done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(Path(row["video"]).name, row.get("is_complete")) for row in rows] == [
        *[("cut.mkv", False), ("square.mp4", True)],
        *[("none.mp4", None), (str(bad.name), None)],
    ]
    stems = {path.name for path in out.iterdir()}
    assert stems == {"all.json", "cut.json", "cut.vtt", "square.json", "square.vtt"}, "no halves"
    assert reported(cut, "--model", model).returncode == 3
    assert reported(bad, "--model", model).returncode == 1


def test_a_video_whose_name_is_no_utf8_is_reported_in_every_form(clip: Path, model: Path, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/sw\xff.mp4"))
    try:
        odd.write_bytes(clip.read_bytes())
    except OSError:
        pytest.skip("no such names here")
    done = reported(odd, clip, "--model", model, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    for form in ("csv", "html", "json", "png", "vtt", "activitynet.json"):
        assert (tmp_path / "out" / f"sw_.{form}").stat().st_size > 0
    assert json.loads((tmp_path / "out" / "sw_.json").read_text("utf-8"))["video"].endswith(r"sw\xff.mp4")


def test_films_that_are_damaged_are_told_apart_and_the_whole_one_is_reported() -> None:
    names = ("cut-no-index.mp4", "cut-with-index.mp4", "scrambled.mp4", "slow.mp4")
    done = reported(*map(case, names), "--json")
    assert done.returncode == 1
    rows = {Path(row["video"]).name: row for row in map(json.loads, done.stdout.splitlines())}
    found = {name: rows[name].get("is_complete", "error") for name in names}
    assert found == dict(zip(names, ("error", False, "error", True), strict=True))
    assert rows["cut-with-index.mp4"]["length_s"] < 4 < rows["slow.mp4"]["length_s"] == 16
    assert "could not be read" in rows["scrambled.mp4"]["error"]
