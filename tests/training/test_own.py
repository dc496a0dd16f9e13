"""Training on one's own clips, from videos to a card that every command takes; killed, stopped and resumed."""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import stream
from stream import cards, weights
from stream.cli.evaluate import main as evaluate
from stream.cli.train import main
from stream.config import Thresholds
from stream.errors import ModelError, UsageError
from stream.sources import open_source
from stream.training import own, recipes
from stream.training.mixing import MixSettings
from stream.training.own import Order
from stream.training.streams import FitSettings
from tests.training import boxes

SMALL = {"variant": "t0", "side_px": 32}
SETTINGS = FitSettings(batch=4, rate=0.01, threads=1, workers=0, averaging=0.8)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return boxes.folder(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder of a model that learned from the clips."""
    run = tmp_path_factory.mktemp("runs") / "colours"
    own.train(order(data, run), [].append)
    return run


def order(data: Path, run: Path, **changes: object) -> Order:
    usual = Order(
        data=data, out=run / f"{run.name}.toml", run=run, command="stream-train", changes=SMALL, share=0.34,
        length_s=1.0, epochs=8, patience=0, settings=SETTINGS,
    )  # fmt: skip
    return replace(usual, **changes)  # type: ignore[arg-type]


def said(card: Path, video: Path) -> str:
    """The label that a session gives at the end of a video."""
    session, last = stream.load(str(card)).session(top_k=1), None
    with open_source(str(video)) as source:
        for packet in source:
            for frame in source.decode(packet):
                last = session.feed(frame) or last
    assert last
    return last.labels[0].name


def test_the_card_is_taken_at_once_and_is_right_on_videos_it_never_saw(trained: Path, tmp_path: Path) -> None:
    for colour in ("red", "blue"):
        video = boxes.write(tmp_path / f"{colour}.mp4", [colour] * 20, seed=99)
        assert said(trained / "colours.toml", video) == colour


def test_the_card_tells_how_it_was_made_and_how_good_it_is(trained: Path) -> None:
    card = cards.load(str(trained / "colours.toml"))
    assert (card.labels, card.side_px, card.variant, card.trained_frames) == (("blue", "red"), 32, "t0", 10)
    assert card.measured["validation"]["accuracy"] == 1.0
    assert card.measured["validation"]["clips"] == 4
    begins = [card.label_thresholds[label]["begin_threshold"] for label in ("blue", "red")]
    assert sum(begins) == pytest.approx(1, abs=1e-3), "each begins where the other is no longer said"
    story = card.training
    assert {"command", "hours", "machine", "data", "split", "seed", "settings"} <= set(story)
    assert story["clips"] == {"train": {"blue": 4, "red": 4}, "validation": {"blue": 2, "red": 2}}


def test_the_runs_folder_tells_how_it_went(trained: Path) -> None:
    for name in ("curve.png", "confusion.png"):
        assert (trained / name).read_bytes().startswith(b"\x89PNG")
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert [line["batch"] for line in lines if "loss" in line] == list(range(1, 17))
    assert [line["batch"] for line in lines if "validation_loss" in line] == list(range(2, 17, 2))
    split = json.loads((trained / "split.json").read_text())
    assert not set(split["groups"]["train"]) & set(split["groups"]["validation"])
    rows = list(csv.DictReader((trained / "validation.csv").read_text().splitlines()))
    assert [row["said"] for row in rows] == [row["label"] for row in rows]
    assert not (trained / "clips").exists()


def test_the_weights_are_those_of_the_lowest_validation_loss(trained: Path) -> None:
    best = torch.load(trained / "best.pt", weights_only=True)
    found = weights.read_state_dict(cards.load(str(trained / "colours.toml")).read_weights())
    assert all(torch.equal(value, best[name]) for name, value in found.items())


def test_auto_takes_the_card_whose_probe_is_better_and_a_resumed_run_keeps_it(
    data: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two models that are here one knows the colours; what is held out is not looked at."""
    blank = replace(cards.load(str(trained / "colours.toml")), name="blank", labels=("a", "b"), label_thresholds={})
    recipes.write(recipes.start(blank, 9), blank, tmp_path / "home" / "models" / "blank" / "blank.toml")
    known = cards.load(str(trained / "colours.toml"))
    recipes.write(_net(known), replace(known, name="known"), tmp_path / "home" / "models" / "known" / "known.toml")
    monkeypatch.setenv("STREAM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cards, "shipped", lambda: ())
    heard = list[str]()
    card = own.train(order(data, tmp_path / "a", begin="auto", changes={}, epochs=1), heard.append)
    assert sum(line.startswith("linear probe on") for line in heard) == 2
    best, other = card.training["probes"]
    assert best["balanced_accuracy"] >= other["balanced_accuracy"]
    assert card.training["begins_with"] == best["card"]
    assert all(one["clips"] == 8 for one in card.training["probes"]), "the clips held out are not looked at"
    assert json.loads((tmp_path / "a" / "probes.json").read_text())["begins_with"] == card.training["begins_with"]


def _net(card: cards.Card) -> torch.nn.Module:
    net = recipes.start(card, 0)
    weights.load(net, weights.read_state_dict(card.read_weights()))
    return net.eval()


def test_a_run_that_gets_no_better_ends(data: Path, tmp_path: Path) -> None:
    stuck = replace(SETTINGS, rate=1e-9)
    heard = list[str]()
    card = own.train(order(data, tmp_path / "a", epochs=30, patience=2, settings=stuck), heard.append)
    [ended] = [line for line in heard if line.startswith("stopped")]
    words = (
        r"after epoch (\d+) of 30: no lower validation loss in the last 2; kept: epoch (\d+), validation loss 0\.\d+$"
    )
    assert (found := re.search(words, ended))
    assert int(found[1]) == int(found[2]) + 2
    assert card.training["ended"] == ended
    lines = [json.loads(line) for line in (tmp_path / "a" / "log.jsonl").read_text().splitlines()]
    assert max(line["batch"] for line in lines) < 30


def test_another_model_lends_its_weights_and_frozen_ones_stay_as_they_were(
    trained: Path, tmp_path: Path, data: Path
) -> None:
    base, heard = tmp_path / "colours.toml", list[str]()
    (tmp_path / "colours.onnx").write_bytes((trained / "colours.onnx").read_bytes())
    base.write_text(cards.dump(replace(cards.load(str(trained / "colours.toml")), begin_threshold=0.65)))
    three = boxes.folder(tmp_path / "three", ("red", "blue", "green"), 4)
    begun = order(three, tmp_path / "more", begin=str(base), changes={}, epochs=2, frozen=2)
    card = own.train(begun, heard.append)
    assert any("a new classifier" in line for line in heard)
    assert (card.labels, card.side_px) == (("blue", "green", "red"), 32)
    assert card.thresholds == Thresholds(), "those of other labels"
    old, new = (weights.read_state_dict(cards.load(str(path)).read_weights()) for path in (base, begun.out))
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    assert changed == {"classifier.weight", "classifier.bias"}
    gentle = replace(SETTINGS, rate=1e-5)
    again = order(data, tmp_path / "same", begin=str(base), changes={}, epochs=1, settings=gentle)
    same = own.train(again, heard.append)
    assert same.measured["validation"]["accuracy"] == 1.0
    assert same.begin_threshold == 0.65
    assert sum("a new classifier" in line for line in heard) == 1


def test_another_network_cannot_lend_its_weights(trained: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="variant is 'a0', that of colours is 't0'"):
        own.train(
            order(data, tmp_path / "x", begin=str(trained / "colours.toml"), changes={"variant": "a0"}), [].append
        )


def test_a_folder_of_another_run_is_refused_unless_it_is_to_begin_anew(
    trained: Path, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"holds a run already; accepted: --resume .* --force"):
        own.train(order(data, trained), [].append)
    run = Path(shutil.copytree(trained, tmp_path / "colours"))
    heard = list[str]()
    own.train(order(data, run, epochs=1, is_forced=True), heard.append)
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["batch"] for line in lines if "loss" in line] == [1, 2]
    assert any(line.startswith("ended after epoch 1 of 1; kept: epoch 1") for line in heard)
    (run / "checkpoint.pt").unlink()
    with pytest.raises(UsageError, match=r"colours\.toml is there already; accepted: --force"):
        own.train(order(data, run), [].append)


def test_who_judges_a_model_by_what_it_learned_from_is_warned_and_told_what_judges_it(
    trained: Path, data: Path
) -> None:
    card = str(trained / "colours.toml")
    found = CliRunner().invoke(evaluate, [card, str(data)])
    assert found.exit_code == 0, found.stderr
    assert "warning: colours learned from 8 of these 12 clips" in found.stderr
    advised = shlex.split(found.stderr.strip().split("judges it: stream-eval ")[1])
    assert advised[1] == str(trained / "validation.csv")
    held = CliRunner().invoke(evaluate, [*advised, "--json", "-"])
    assert (held.exit_code, held.stderr) == (0, "")
    assert json.loads(held.stdout)["clips"] == 4


def test_a_finished_run_says_so_and_stays_as_it_is(trained: Path, data: Path) -> None:
    before = {path.name: path.read_bytes() for path in trained.iterdir()}
    words = [str(data), "--runs", str(trained.parent), "--out", "colours", "--resume"]
    found = CliRunner().invoke(main, words)
    assert (found.exit_code, "is finished: nothing was left to do" in found.stderr) == (0, True), found.stderr
    assert "nan" not in found.output
    assert {path.name: path.read_bytes() for path in trained.iterdir()} == before


def test_names_in_brackets_are_printed_as_they_are(trained: Path, data: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "[bold]" / "colours")
    found = CliRunner().invoke(main, [str(data), "--runs", str(tmp_path / "[bold]"), "--out", "colours", "--resume"])
    assert found.stderr.count("[bold]/colours") == found.stdout.count("[bold]/colours") == 2, found.output


def test_a_run_goes_on_only_as_what_it_was_begun_as(trained: Path, data: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "colours"))
    for changes, words in (
        ({"mix": MixSettings(light=0.0)}, r"another light: 0\.\d+, not 0\.0; accepted"),
        ({"changes": SMALL | {"fps": 5.0}}, r"another fps: 10\.0, not 5\.0; accepted"),
    ):
        with pytest.raises(UsageError, match=words):
            own.train(order(data, run, is_resumed=True, **changes), [].append)
    with pytest.raises(ModelError, match=r"another --epochs.*: streams was 64, is 80; accepted"):
        own.train(order(data, run, is_resumed=True, epochs=10), [].append)


def test_a_class_without_a_readable_clip_is_refused_even_by_the_lenient(tmp_path: Path) -> None:
    data = boxes.folder(tmp_path / "data", clips=2)
    for clip in (data / "red").iterdir():
        clip.write_bytes(b"no video")
    with pytest.raises(UsageError, match="cannot be read"):
        own.train(order(data, tmp_path / "a", share=0), [].append)
    with pytest.raises(UsageError, match="no clip of 'red' can be read"):
        own.train(order(data, tmp_path / "b", share=0, is_lenient=True), [].append)


# --- the command itself, killed and stopped ---


def command(data: Path, runs: Path, *more: str) -> list[str]:
    flags = ("--variant t0 --side 32 --length 1 --batch 4 --threads 1 --epochs 6 --patience 0 --validation 0.34 "
             "--device cpu --out it --json")  # fmt: skip
    return [sys.executable, "-m", "stream.cli.train", str(data), "--runs", str(runs), *flags.split(), *more]


def run(data: Path, runs: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(data, runs, *more), check=False, capture_output=True, text=True, timeout=600, env=environment()
    )


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "400"}


def interrupted(data: Path, runs: Path, end: Callable[[subprocess.Popen[str]], None], batches: int) -> tuple[int, str]:
    """Start the command, end it once the log has so many lines, and return its exit code and what it said."""
    log = runs / "it" / "log.jsonl"
    with subprocess.Popen(command(data, runs), stderr=subprocess.PIPE, text=True, env=environment()) as process:
        deadline = time.monotonic() + 600
        while not log.exists() or len(log.read_text().splitlines()) < batches:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "it never got that far"
            time.sleep(0.02)
        end(process)
        said = process.communicate(timeout=300)[1]
    return process.returncode, said


def parameters(runs: Path) -> dict[str, torch.Tensor]:
    """Return the weights of the finished run."""
    return weights.read_state_dict(cards.load(str(runs / "it" / "it.toml")).read_weights())


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The weights when nothing interrupts it."""
    runs = tmp_path_factory.mktemp("whole")
    found = run(data, runs)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["card"] == str(runs / "it" / "it.toml")
    return parameters(runs)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_run_goes_on_to_the_same_weights(data: Path, tmp_path: Path, whole: dict[str, torch.Tensor]) -> None:
    code, _ = interrupted(data, tmp_path, subprocess.Popen.kill, 7)
    assert code == -signal.SIGKILL
    assert not (tmp_path / "it" / "it.toml").exists()
    split = tmp_path / "it" / "split.json"
    kept = split.read_text()
    split.write_text(kept.replace("validation", "elsewhere"))
    other = run(data, tmp_path, "--resume")
    assert (other.returncode, "is no longer what" in other.stderr) == (2, True)
    split.write_text(kept)
    resumed = run(data, tmp_path, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    found = parameters(tmp_path)
    assert all(torch.equal(value, whole[name]) for name, value in found.items())
    lines = [json.loads(line) for line in (tmp_path / "it" / "log.jsonl").read_text().splitlines()]
    assert [line["batch"] for line in lines if "loss" in line] == list(range(1, 13))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ctrl_c_saves_and_says_how_to_go_on(data: Path, tmp_path: Path, whole: dict[str, torch.Tensor]) -> None:
    code, said = interrupted(data, tmp_path, lambda process: process.send_signal(signal.SIGINT), 4)
    assert code == 130
    assert "--resume goes on" in said
    assert "Traceback" not in said
    assert f"the best so far: {tmp_path / 'it' / 'it.toml'}" in said
    early = cards.load(str(tmp_path / "it" / "it.toml"))
    assert early.training["ended"].startswith("stopped by Ctrl-C after epoch")
    assert weights.read_state_dict(early.read_weights())
    done = torch.load(tmp_path / "it" / "checkpoint.pt", weights_only=True)["done"]
    assert 2 <= done < 12
    resumed = run(data, tmp_path, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    found = parameters(tmp_path)
    assert all(torch.equal(value, whole[name]) for name, value in found.items())


def test_what_is_wrong_is_one_line_and_exit_code_two(data: Path, tmp_path: Path) -> None:
    boxes.folder(tmp_path / "scenes", clips=1)
    for colour in ("red", "blue"):
        clip = tmp_path / "scenes" / colour / "0.mp4"
        for name in ("home_1", "home_2", "shop_1", "shop_2"):
            (clip.parent / f"{name}.mp4").write_bytes(clip.read_bytes())
        clip.unlink()
    frames = tmp_path / "frames.csv"
    frames.write_text("frame,label\n0,red\n9,blue\n")
    cases = {
        (str(tmp_path / "nothing"),): "does not exist; accepted: a folder of CLASS/CLIP.mp4",
        (str(tmp_path / "scenes"),): "look like recordings: 2 of them ('home', 'shop', ...)",
        (str(data), "--split", "maybe"): "--split is 'maybe'; accepted: auto, random",
        (str(data), "--video", "x.mp4"): "--video goes with a CSV whose header is frame,label",
        (str(data), "--out", "a/b"): "--out is a/b; accepted: a name, or the path of a .toml",
        (str(data), "--from", "nobody"): "no model named 'nobody'",
        (str(data), "--device", "abacus"): "--device is 'abacus'; accepted: auto, cpu, cuda",
        (str(data), "--freeze", "2"): "--freeze leaves fresh weights as they are",
        (str(data), "--samples", "9"): "--samples means nothing for",
        ("gestures", "--epochs", "9"): "--epochs means nothing for generated gestures",
        ("gestures", "--device", "cpu"): "--device means nothing for generated gestures",
        (str(data), "--head", "mlp"): "--head goes with a CSV whose header is frame,label",
        (str(frames), "--resume"): "--resume means nothing for labelled frames",
        (str(frames), "--epochs", "9"): "accepted: --out, --from, --runs, --force, --seed, --video, --head, --json",
        (str(data), "--resume"): "--resume: no run was saved in",
        (str(data), "--resume", "--force"): "accepted: one of them",
    }
    for arguments, words in cases.items():
        found = CliRunner().invoke(main, ["--runs", str(tmp_path), *arguments])
        assert (found.exit_code, words in " ".join(found.stderr.split())) == (2, True), found.stderr
