"""stream-bench on real engines and a small real model."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream import cards
from stream.bench.figures import Ratio, Spread
from stream.bench.footprint import Footprint
from stream.bench.meter import Plan
from stream.bench.plot import draw, draw_soak
from stream.bench.soak import Sample, Soak
from stream.bench.step import Report, contestants
from stream.bench.streams import Ages
from stream.cli.bench import main
from stream.engines import choose


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
        (["--at-most", "1"], "--at-most compares the first one with the last one; only onnxruntime is named"),
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


def test_one_alone_is_measured_without_a_ratio(model: Path, tmp_path: Path) -> None:
    file, picture = tmp_path / "step.json", tmp_path / "step.svg"
    flags = [
        "--engines",
        " onnxruntime, ",
        "--rounds",
        "2",
        "--threads",
        "2",
        "--json",
        str(file),
        "--plot",
        str(picture),
    ]
    done = CliRunner().invoke(main, ["step", str(model), *flags])
    assert done.exit_code == 0, done.output
    assert "ratio" not in done.output
    assert "threads a step: onnxruntime 2" in done.output
    report = json.loads(file.read_text())
    assert report["ratios"] == {}
    assert report["threads"] == {"onnxruntime": 2}
    assert "<svg" in picture.read_text()


def test_by_default_those_are_measured_that_run_the_model_here(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "step.json"
    done = CliRunner().invoke(main, ["step", str(model), "--rounds", "1", "--threads", "2", "--json", str(file)])
    assert done.exit_code == 0, done.output
    best = choose(cards.load(str(model)))
    threads = {best: 1 if best == "fused" else 2, "onnxruntime": 2}
    assert json.loads(file.read_text())["threads"] == threads
    assert ("fused 1 (always)" in done.output) == (best == "fused")


def test_a_peer_that_is_called_as_an_engine_stands_beside_it(model: Path) -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    card = cards.load(str(model))
    who = contestants(card, ["openvino"], {"openvino": model.with_suffix(".onnx")}, 1)
    assert list(who) == ["openvino", "openvino (peer)"]
    assert who["openvino"].name != who["openvino (peer)"].name


def test_what_is_drawn_of_a_step_stays_within_its_axes() -> None:
    names = {"fused": "", "openvino (peer)": ""}
    times = {"fused": Spread(1, 1, 1, 1, 4), "openvino (peer)": Spread(8, 9, 10, 11, 4)}
    ratios = {name: Ratio(12.34, 12, 13) for name in names}
    figure = draw(Report("a0", Plan(), {}, names, {}, times, ratios, {}, {}))
    figure.canvas.draw()
    [axes] = figure.axes
    assert [text.get_text() for text in axes.texts] == [" 12.34x"] * 2
    assert all(text.get_window_extent().x1 < axes.bbox.x1 for text in axes.texts)


def test_the_lines_of_a_soak_do_not_lie_on_the_border() -> None:
    ages = Ages.of([0.01], 1)
    figure = draw_soak(Soak(tuple(Sample(n, n, Footprint(100.0, 9, 20, 1.0), ages) for n in (1.0, 2.0))), "")
    for axes in figure.axes:
        highest = max(value for line in axes.lines for value in line.get_ydata())
        assert axes.get_ylim() == (0, pytest.approx(1.15 * highest))
