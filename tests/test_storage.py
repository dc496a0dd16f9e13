"""Weights in less room: smaller files that the engine widens once, and that read back as they were stored."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from stream import cards, storage, weights
from stream.errors import ModelError
from stream.exporters import publish
from stream.nets.movinet import MoViNet
from stream.runtimes import onnxruntime as engine
from tests import tiny

SHARE = {"float16": 0.53, "int8": 0.3}
"""Largest share of the float32 file's size: kernels are nearly all of it."""


def rounded(dtype: str) -> tuple[MoViNet, cards.Card]:
    """A net whose weights are what is left of them once stored."""
    card = tiny.card("relu6", dtype=dtype)
    net = tiny.net(card)
    kept = {name: value for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    packed = {name: storage.pack(name, value.numpy(), dtype) for name, value in kept.items()}
    weights.load(net, {name: torch.from_numpy(storage.unpack(*pair)) for name, pair in packed.items()})
    return net, card


@pytest.mark.parametrize("dtype", SHARE)
def test_a_file_is_that_much_smaller_runs_and_reads_back_as_it_was_stored(dtype: str, tmp_path: Path) -> None:
    net, card = rounded(dtype)
    whole, _ = publish(net, replace(card, dtype="float32", name="whole"), tmp_path)
    small, parity = publish(net, card, tmp_path)
    assert len(small.read_weights()) < SHARE[dtype] * len(whole.read_weights())
    assert parity.difference < 1e-4, "the engine computes with the weights that were stored"
    for name, value in weights.read_state_dict(small.read_weights()).items():
        torch.testing.assert_close(value, net.state_dict()[name], rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", SHARE)
def test_the_engine_widens_weights_once_and_not_at_every_step(
    dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, card = rounded(dtype)
    small, _ = publish(net, card, tmp_path)
    optimised = tmp_path / "optimised.onnx"

    def keep(content: bytes, options: onnxruntime.SessionOptions, providers: list[str]) -> object:
        options.optimized_model_filepath = str(optimised)
        return session(content, options, providers)

    session = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", keep)
    engine.build(small)
    import onnx

    kinds = {node.op_type for node in onnx.load(optimised).graph.node}
    assert "Conv" in kinds or "FusedConv" in kinds
    assert not kinds & {"Cast", "DequantizeLinear"}


def test_int8_is_off_by_half_a_step_of_its_channel_at_most() -> None:
    value = np.random.default_rng(0).normal(size=(8, 4, 3, 3)).astype(np.float32) * np.arange(8).reshape(8, 1, 1, 1)
    packed, factor = storage.pack("w", value, "int8")
    assert (packed.dtype, factor.shape) == (np.int8, (8,))
    wide = storage.unpack(packed, factor)
    assert (np.abs(wide - value) <= 0.5001 * factor.reshape(8, 1, 1, 1)).all()
    assert not wide[0].any(), "a channel of zeros stays one"


def test_what_has_no_kernel_stays_as_it_is() -> None:
    for value in (np.float32([1.2345678]), np.ones((3, 1, 1), np.float32), np.float32(0.1)):
        packed, factor = storage.pack("norm", np.asarray(value), "int8")
        assert (packed.dtype, factor) == (np.float32, None)


def test_a_weight_beyond_float16_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match=r"'stem\.conv\.weight' reaches 7e\+04, beyond float16"):
        storage.pack("stem.conv.weight", np.full((1, 1, 1, 1), 7e4, np.float32), "float16")
