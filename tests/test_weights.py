"""Weights that do not fit are refused by name."""

import onnx
import pytest
import torch

from stream import weights
from stream.errors import ModelError
from stream.exporters.onnx import encode
from tests import tiny


@pytest.fixture(scope="module")
def content() -> bytes:
    card = tiny.card("relu6")
    return encode(tiny.net(card), card)


def test_a_net_computes_the_same_with_the_weights_read_back(content: bytes) -> None:
    card = tiny.card("relu6")
    ours, theirs = tiny.net(card), tiny.net(card, seed=1)
    weights.load(theirs, weights.read_state_dict(content))
    clip = torch.rand(1, 3, 4, card.side_px, card.side_px, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(ours(clip, ours.init_state())[0], theirs(clip, theirs.init_state())[0])


def test_missing_and_unexpected_names_and_other_shapes_are_told(content: bytes) -> None:
    net, found = tiny.net(tiny.card("relu6")), weights.read_state_dict(content)
    with pytest.raises(ModelError, match=r"misses: classifier.bias$"):
        weights.load(net, {name: value for name, value in found.items() if name != "classifier.bias"})
    with pytest.raises(ModelError, match=r"has unexpected: a; b; c and 1 more"):
        weights.load(net, found | {name: torch.zeros(1) for name in "abcd"})
    with pytest.raises(ModelError, match=r"classifier.bias \(7,\), the net's is \(5,\)"):
        weights.load(net, found | {"classifier.bias": torch.zeros(7)})


def test_what_is_not_onnx_is_refused() -> None:
    with pytest.raises(ModelError, match="not an ONNX file"):
        weights.read_state_dict(b"\xff" * 40)


def test_weights_outside_the_file_are_refused(content: bytes) -> None:
    model = onnx.load_from_string(content)
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    with pytest.raises(ModelError, match="lies outside the file"):
        weights.read_state_dict(model.SerializeToString())
