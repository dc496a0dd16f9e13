"""What only the fused engine does: any width, every level, its own state, and clear words where it was not built."""

import ctypes.util
import hashlib
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stream import storage, weights
from stream.cards import Card
from stream.errors import MissingDependency, ModelError, NotBuilt, ShapeError, UnknownPart
from stream.exporters import publish
from stream.nets import _movinet_specs as specs
from stream.nets._movinet_specs import K13, K15, K33, K53, NetSpec, StageSpec
from stream.runtimes import _fused_library as native
from stream.runtimes import base, fused
from stream.types import Array, State
from tests import tiny
from tests.fuzz.mutate import mutated

pytestmark = pytest.mark.skipif(not native.LIBRARY.exists(), reason="the fused engine was not built: no C++ compiler")

ODD = NetSpec(
    5,
    (
        StageSpec(7, (9, 17), (K15, K33)),
        StageSpec(13, (26, 41), (K53, K33)),
        StageSpec(13, (30, 33), (K33, K13), stride=1),
        StageSpec(19, (50, 31), ((5, 5), K15)),
    ),
    project_filters=21,
    head_filters=35,
    is_positional=True,
)
"""Widths that fit no vector, and a kernel no member has: five frames of five pixels."""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Card:
    return tiny.write(tmp_path_factory.mktemp("models"), "relu6")


def clip_of(card: Card, frames: int, batch: int = 1, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((batch, 3, frames, card.side_px, card.side_px), np.float32)


def differences(state: State, expected: State) -> float:
    return max(float(np.abs(state[name] - expected[name]).max()) for name in expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"gate": "relu6"},
        {"gate": "clip", "activation": "relu6"},
        {"gate": "sigmoid"},
        {"se_type": "none", "activation": "relu6", "classifier_activation": "relu6"},
        {"se_type": "none"},
    ],
    ids=lambda changes: " ".join(changes.values()),
)
@pytest.mark.parametrize("side", [32, 33, 35, 61])
def test_a_net_of_any_widths_and_side_computes_as_pytorch_does_at_every_level(
    side: int, changes: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(specs.SPECS, "odd", ODD)
    net = tiny.net(tiny.card("positional", variant="odd", side_px=side, **changes))
    card, _ = publish(net, net.card, tmp_path)
    clip, decay = clip_of(card, 7, batch=2), np.array([1.0, 0.6], np.float32)
    with torch.no_grad():
        expected, after = net(torch.from_numpy(clip), net.init_state(2), torch.from_numpy(decay))
    for level in native.levels():
        runtime = fused.build(card, level=level)
        state = runtime.init_state(2)
        for frames in (clip[:, :, :3], clip[:, :, 3:4], clip[:, :, 4:]):
            logits, state = runtime.step(frames, state, decay)
        assert np.abs(logits - expected.numpy()).max() <= 1e-4, level
        assert differences(state, {name: value.numpy() for name, value in after.items()}) <= 1e-4, level


def test_the_level_is_said_and_one_that_is_not_there_is_refused(card: Card) -> None:
    assert native.levels()[-1] == "plain"
    assert fused.build(card).name == f"fused {native.levels()[0]}"
    assert fused.build(card, level="plain").name == "fused plain"
    with pytest.raises(MemoryError, match=r"no level 'abacus'; this processor has .*plain"):
        fused.build(card, level="abacus")


def test_a_clip_that_lies_strangely_in_memory_is_the_same_clip(card: Card) -> None:
    runtime, clip = fused.build(card), clip_of(card, 4, batch=2)
    expected, _ = runtime.step(clip, runtime.init_state(2))
    last_first = np.asfortranarray(clip)
    longer = np.repeat(clip, 2, axis=2)[:, :, ::2]
    backwards = clip[:, :, ::-1, ::-1].copy()[:, :, ::-1, ::-1]
    for strange in (last_first, longer, backwards):
        assert not strange.flags.c_contiguous
        assert np.array_equal(runtime.step(strange, runtime.init_state(2))[0], expected)


def test_a_state_goes_to_another_engine_and_comes_back(card: Card) -> None:
    from stream.runtimes.onnxruntime import build

    ours, theirs, clip = fused.build(card), build(card), clip_of(card, 9)
    _, expected = theirs.step(clip, theirs.init_state())
    _, state = ours.step(clip[:, :, :4], ours.init_state())
    _, state = theirs.step(clip[:, :, 4:6], state)
    _, state = ours.step(clip[:, :, 6:], state)
    assert differences(state, expected) <= 1e-4


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_weights_stored_in_less_room_are_widened_as_onnx_runtime_widens_them(dtype: str, tmp_path: Path) -> None:
    from stream.runtimes.onnxruntime import build

    card = tiny.card("relu6", dtype=dtype)
    net = tiny.net(card)
    kept = {name: value.numpy() for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    packed = {name: storage.unpack(*storage.pack(name, value, dtype)) for name, value in kept.items()}
    weights.load(net, {name: torch.from_numpy(value) for name, value in packed.items()})
    card, _ = publish(net, card, tmp_path)
    ours, theirs, clip = fused.build(card), build(card), clip_of(card, 5)
    assert np.abs(ours.step(clip, ours.init_state())[0] - theirs.step(clip, theirs.init_state())[0]).max() <= 1e-4


def test_a_state_of_its_own_is_a_mapping_whose_arrays_are_copies(card: Card) -> None:
    runtime = fused.build(card)
    _, state = runtime.step(clip_of(card, 2), runtime.init_state())
    name = next(iter(state))
    state[name][...] = 7.0
    assert not (state[name] == 7.0).any()
    assert len(state) == len(list(state)) == len(specs.find(card.variant).state_shapes(card.side_px))
    with pytest.raises(KeyError, match="nothing"):
        state["nothing"]


def test_a_state_of_another_model_of_this_engine_is_refused(card: Card, tmp_path: Path) -> None:
    other = fused.build(tiny.write(tmp_path, "clip"))
    with pytest.raises(ShapeError, match="for this clip"):
        fused.build(card).step(clip_of(card, 1), other.init_state())


def test_weights_that_do_not_fit_are_refused_by_name(card: Card) -> None:
    from stream.onnxfile import OnnxFile
    from stream.runtimes._fused_weights import Folder, Layout

    found = OnnxFile(card.read_weights()).weights()
    spec = specs.find(card.variant)
    layout = Layout.of(spec.state_shapes(card.side_px))
    missing = {name: value for name, value in found.items() if name != "dense.bias"}
    with pytest.raises(ModelError, match=r"misses: dense\.bias"):
        Folder(card, spec, missing, layout).net()
    with pytest.raises(ModelError, match=r"wrong shape of dense.bias \(3,\), the net's is \(1024,\)"):
        Folder(card, spec, found | {"dense.bias": np.zeros(3, np.float32)}, layout).net()
    with pytest.raises(ModelError, match="unexpected: spare"):
        Folder(card, spec, found | {"spare": np.zeros(3, np.float32)}, layout).net()


def test_what_it_cannot_run_is_refused() -> None:
    with pytest.raises(ModelError, match="runs movinet stream, not movinet base"):
        fused.build(tiny.card("relu6", kind="base"))
    with pytest.raises(ModelError, match="runs movinet stream, not resnet stream"):
        fused.build(tiny.card("relu6", architecture="resnet"))
    smooth = tiny.card("relu6", activation="swish")
    with pytest.raises(ModelError, match="activation is swish; the engine 'fused' takes hard_swish, relu6"):
        fused.build(smooth)
    assert not fused.can_run(smooth)
    with pytest.raises(UnknownPart, match="no MoViNet variant named 'a9'"):
        specs.find("a9")


def test_where_it_was_not_built_it_says_what_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, card: Card) -> None:
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "none.so")
    native.library.cache_clear()
    try:
        with pytest.raises(NotBuilt, match=r"engine 'fused' cannot run: its library was not built.*install a wheel"):
            fused.build(card)
        (tmp_path / "none.so").write_text("not a library")
        with pytest.raises(MissingDependency, match="cannot be loaded"):
            fused.build(card)
        monkeypatch.setattr(native, "LIBRARY", Path(ctypes.util.find_library("m") or "libm.so.6"))
        with pytest.raises(NotBuilt, match="was built from other sources"):
            fused.build(card)
        monkeypatch.undo()
        native.library.cache_clear()
        monkeypatch.setattr(native, "Clip", native.Block)  # as if its layout had changed since
        with pytest.raises(NotBuilt, match="was built from other sources"):
            fused.build(card)
    finally:
        native.library.cache_clear()


def test_it_needs_neither_torch_nor_onnx_nor_onnxruntime(card: Card) -> None:
    program = f"""
import sys
sys.modules["torch"] = sys.modules["onnx"] = sys.modules["onnxruntime"] = None
from stream import cards
from stream.runtimes.fused import build
build(cards.load({str(card.path)!r})).stepper().reset()
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_it_offers_a_state_that_is_advanced_in_place(card: Card) -> None:
    assert isinstance(fused.build(card), base.InPlace)


def test_models_made_to_harm_are_refused_or_run(card: Card) -> None:
    rng = random.Random(0)
    good = card.read_weights()
    changes = [{}, {"side_px": 1024}, {"side_px": 33}, {"trained_frames": 1}, {"trained_frames": 100_000}]
    changes += [{"memory_s": 0.001}, {"labels": tuple(map(str, range(2)))}, {"se_type": "none"}, {"gate": "sigmoid"}]
    changes += [{"variant": "a0"}, {"variant": "a3"}, {"activation": "relu6"}, {"classifier_activation": "relu6"}]
    ran = 0
    for number in range(60):
        content = good if number < len(changes) else mutated([good], rng) if number % 2 else _flipped(good, rng)
        folder = card.path.parent / f"harm{number}"
        folder.mkdir()
        (folder / "x.onnx").write_bytes(content)
        named = {"weights": "x.onnx", "sha256": hashlib.sha256(content).hexdigest(), "path": folder / "x.toml"}
        try:
            engine = fused.build(replace(card, **named, **changes[number % len(changes)]))
        except ModelError:
            continue
        with np.errstate(all="ignore"):
            side = engine.card.side_px
            engine.step(np.zeros((1, 3, 2, side, side), np.float32), engine.init_state(1))
        ran += 1
    assert ran, "the unharmed model runs"


def _flipped(data: bytes, rng: random.Random) -> bytes:
    """Return a file with bits of its numbers turned: NaN, infinities and denormals among them."""
    changed = bytearray(data)
    for _ in range(200):
        changed[rng.randrange(len(changed) // 4, len(changed))] = rng.choice((0, 0x7F, 0x80, 0xFF))
    return bytes(changed)
