"""What is imported proves itself, what is pulled is what was meant, and both are then loaded by name."""

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import stream
from stream import cache, cards, intake, proof
from stream.errors import ModelError, ParityError, UsageError
from stream.importers import onnx as onnx_importer
from tests import tiny
from tests.importers import port

ROOT = Path(__file__).parents[1]
PULLED = "movinet-a0-stream-k600"


def quiet(*_: object) -> None:
    pass


pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to import: relu6.onnx, clip.onnx, net.pt (of relu6) and the port's A0 stream."""
    folder = tmp_path_factory.mktemp("made")
    for which in ("relu6", "clip"):
        tiny.write(folder, which)
    torch.save(tiny.net(tiny.card("relu6")).state_dict(), folder / "net.pt")
    torch.save(port.state_dict(port.models()["a0-stream"], 5), folder / "modelA0_stream_statedict_v3")
    return folder


def test_an_onnx_file_comes_back_as_it_was_and_says_how_far_it_is_off(made: Path) -> None:
    card = intake.bring(str(made / "clip.onnx"), intake.Order("mine", {}), quiet)
    assert cards.load("mine") == card
    assert (card.gate, card.labels, card.memory_s, card.side_px) == ("clip", tiny.LABELS, 1.5, 33)
    assert card.measured["import"]["largest_difference"] < 1e-4
    theirs, ours = stream.load(str(made / "clip.toml")), stream.load("mine")
    clip = np.random.default_rng(1).random((1, 3, 4, 33, 33), np.float32)
    assert np.array_equal(theirs.step(clip, theirs.init_state())[0], ours.step(clip, ours.init_state())[0])


def test_the_gate_and_the_activation_are_found_by_comparing(made: Path) -> None:
    reading = onnx_importer.read(str(made / "clip.onnx"), {})
    wrong = tiny.card("clip", gate="relu6", classifier_activation="swish")
    found = proof.prove(wrong, reading, reading.reference, told=())
    assert (found.card.gate, found.card.classifier_activation) == ("clip", "hard_swish")
    assert found.difference < 1e-4


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ("blocks.block1_layer1.expand.conv.weight", "block1_layer1_"),
        ("blocks.block2_layer0.scale", "block2_layer1_"),
        ("classifier.bias", "the head"),
    ],
)
def test_weights_that_compute_something_else_are_refused_and_the_first_layer_is_named(
    changed: str, where: str, made: Path
) -> None:
    reading = onnx_importer.read(str(made / "relu6.onnx"), {})
    other = dataclasses.replace(
        reading, weights=reading.weights | {changed: reading.weights[changed] + np.float32(0.3)}
    )
    with pytest.raises(ParityError, match=rf"first at {where}.*: largest difference .*, tolerance 0\.001"):
        proof.prove(tiny.card("relu6"), other, reading.reference, told=("gate", "classifier_activation"))
    assert cache.names() == ()


def test_a_bare_state_dict_asks_what_it_does_not_tell(made: Path) -> None:
    source = str(made / "net.pt")
    with pytest.raises(UsageError, match=r"5 classes are called: --labels FILE"):
        intake.bring(source, intake.Order("mine", {"gate": "relu6"}), quiet)
    labels = made / "labels.txt"
    labels.write_text("\n".join(tiny.LABELS))
    with pytest.raises(UsageError, match=r"--gate clip .* --gate relu6"):
        intake.bring(source, intake.Order("mine", {}, str(labels)), quiet)
    said = list[str]()
    card = intake.bring(source, intake.Order("mine", {"gate": "relu6", "side_px": 32}, str(labels)), said.append)
    assert "taken as 5 fps, as t0 was published; --fps to say otherwise" in said
    [told] = [line for line in said if line.startswith("memory: endless, ")]
    assert "squeeze-excitation is not known (docs/memory.md); --memory-s to say otherwise" in told
    assert (card.variant, card.labels) == ("t0", tiny.LABELS)
    assert "not compared" in card.measured["import"]["note"]
    (made / "short.txt").write_text("one\ntwo\n")
    with pytest.raises(UsageError, match=r"short\.txt has 2 labels, the network 5: line 3 is missing"):
        intake.bring(source, intake.Order("other", {"gate": "relu6"}, str(made / "short.txt")), quiet)


@pytest.mark.parametrize(("dtype", "share"), [("float16", 0.53), ("int8", 0.3)])
def test_weights_stored_in_less_room_say_what_it_changes(dtype: str, share: float, made: Path) -> None:
    card = intake.bring(str(made / "relu6.onnx"), intake.Order("small", {}, dtype=dtype), quiet)
    assert len(card.read_weights()) < share * (made / "relu6.onnx").stat().st_size
    stored = card.measured["storage"]
    assert 0 < stored["mean_change"] <= stored["largest_change"] < 0.1 * stored["spread_of_logits"]
    whole, small = stream.load(str(made / "relu6.toml")), stream.load("small")
    clip = proof.frames(card)
    seen = np.abs(whole.step(clip, whole.init_state(), 1.0)[0] - small.step(clip, small.init_state(), 1.0)[0]).max()
    assert 0 < seen <= 1.1 * stored["largest_change"]


def carrying(file: Path, **changes: object) -> bytes:
    """Return a model file whose card says something else."""
    model = onnx.load(file)
    [entry] = [entry for entry in model.metadata_props if entry.key == "card"]
    entry.value = cards.dump(dataclasses.replace(cards.load(str(file.with_suffix(".toml"))), **changes))
    return model.SerializeToString()


def test_a_file_that_stores_little_is_stored_as_little(made: Path, tmp_path: Path) -> None:
    small = intake.bring(str(made / "relu6.onnx"), intake.Order("small", {}, dtype="int8"), quiet)
    (tmp_path / "small.onnx").write_bytes(small.read_weights())
    again = intake.bring(str(tmp_path / "small.onnx"), intake.Order("again", {}), quiet)
    assert (again.dtype, again.measured["storage"]["largest_change"]) == ("int8", 0.0)
    wide = intake.Order("wide", {}, dtype="float32")
    assert intake.bring(str(tmp_path / "small.onnx"), wide, quiet).dtype == "float32"


def test_a_step_for_phones_has_no_weights_to_give(made: Path, tmp_path: Path) -> None:
    (tmp_path / "folded.onnx").write_bytes(carrying(made / "relu6.onnx", is_folded=True))
    with pytest.raises(ModelError, match="written for phones"):
        intake.bring(str(tmp_path / "folded.onnx"), intake.Order("mine", {}), quiet)


def test_other_labels_or_another_side_for_a_file_that_tells_its_own(made: Path, tmp_path: Path) -> None:
    (tmp_path / "told.onnx").write_bytes(
        carrying(made / "clip.onnx", background=("one",), mirror_pairs=(("two", "three"),))
    )
    (tmp_path / "own.txt").write_text("a\nb\nthree\ntwo\ne\n")
    said = list[str]()
    order = intake.Order("mine", {}, str(tmp_path / "own.txt"))
    card = intake.bring(str(tmp_path / "told.onnx"), order, said.append)
    assert (card.labels, card.background) == (("a", "b", "three", "two", "e"), ())
    assert card.mirror_pairs == (("two", "three"),)
    assert "no longer background, as the labels are others: one" in said
    with pytest.raises(UsageError, match=r"takes pictures of 33 px, 48 px were asked for"):
        intake.bring(str(made / "clip.onnx"), intake.Order("other", {"side_px": 48}), quiet)


def test_a_gate_that_was_given_to_both_sides_is_not_called_proved(made: Path) -> None:
    reading = onnx_importer.read(str(made / "relu6.onnx"), {})
    assert reading.reference
    bare = dataclasses.replace(reading.reference, is_gate_told=False)
    assert "note" not in proof.prove(tiny.card("relu6"), reading, reading.reference, ("gate",)).told()
    assert "'relu6' was given" in proof.prove(tiny.card("relu6"), reading, bare, ("gate",)).told()["note"]


def test_a_shipped_models_name_is_not_taken(made: Path) -> None:
    with pytest.raises(UsageError, match="ships"):
        intake.bring(str(made / "relu6.onnx"), intake.Order("gestures-a0", {}), quiet)


def test_a_model_that_is_here_is_replaced_only_when_that_is_asked_for(made: Path) -> None:
    intake.bring(str(made / "relu6.onnx"), intake.Order("mine", {}), quiet)
    with pytest.raises(UsageError, match=r"'mine' is here already; accepted: another name, or --force"):
        intake.bring(str(made / "clip.onnx"), intake.Order("mine", {}), quiet)
    assert cards.load("mine").gate == "relu6"
    assert intake.bring(str(made / "clip.onnx"), intake.Order("mine", {}, is_forced=True), quiet).gate == "clip"


def test_a_name_that_pull_brings_is_not_taken_by_something_else(made: Path) -> None:
    with pytest.raises(UsageError, match="stream-models pull"):
        intake.bring(str(made / "relu6.onnx"), intake.Order(PULLED, {}), quiet)


def test_the_port_has_the_gate_that_it_computes_and_no_other(made: Path) -> None:
    with pytest.raises(UsageError, match=r"computes the gate 'clip'; 'relu6' was asked for"):
        intake.bring(
            str(made / "modelA0_stream_statedict_v3"), intake.Order("mine", {"gate": "relu6"}, "kinetics-600"), quiet
        )


def test_a_base_net_runs_on_clips_in_python_and_says_that_it_follows_no_stream(tmp_path: Path) -> None:
    net = tiny.net(tiny.card("relu6", kind="base", gate="sigmoid"))
    torch.save(net.state_dict(), tmp_path / "base.pt")
    (tmp_path / "labels.txt").write_text("\n".join(tiny.LABELS))
    order = intake.Order("whole", {"side_px": 32}, str(tmp_path / "labels.txt"))
    assert intake.bring(str(tmp_path / "base.pt"), order, quiet).kind == "base"
    recogniser = stream.load("whole", runtime="torch")
    clip = np.random.default_rng(0).random((1, 3, 7, 32, 32), np.float32)
    with torch.inference_mode():
        expected = net(torch.from_numpy(clip), {})[0].numpy()
    assert recogniser.step(clip, recogniser.init_state())[0] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(UsageError, match="sees a whole clip at once"):
        recogniser.session()
    with pytest.raises(ModelError, match=r"runtime='torch'"):
        stream.load("whole")
