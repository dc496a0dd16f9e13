"""stream-eval on data sets: figures, tables, pictures and the card."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stream import cards
from stream.cli.evaluate import main
from stream.evaluation import joined, memory
from tests import films

COLOURS = {"ash": "red", "birch": "green", "cedar": "blue"}
"""The real model's labels -> what their clips show; what it makes of them is its own affair."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders: three labels, two clips each, of scenes 1 and 2."""
    folder = tmp_path_factory.mktemp("data") / "trees"
    for label, colour in COLOURS.items():
        for scene in (1, 2):
            films.write(folder / label / f"{label}_{scene}.mp4", ("dark", scene), (colour, 6))
    return folder


def evaluated(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_clips_give_every_figure_with_its_interval(data: Path, model: Path, tmp_path: Path) -> None:
    plot, three = tmp_path / "confusion.png", shutil.copytree(data, tmp_path / "three")
    for label in COLOURS:
        shutil.copy(three / label / f"{label}_2.mp4", three / label / f"{label}_3.mp4")
    done = evaluated(model, three, "--json", "-", "--group-by", r"_(\d)", "--plot", plot)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["clips"], found["groups"]) == (9, 3)
    assert set(found["recall"]) == set(COLOURS)
    assert found["calibration_error"]["bins"] == 15
    assert "top5" not in found, "there are five labels, so it would always be 1"
    assert sum(cell["clips"] for cell in found["confusion"]) == 9
    for figure in (found["top1"], found["calibration_error"], *found["recall"].values()):
        assert figure["low"] <= figure["value"] <= figure["high"]
    right = sum(cell["clips"] for cell in found["confusion"] if cell["shown"] == cell["said"])
    assert found["top1"]["value"] == pytest.approx(right / 9, abs=1e-4)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_memory_on_data_gives_every_memory_at_every_age(data: Path, model: Path, tmp_path: Path) -> None:
    plot, others = tmp_path / "memory.png", data.parent / "others"
    for label, folder in (("ash", "ash"), ("a bird", "birch")):
        films.write(others / label / f"{label}_1.mp4", (COLOURS[folder], 6))
    short = ["--protocol", "memory", "--json", "-", "--plot", plot]
    assert "'a bird', which tiny does not know" in evaluated(model, others, *short).stderr
    done = evaluated(model, others, *short, "--others")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["clips"], len(found["rows"])) == (2, len(joined.MEMORIES_S) * len(joined.AGES_S))
    assert {row["memory_s"] for row in found["rows"]} == {0.5, 1.0, 2.0, 4.0, 8.0, None}
    assert all(0 <= row["other_time_with_an_event"]["value"] <= 1 for row in found["rows"])
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_data_of_one_class_is_measured_by_its_recall(data: Path, model: Path, tmp_path: Path) -> None:
    label = next(iter(COLOURS))
    rows = [f"{path},{label},,,{path.stem},{label},0.9" for path in sorted((data / label).iterdir())]
    table = tmp_path / "validation.csv"
    table.write_text("\n".join(["path,label,start,end,group,said,probability", *rows]) + "\n")
    done = evaluated(model, table)
    assert done.exit_code == 0, done.stderr
    assert "top-1" in done.stdout
    assert "top-5" not in done.stdout
    done = evaluated(model, table, "--json", "-", "--protocol", "stream")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["changes"] == 0
    (tmp_path / "none.csv").write_text("path,label\n")
    empty = evaluated(model, tmp_path / "none.csv")
    assert (empty.exit_code, "accepted: one sample or more" in " ".join(empty.stderr.split())) == (2, True)


def test_streams_give_delays_and_the_time_that_was_right(data: Path, model: Path, tmp_path: Path) -> None:
    plot = tmp_path / "delays.png"
    done = evaluated(model, data, "--protocol", "stream", "--json", tmp_path / "a.json", "--plot", plot)
    assert done.exit_code == 0, done.stderr
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["changes"] == 5
    assert found["stream_minutes"] == pytest.approx(
        sum(0.1 * (scene + 6) for scene in (1, 2) for _ in COLOURS) / 60, 1e-3
    )
    assert 0 <= found["time_right"]["value"] <= 1
    assert "6 clips joined to 0.1 minutes, 5 changes" in done.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_background_alone_counts_false_events(data: Path, model: Path) -> None:
    done = evaluated(model, "--background", data / "ash", "--json", "-")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["videos"] == 2
    assert found["hours"] == pytest.approx(1.5 / 3600, abs=1e-5)
    assert found["false_events_per_hour"]["high"] > 0


def test_thresholds_decide_what_counts_as_an_event(data: Path, model: Path) -> None:
    def events(*flags: str) -> int:
        done = evaluated(model, "--background", data, "--json", "-", *flags)
        assert done.exit_code == 0, done.stderr
        return sum(json.loads(done.stdout)["events"].values())

    assert events("--begin", "0.25", "--end", "0.2", "--min-duration", "0") > events("--min-duration", "0.4")
    assert "accepted: in (0, begin_threshold = 0.3]" in evaluated(model, "--begin", "0.3", "--end", "0.4").stderr


def test_the_card_takes_the_figures_and_keeps_those_it_had(data: Path, model: Path, tmp_path: Path) -> None:
    card = replace(cards.load(str(model)), measured={"note": "kept"})
    (tmp_path / "tiny.toml").write_text(cards.dump(card))
    (tmp_path / "tiny.onnx").write_bytes(model.with_suffix(".onnx").read_bytes())
    for words in ((), ("--protocol", "stream")):
        done = evaluated(tmp_path / "tiny.toml", data, "--update-card", *words)
        assert done.exit_code == 0, done.stderr
    measured = cards.load(str(tmp_path / "tiny.toml")).measured
    assert set(measured) == {"note", "trees", "trees_stream"}
    assert measured["trees"]["clips"] == 6
    assert "confusion" not in measured["trees"]


@pytest.mark.skipif("gestures-a0" not in cards.names(), reason="the default model is not in models/")
def test_the_memory_study_compares_every_memory_at_every_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"LOOP_S": 2.0, "TEST_S": 7.0, "SHORT_S": 0.5, "AGES_S": (0.5, 4.0, 6.0), "MEMORIES_S": (2.0, math.inf)}
    for name, value in small.items():
        monkeypatch.setattr(memory, name, value)
    plot, figures = tmp_path / "memory.png", tmp_path / "memory.json"
    words = ("--protocol", "memory", "--scenes", 2, "--plot", plot, "--json", figures)
    done = evaluated("gestures-a0", *words)
    assert done.exit_code == 0, done.stderr
    found = json.loads(figures.read_text())
    assert [(cell["memory_s"], cell["age_s"]) for cell in found["cells"]] == [
        (memory_s, age_s) for memory_s in (2.0, None) for age_s in (0.5, 4.0, 6.0)
    ]
    assert found["actions"] > 0
    assert "right at their end" in done.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{data}", "--protocol", "film"], "--protocol is 'film'; accepted: clip, events, stream, memory or footage"),
        (["{data}", "--protocol", "memory", "--memory-s", "2"], "--memory-s is one memory"),
        (["{data}", "--others"], "--others is for clips of DATA that are joined"),
        (["{data}", "--plot", "a.gif"], "cannot plot to a.gif"),
        (["{data}", "--group-by", "("], "accepted: a regular expression"),
        (["{data}/ash", "--protocol", "clip"], "ash_1.mp4 lies beside the classes"),
        (["--background", "{data}/nothing"], "nothing does not exist; accepted: a folder of footage"),
        (["--memory-s", "2"], "--memory-s is for DATA and --background"),
        (["--protocol", "stream", "--plot", "a.png"], "no picture"),
        ([], "or a model of no motion, other motion, swipe left"),
    ],
)
def test_what_does_not_go_together_is_refused(words: list[str], message: str, data: Path, model: Path) -> None:
    done = evaluated(model, *[word.format(data=data) for word in words])
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_manifest_with_a_map_is_measured_from_the_command_line(model: Path, tmp_path: Path) -> None:
    for name, colour in (("one", "red"), ("two", "green"), ("three", "dark")):
        films.write(tmp_path / name / f"{name}.mp4", (colour, 8))
    (tmp_path / "manifest.csv").write_text(
        "path,label,group,split,source\n"
        + "".join(f"{name}/{name}.mp4,{name},{name},train,us\n" for name in ("one", "two", "three"))
    )
    (tmp_path / "map.csv").write_text("path,label\none/*,ash\ntwo/*,\n*,birch\n")
    words = ["--protocol", "events", "--map", tmp_path / "map.csv", "--part", "train", "--json", tmp_path / "a.json"]
    done = evaluated(model, tmp_path / "manifest.csv", *words)
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["groups"] == 2
    assert found["actions"]["clips"] + found.get("background_clips", 0) == 2
    assert found["labels"]["ash"]["clips"] == 1
