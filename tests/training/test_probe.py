"""Linear probes, and a last layer taught on frozen features: on numbers, and on small real videos."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from stream import cards
from stream.cli.train import main
from stream.errors import UsageError
from stream.exporters import publish
from stream.play.motions import LABELS
from stream.training import datasets
from stream.training.datasets import Sample
from stream.training.probe import choose, layer, linear, still, teach
from stream.training.probe.judging import Verdict, measure
from stream.training.probe.layer import Layer, Told
from stream.training.probe.trunk import Trunk
from tests import tiny
from tests.training import boxes

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    card = tiny.card("relu6", fps=10.0)
    publish(tiny.net(card), card, folder)
    return folder / "relu6.toml"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two colours by three recordings, two clips each."""
    root = tmp_path_factory.mktemp("clips")
    rows = ["path,label,group"]
    for number in range(6):
        for colour in ("red", "blue"):
            path = boxes.write(root / f"{colour}{number}.mp4", [colour] * 20, seed=number + 10 * len(colour))
            rows.append(f"{path.name},{colour},day{number // 2}")
    (root / "clips.csv").write_text("\n".join(rows) + "\n")
    return root / "clips.csv"


def features(classes: int, groups: int, each: int, apart: float) -> tuple[np.ndarray, list[str], list[str]]:
    """Classes that lie `apart`, and groups that lie much further apart than that."""
    centres, rooms = RNG.normal(0, apart, (classes, 40)), RNG.normal(0, 3, (groups, 40))
    rows = [(c, g) for c in range(classes) for g in range(groups) for _ in range(each)]
    x = np.stack([centres[c] + rooms[g] + RNG.normal(0, 0.5, 40) for c, g in rows]).astype(np.float32)
    return x, [f"c{c}" for c, _ in rows], [f"g{g}" for _, g in rows]


def test_a_probe_tells_classes_in_groups_that_it_never_saw() -> None:
    found = linear.probe("a card", *features(3, 8, 3, 1.5))
    assert found.right.value > 0.9
    assert found.right.low > found.chance
    assert (found.clips, found.groups, found.classes) == (72, 8, 3)
    assert "linear probe on a card" in str(found)
    assert found.verdict == "so the data can be learned"


def test_a_probe_of_noise_says_that_there_is_nothing_to_learn() -> None:
    found = linear.probe("a card", *features(4, 8, 3, 0.0))
    assert found.right.value < found.chance + 0.15
    assert found.verdict.startswith("that is no more than guessing may have")


def test_groups_that_tell_the_class_do_not_make_a_probe_look_good() -> None:
    """Each group holds one class: whoever splits by clip knows the group, and is right for the wrong reason."""
    x, _, groups = features(2, 6, 6, 0.0)
    labels = [f"c{int(group[1:]) % 2}" for group in groups]
    assert linear.probe("a card", x, labels, [str(place) for place in range(len(labels))]).right.value > 0.95
    assert linear.probe("a card", x, labels, groups).right.low < 0.5


def test_a_class_of_one_recording_is_named_and_not_judged() -> None:
    x, labels, groups = features(3, 6, 3, 1.5)
    groups = ["g0" if label == "c2" else group for label, group in zip(labels, groups, strict=True)]
    found = linear.probe("a card", x, labels, groups)
    assert found.lone == ("c2",)
    assert found.clips == 36
    assert "of one recording only, so not judged: c2" in str(found)


def test_classes_that_are_all_of_one_recording_give_no_figure() -> None:
    x, labels, _ = features(2, 3, 3, 1.5)
    found = linear.probe("a card", x, labels, labels)
    assert (found.clips, math.isnan(found.right.value)) == (0, True)
    assert "nothing can be held out" in str(found)
    assert "balanced_accuracy" not in found.story()


def test_one_recording_is_told_clip_by_clip_and_says_so() -> None:
    x, labels, _ = features(2, 1, 8, 1.5)
    found = linear.probe("a card", x, labels, ["only"] * 16)
    assert found.right.value > 0.9
    assert math.isnan(found.right.low)
    assert "of other recordings nothing is known" in found.verdict


def test_a_few_recordings_give_no_interval_and_a_careful_verdict() -> None:
    found = linear.probe("a card", *features(3, 3, 3, 3.0))
    assert found.right.value > 0.9
    assert "27 clips of 3 recordings (too few for an interval) held out in turn" in str(found)
    assert "interval_95" not in found.story()
    assert found.verdict.startswith("that is more than guessing has, but 3 recordings are too few to tell")


def test_networks_that_differ_in_their_last_layer_alone_are_probed_once(
    base: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = cards.load(str(base))
    net = tiny.net(card)
    with torch.no_grad():
        net.classifier.bias += 1
    publish(net, replace(card, name="twin"), tmp_path)
    twin = cards.load(str(tmp_path / "twin.toml"))
    other = replace(card, name="other", memory_s=9.0)
    monkeypatch.setattr(choose, "candidates", lambda: (card, twin, other))
    lines = list[str]()
    found = choose.choose("auto", datasets.read(clips), lines.append)
    assert lines[0] == "probing relu6, twin, other on 12 clips"
    assert "twin has the network of relu6, but for its last layer: not probed again" in lines
    assert {probe.name for probe in found.probes} == {"relu6", "other"}


def test_some_clips_of_many_are_of_every_class_and_group() -> None:
    many = [Sample(Path(f"{c}{g}{n}"), c, group=g) for c in "ab" for g in "xyz" for n in range(50)]
    found = choose.some(many, most=12)
    assert len(found) == 12
    assert {(one.label, one.group) for one in found} == {(c, g) for c in "ab" for g in "xyz"}
    assert choose.some(many[:5]) == tuple(many[:5])


def test_features_of_a_clip_are_those_of_its_frames_however_the_batch_is_filled(base: Path) -> None:
    card = cards.load(str(base))
    shown = [RNG.integers(0, 256, (count, card.side_px, card.side_px, 3), np.uint8) for count in (7, 3, 5)]
    trunk = Trunk(card)
    found = trunk.features(shown)
    assert [len(row) for row in found] == [7, 3, 5]
    assert np.allclose(found[1], trunk.features([shown[1]])[0], atol=1e-5)
    own = trunk.layer()
    with torch.inference_mode():
        net = tiny.net(card)
        clip = torch.from_numpy(shown[0][None].transpose(0, 4, 1, 2, 3).astype(np.float32) / 255)
        logits, _ = net.frames(clip, net.init_state(1), card.decay)
    assert np.allclose(found[0] @ own.weight.T + own.bias, logits[0].numpy(), atol=1e-4)


def test_a_folded_network_sees_one_frame_as_a_still_picture(base: Path) -> None:
    """After the fold neighbours change nothing, and a frame has the features of a picture held for long."""
    card = cards.load(str(base))
    one, other = RNG.integers(0, 256, (2, 1, card.side_px, card.side_px, 3), np.uint8)
    held = Trunk(replace(card, memory_s=0.001)).features([np.repeat(one, 60, 0)])[0][-1]
    folded = Trunk(replace(card, memory_s=0.001), is_still=True)
    assert np.allclose(folded.features([one])[0][0], held, atol=1e-3)
    after = folded.features([np.concatenate([other, other, one])])[0][-1]
    assert np.allclose(after, held, atol=1e-3)
    assert not np.allclose(Trunk(card).features([one])[0][0], held, atol=1e-3), "else the fold does nothing"
    assert still.fold(tiny.net(card)) is not None


def test_a_layer_for_other_labels_keeps_the_rows_that_it_has() -> None:
    own = Layer(np.arange(6, dtype=np.float32).reshape(3, 2), np.array([1, 2, 3], np.float32))
    found = own.rows([2, -1, 0])
    assert found.weight.tolist() == [[4, 5], [0, 0], [0, 1]]
    assert found.bias.tolist() == [3, 1, 1], "a row that knows nothing is not on top"


def test_a_layer_learns_from_each_source_and_forgets_neither() -> None:
    """The real clips hold one class only; the generated streams keep the others alive."""
    centres = RNG.normal(0, 2, (3, 30)).astype(np.float32)
    known = Told(
        np.repeat(centres[:2], 200, 0) + RNG.normal(0, 1, (400, 30)).astype(np.float32), np.repeat([0, 1], 200)
    )
    own = Told(centres[2] + RNG.normal(0, 1, (20, 30)).astype(np.float32), np.full(20, 2))
    start = Layer(np.zeros((3, 30), np.float32), np.zeros(3, np.float32))
    found = layer.fit(start, [own, known], steps=400)
    for told in (own, known):
        assert (found(told.features).argmax(1) == told.labels).mean() > 0.9


def test_labels_of_a_taught_card_are_those_it_had_and_the_clips() -> None:
    gestures = cards.load("gestures-a0")
    card = teach.card_of(gestures, "mine", ("swipe left", "thumbs up"), is_only=False)
    assert card.labels == (*LABELS, "thumbs up")
    assert (card.background, card.thresholds) == (LABELS[:2], gestures.thresholds)
    only = teach.card_of(gestures, "mine", ("other motion", "swipe left"), is_only=True)
    assert (only.labels, only.background) == (("other motion", "swipe left"), ("other motion",))


def test_events_and_what_is_quiet_are_counted_apart() -> None:
    told = [
        Verdict("a", ("a",), 0.9),
        Verdict("a", ("a", "b"), 0.9),
        Verdict("none", (), 0.5),
        Verdict("none", ("a",), 0.5),
    ]
    found = measure(told, ["a", "a", "none", "none"], ["1", "2", "1", "2"], ["none"])
    assert (found.right.value, found.told.value, found.quiet.value) == (1.0, 0.5, 0.5)


def test_clips_are_taught_in_one_command_and_the_card_is_right(base: Path, clips: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["teach", str(clips), "--from", str(base), "--runs", str(tmp_path), "--out", "mine", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    figures = found["measured"]["held_out"]
    assert (figures["clips"], figures["recordings"]) == (12, 3)
    assert figures["after"]["right"][0] == 1.0
    assert "before" in figures
    assert found["probes"][0]["balanced_accuracy"] == 1.0
    card = cards.load(found["card"])
    assert card.labels == ("blue", "red")
    samples = datasets.read(clips)
    trunk = Trunk(card)
    shown = choose.look(card, samples)
    assert shown.right.value == 1.0
    assert trunk.layer().weight.shape[0] == 2
    rows = (tmp_path / "mine" / "validation.csv").read_text().splitlines()
    assert rows[0].startswith("path,label,start,end,group,said")
    assert len(rows) == 13


def test_what_is_done_is_said_without_a_terminal_and_ctrl_c_says_what_is_left(
    base: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(teach, "_judge", stop)
    done = CliRunner().invoke(
        main, ["teach", str(clips), "--from", str(base), "--runs", str(tmp_path), "--out", "mine"]
    )
    assert done.exit_code == 130
    lines = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines if line.endswith(": 0 of 12") or ": 0 of 96" in line] == [
        "decoding for relu6",
        "decoding to learn from",
        "generating streams of your clips",
    ]
    assert lines[-1] == "interrupted; no model was written"
    assert all(lines), "no blank lines"


def test_help_names_the_command_as_people_type_it_and_lists_the_others() -> None:
    done = CliRunner().invoke(main, ["--help"], prog_name="stream-train")
    usage = next(line.strip() for line in done.stdout.splitlines() if "Usage" in line)
    assert usage == "Usage: stream-train [OPTIONS] DATA"
    assert "│ record  Record clips" in done.stdout
    assert "│ teach " in done.stdout
    assert "stream-train learn" not in CliRunner().invoke(main, [], prog_name="stream-train").output


def test_a_model_that_is_there_is_not_replaced_unasked(base: Path, clips: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("")
    wanted = teach.Order(data=clips, out=tmp_path / "mine.toml", run=tmp_path / "run", command="", begin=str(base))
    with pytest.raises(UsageError, match="is there already"):
        teach.train(wanted, [].append)
