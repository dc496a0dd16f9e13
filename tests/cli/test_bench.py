"""stream-bench on real engines and a small real model."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream.cli.bench import main


def test_a_step_is_timed_on_two_engines_and_written_as_json_and_picture(model: Path, tmp_path: Path) -> None:
    file, picture = tmp_path / "step.json", tmp_path / "step.png"
    flags = ["--engines", "torch,onnxruntime", "--rounds", "3", "--burst", "3", "--clock", "cpu"]
    done = CliRunner().invoke(main, ["step", str(model), *flags, "--json", str(file), "--plot", str(picture)])
    assert done.exit_code == 0, done.output
    report = json.loads(file.read_text())
    assert report["times"].keys() == report["ratios"].keys() == report["names"].keys() == {"torch", "onnxruntime"}
    for found in report["times"].values():
        assert 0 < found["min_ms"] <= found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"]
        assert found["count"] == 6
    assert report["ratios"]["onnxruntime"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert report["differences"]["onnxruntime"] <= 1e-4
    assert report["stages"].keys() == {"torch", "onnxruntime"}
    for found in report["stages"].values():
        assert found.keys() == {"decode", "preprocess", "step", "smooth", "around the step"}
        assert all(stage["min_ms"] > 0 and stage["count"] == 6 for stage in found.values())
    assert report["machine"]["cores"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "ratio to onnxruntime" in done.output


def test_a_step_slower_than_it_may_be_fails_the_run_and_says_how_slow_it_is(model: Path) -> None:
    flags = ["--engines", "torch,onnxruntime", "--rounds", "5", "--burst", "3", "--clock", "cpu"]
    done = CliRunner().invoke(main, ["step", str(model), *flags, "--at-most", "0.01"])
    assert done.exit_code == 1
    assert "torch takes" in done.stderr
    assert "accepted: 0.01x" in done.stderr
    assert CliRunner().invoke(main, ["step", str(model), *flags, "--at-most", "1000"]).exit_code == 0


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--engines", "abacus"], "no engine named 'abacus'"),
        (["--engines", ""], "nobody to measure"),
        (["--peer", "litert"], "NAME=FILE"),
        (["--peer", "abacus=x"], "no peer named 'abacus'"),
        (["--clock", "sun"], "no clock named 'sun'"),
        (["--clock", "cpu", "--threads", "2"], "--threads 1"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(model: Path, flags: list[str], words: str) -> None:
    flags = flags if "--engines" in flags else ["--engines", "onnxruntime", *flags]
    done = CliRunner().invoke(main, ["step", str(model), *flags])
    assert done.exit_code == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--json", "{}/nothere/a.json"], "--json is {}/nothere/a.json; accepted: a file that can be written"),
        (["--json", "{}"], "--json is {}; accepted: a file that can be written"),
        (["--plot", "{}/nothere/a.png"], "--plot is {}/nothere/a.png; accepted: a file that can be written"),
        (["--plot", "{}/a.txt"], "--plot is {}/a.txt; accepted: a name ending in .png, .svg, .pdf"),
    ],
)
@pytest.mark.parametrize(
    "command", [["step", "nomodel"], ["serve", "--model", "nomodel"], ["soak", "--model", "nomodel"]]
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_loaded(
    command: list[str], flags: list[str], words: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(main, [*command, *(flag.format(tmp_path) for flag in flags)])
    assert done.exit_code == 2
    assert words.format(tmp_path) in done.stderr


@pytest.mark.parametrize("command", ["step", "serve", "soak"])
def test_the_help_names_the_extra_that_a_figure_needs(command: str) -> None:
    shown = CliRunner().invoke(main, [command, "--help"], env={"COLUMNS": "200"}).output
    assert "needs the extra [plot]" in shown
