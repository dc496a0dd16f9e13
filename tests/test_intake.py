"""What is imported proves itself, what is pulled is what was meant, and both are then loaded by name."""

import dataclasses
import functools
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

import stream
from stream import cache, cards, catalogue, intake, proof
from stream.downloads import git_blob
from stream.errors import DownloadError, ModelError, ParityError, UnknownPart, UsageError
from stream.importers import onnx as onnx_importer
from tests import tiny
from tests.importers import port

ROOT = Path(__file__).parents[1]
PULLED = "movinet-a0-stream-k600"


def quiet(*_: object) -> None:
    pass


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STREAM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to import: relu6.onnx, clip.onnx, net.pt (of relu6) and the port's A0 stream."""
    folder = tmp_path_factory.mktemp("made")
    for which in ("relu6", "clip"):
        tiny.write(folder, which)
    torch.save(tiny.net(tiny.card("relu6")).state_dict(), folder / "net.pt")
    torch.save(port.state_dict(port.models()["a0-stream"]), folder / "modelA0_stream_statedict_v3")
    return folder


@pytest.fixture
def catalogued(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address that serves the port's file, whose id the catalogue knows; the real one cannot be had here."""
    entry = dataclasses.replace(catalogue.ENTRIES[PULLED], git_blob=git_blob(made / "modelA0_stream_statedict_v3"))
    monkeypatch.setitem(catalogue.ENTRIES, PULLED, entry)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(made))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}/modelA0_stream_statedict_v3"
        http.shutdown()


def pull(**changes: object) -> cards.Card:
    return intake.pull(PULLED, **({"progress": quiet, "say": quiet} | changes))


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
    card = intake.bring(source, intake.Order("mine", {"gate": "relu6", "side_px": 32}, str(labels)), quiet)
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


@pytest.mark.parametrize("harm", ["weights", "card"])
def test_what_is_damaged_here_is_pulled_again(harm: str, catalogued: str) -> None:
    card, said = pull(address=catalogued), list[str]()
    assert card.path
    target = card.path if harm == "card" else card.path.parent / card.weights
    target.write_bytes(b"[" + target.read_bytes()[1:])
    again = pull(address=catalogued, say=said.append)
    assert any("it is brought again" in line for line in said)
    assert again.read_weights() == cards.load(PULLED).read_weights()


def test_an_ensemble_has_no_file_to_give_by_hand(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the mean of movinet-a4-stream-k600 and movinet-a5-stream-k600; pull these"):
        intake.pull("movinet-a6-stream-k600", file=tmp_path / "a6", progress=quiet, say=quiet)


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


def test_a_pulled_model_is_loaded_by_its_name_and_what_was_fetched_is_gone(catalogued: str, home: Path) -> None:
    card = pull(address=catalogued)
    assert (card.gate, card.side_px, card.fps, card.labels[409], card.licence) == (
        "clip",
        172,
        5.0,
        "riding a bike",
        "MIT",
    )
    assert "not compared; the gate 'clip'" in card.measured["import"]["note"]
    assert cards.load(PULLED).read_weights()
    assert not list((home / "downloads").glob("*.part"))
    said: list[str] = []
    assert pull(address="http://127.0.0.1:9/", say=said.append) == card, "what is here is not fetched again"
    assert said == [f"{PULLED} is here already"]


def test_a_file_brought_by_hand_passes_the_same_check(catalogued: str, made: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes((made / "modelA0_stream_statedict_v3").read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="is expected: refused, and nothing was changed"):
        pull(file=wrong)
    assert wrong.exists()
    assert cache.names() == ()
    assert pull(file=made / "modelA0_stream_statedict_v3").name == PULLED


def test_another_file_at_the_address_is_refused_and_nothing_is_loaded(catalogued: str) -> None:
    with pytest.raises(DownloadError, match="is expected: refused"):
        pull(address=catalogued.replace("modelA0_stream_statedict_v3", "net.pt"))
    assert cache.names() == ()


def test_two_processes_that_pull_the_same_model_both_have_it(catalogued: str, home: Path) -> None:
    entry = catalogue.ENTRIES[PULLED]
    code = (
        "import dataclasses\nfrom stream import catalogue, intake\n"
        f"name, nothing = {PULLED!r}, lambda *_: None\n"
        f"catalogue.ENTRIES[name] = dataclasses.replace(catalogue.ENTRIES[name], git_blob={entry.git_blob!r})\n"
        f"print(intake.pull(name, address={catalogued!r}, progress=nothing, say=nothing).sha256)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    said = [process.communicate(timeout=280)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said == [cards.load(PULLED).sha256] * 2


def test_an_unknown_model_to_pull_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownPart, match=f"no model to pull named 'a9'; known: .*{PULLED}"):
        intake.pull("a9", progress=quiet, say=quiet)
