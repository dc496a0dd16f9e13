"""What every export target must do."""

import hashlib
import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stream import cards, load, rooms, steps
from stream.errors import ExportError, MissingDependency, ModelError, ParityError, UnknownPart
from stream.exporters import _parity, publish
from stream.types import Array, State
from tests import tiny
from tests.exporters.examples import EXAMPLES, REPRODUCIBLE

ASKED = [name for name in os.environ.get("TARGETS", "").split(",") if name]
"""`make test-litert`: these alone, and none of them may be skipped."""


@pytest.fixture(params=ASKED or rooms.names("exporters"))
def target(request: pytest.FixtureRequest) -> str:
    assert request.param in EXAMPLES, f"tests/exporters/examples.py has no example for {request.param!r}"
    try:
        rooms.find("exporters", request.param)
    except MissingDependency as error:
        if ASKED:
            raise
        pytest.skip(str(error))
    return str(request.param)


@pytest.mark.parametrize("name", sorted(tiny.CARDS))
def test_what_is_written_computes_the_same_over_a_run_of_frames(target: str, name: str, tmp_path: Path) -> None:
    card = tiny.card(name)
    clip = np.random.default_rng(1).random((1, 3, 1, card.side_px, card.side_px), np.float32)
    parity = rooms.find("exporters", target).export(tiny.net(card), card, tmp_path / "new" / "model", [clip] * 12)
    print(f"{target} {name}: largest difference of the logits {parity.difference:.2e}")  # noqa: T201  # shown with -s
    assert 0 <= parity.difference <= EXAMPLES[target]
    assert (parity.frames, parity.agreement) == (12, 1.0)
    first, *others = sorted(file.name for file in (tmp_path / "new").iterdir())
    assert (first, [name for name in others if not name.startswith("model.")]) == ("model", [])


def test_the_same_net_gives_the_same_bytes(target: str, tmp_path: Path) -> None:
    card = tiny.card("relu6")
    for name in ("first", "second"):
        rooms.find("exporters", target).export(tiny.net(card), card, tmp_path / name)
    first, second = (tmp_path / name for name in ("first", "second"))
    if target in REPRODUCIBLE:
        assert first.read_bytes() == second.read_bytes()
    else:
        assert first.stat().st_size == second.stat().st_size


def test_a_base_net_is_refused_because_it_has_no_state(target: str, tmp_path: Path) -> None:
    card = tiny.card("relu6", kind="base")
    with pytest.raises(ExportError, match="no state to step"):
        rooms.find("exporters", target).export(tiny.net(card), card, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_net_of_another_card_is_refused(target: str, tmp_path: Path) -> None:
    net = tiny.net(tiny.card("relu6"))
    with pytest.raises(ModelError, match=r"side_px is 64, .* 32"):
        rooms.find("exporters", target).export(net, tiny.card("relu6", side_px=64), tmp_path / "model")


def test_footage_that_the_net_sees_otherwise_is_told(target: str, tmp_path: Path) -> None:
    card, exporter = tiny.card("relu6"), rooms.find("exporters", target)
    net = tiny.net(card)

    def step(image: Array, state: State, decay: float) -> tuple[Array, State]:
        with torch.no_grad():
            logits, after = net(
                torch.from_numpy(image)[:, :, None], {k: torch.from_numpy(v) for k, v in state.items()}, decay
            )
        return logits.numpy(), {k: v.numpy() for k, v in after.items()}

    frame = np.zeros((1, 3, 1, 32, 32), np.float32)
    assert _parity.compare(net, card, step, exporter.BOUND, [frame] * 3).agreement == 1.0
    turned = _parity.Bound(1e9, exporter.BOUND.agreement)
    with pytest.raises(ParityError, match="first labels on footage: largest difference 1, tolerance"):
        _parity.compare(net, card, lambda *given: (-step(*given)[0], step(*given)[1]), turned, [frame] * 3)


def test_publish_leaves_a_card_that_loads_and_whose_file_is_whole(target: str, tmp_path: Path) -> None:
    exporter = rooms.find("exporters", target)
    card = tiny.card("clip", measured={"accuracy": {"value": 0.9, "command": 'say "é"'}}, background=("one",))
    written, parity = publish(tiny.net(card), card, tmp_path, target)
    assert written.read_weights() == (tmp_path / f"clip.{exporter.SUFFIX}").read_bytes()
    assert (parity.difference <= EXAMPLES[target], parity.agreement) == (True, None)
    assert (tmp_path / "clip.toml").exists() == exporter.IS_LOADABLE
    if exporter.IS_LOADABLE:
        loaded = cards.load(str(tmp_path / "clip.toml"))
        assert loaded == written
        assert (loaded.measured, loaded.memory_s, loaded.background) == (card.measured, card.memory_s, card.background)
        clip = np.random.default_rng(0).random((1, 3, 1, 33, 33), np.float32)
        recogniser = load(str(tmp_path / "clip.toml"))
        logits, _ = recogniser.step(clip, recogniser.init_state())
        with torch.no_grad():
            expected, _ = (net := tiny.net(card))(torch.from_numpy(clip), net.init_state(), card.decay)
        assert np.abs(logits - expected.numpy()).max() <= EXAMPLES[target]


def test_beside_the_file_lies_what_a_host_needs_to_know(target: str, tmp_path: Path) -> None:
    card = tiny.card("clip", background=("one",), begin_threshold=0.65)
    net, file = tiny.net(card), f"clip.{rooms.find('exporters', target).SUFFIX}"
    publish(net, card, tmp_path, target)
    found = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert (found["file"], found["sha256"]) == (file, hashlib.sha256((tmp_path / file).read_bytes()).hexdigest())
    assert found["state"] == steps.sources(net.state_shapes())
    assert list(found["inputs"]) == ["image", "decay", *net.state_shapes()]
    assert found["inputs"]["image"] == [1, 3, 33, 33]
    assert set(found["outputs"]) == {"logits"} | (set(found["state"].values()) - set(found["state"]))
    assert (found["labels"], found["background"]) == (list(card.labels), ["one"])
    assert (found["fps"], found["memory_s"], found["decay"]) == (5, 1.5, card.decay)
    assert found["thresholds"] == {**asdict(card.thresholds), "smoothing_s": 0.15, "max_gap_s": 3.0}
    assert found["thresholds"]["begin_threshold"] == 0.65
    assert (found["label_sets"], found["rest_label"], found["label_thresholds"]) == ({}, None, {})
    sets = {"label_sets": {"odd": ("one", "three")}, "label_thresholds": {"odd": {"begin_threshold": 0.3}}}
    publish(net, replace(card, background=(), **sets), tmp_path, target)
    found = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert (found["label_sets"], found["rest_label"]) == ({"odd": [0, 2]}, "other")
    assert found["label_thresholds"] == {"odd": {"begin_threshold": 0.3, "end_threshold": 0.3, "min_duration_s": 0.2}}


def test_publish_refuses_an_unknown_target_and_a_name_that_leaves_the_folder(tmp_path: Path) -> None:
    card = tiny.card("relu6")
    with pytest.raises(UnknownPart, match=r"no export target named 'abacus'; known: .*onnx"):
        publish(tiny.net(card), card, tmp_path, "abacus")
    with pytest.raises(ExportError, match="cannot name a file"):
        publish(tiny.net(card), tiny.card("relu6", name="../model"), tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(target: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    card = tiny.card("relu6")
    with pytest.raises(ExportError, match="cannot write"):
        rooms.find("exporters", target).export(tiny.net(card), card, tmp_path / "file" / "model")
