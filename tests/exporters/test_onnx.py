"""The ONNX graph itself: what phones need of it."""

import json
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from onnx import shape_inference

from stream import cards, steps
from stream.errors import ParityError
from stream.exporters import onnx as exporter
from stream.exporters.base import Bound
from stream.weights import read_state_dict
from tests import tiny


@pytest.fixture(scope="module", params=sorted(tiny.CARDS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def content(name: str) -> bytes:
    card = tiny.card(name)
    return exporter.encode(tiny.net(card), card)


@pytest.fixture(scope="module")
def graph(content: bytes) -> onnx.GraphProto:
    return shape_inference.infer_shapes(onnx.load_from_string(content), check_type=True, strict_mode=True).graph


def test_no_value_has_more_than_four_dimensions(graph: onnx.GraphProto) -> None:
    values = [*graph.input, *graph.output, *graph.value_info]
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in values}
    ranks |= {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    assert {output for node in graph.node for output in node.output} <= ranks.keys()
    assert max(ranks.values()) == 4


def test_stream_buffers_are_only_multiplied(graph: onnx.GraphProto) -> None:
    readers = {node.op_type for node in graph.node if any(steps.BUFFER in name for name in node.input)}
    assert readers == {"Mul"}
    kinds = {node.op_type for node in graph.node}
    assert kinds.isdisjoint({"Slice", "Reshape", "Pad", "Split", "Gather", "Transpose", "Shape", "Expand"})


def test_every_output_is_fresh_and_named_by_a_prefix_on_what_it_becomes(graph: onnx.GraphProto, name: str) -> None:
    takes, gives = [value.name for value in graph.input], [value.name for value in graph.output]
    states = [name for name in takes if name not in (steps.IMAGE, steps.DECAY)]
    assert states == list(tiny.net(tiny.card(name)).state_shapes())
    made = {output for node in graph.node for output in node.output}
    assert set(gives) <= made
    assert set(gives) == {steps.LOGITS, *(source for source in steps.sources(states).values() if source not in states)}
    assert all(value.startswith(steps.NEXT) for value in set(gives) - {steps.LOGITS})


def test_a_buffer_is_shifted_by_renaming_older_from_newer() -> None:
    names = [f"block0_layer0_stream_buffer_{age}" for age in range(4)] + ["block0_layer0_pool_buffer"]
    assert list(steps.sources(names).values()) == [*names[1:4], "next_" + names[3], "next_" + names[4]]


def test_no_state_name_is_the_beginning_of_another(graph: onnx.GraphProto) -> None:
    names = sorted(value.name for value in graph.input)
    assert [(a, b) for a, b in pairwise(names) if b.startswith(a)] == []


def test_the_number_of_streams_is_free_everywhere(graph: onnx.GraphProto) -> None:
    for value in [*graph.input, *graph.output]:
        first, *rest = value.type.tensor_type.shape.dim
        assert first.dim_param == "B"
        assert all(size.dim_value > 0 for size in rest)


def test_the_file_says_all_that_a_host_needs_to_step_it(content: bytes, name: str) -> None:
    found = {item.key: item.value for item in onnx.load_from_string(content).metadata_props}
    assert found["format"] == steps.FORMAT
    card = tiny.card(name)
    assert cards.parse(tomllib.loads(found["card"])) == steps.embedded(card)
    assert json.loads(found["labels"]) == list(card.labels)
    assert json.loads(found["state"]) == steps.sources(tiny.net(card).state_shapes())
    assert float(found["decay"]) == card.decay


def test_the_weights_come_back_bit_for_bit(content: bytes, name: str) -> None:
    expected = tiny.net(tiny.card(name)).state_dict()
    found = read_state_dict(content)
    assert found.keys() == {key for key in expected if not key.endswith("num_batches_tracked")}
    assert [key for key, value in found.items() if not torch.equal(value, expected[key])] == []


def test_norms_and_scales_are_folded_when_the_file_is_loaded(content: bytes, name: str, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(tmp_path / "folded.onnx"), 3
    onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "folded.onnx").graph.node)
    folded = {"BatchNormalization", "Sqrt", "Sub", "Unsqueeze", "Constant", "Pad"}
    assert kinds.keys().isdisjoint(folded)
    net = tiny.net(tiny.card(name))
    pools = sum(state.endswith("pool_buffer") for state in net.state_shapes())
    assert kinds["Div"] == pools  # one mean for each pool: no spread of a norm is computed again


def test_a_net_that_computes_something_else_is_told_by_how_much() -> None:
    card = tiny.card("relu6")
    content = exporter.encode(tiny.net(card), card)
    with pytest.raises(ParityError, match=r"logits: largest difference .*, tolerance 0\.0002"):
        exporter.compare(tiny.net(card, seed=1), card, content)


def test_what_does_not_agree_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "BOUND", Bound(-1.0))
    card = tiny.card("relu6")
    with pytest.raises(ParityError):
        exporter.export(tiny.net(card), card, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_large_logits_are_compared_in_proportion_to_their_size() -> None:
    card = tiny.card("relu6")
    net = tiny.net(card)
    content = exporter.encode(net, card)
    with torch.no_grad():
        net.classifier.bias.add_(5e-4)
    with pytest.raises(ParityError, match="logits"):
        exporter.compare(net, card, content)
    with torch.no_grad():
        net.classifier.bias.add_(1000)
    large = exporter.encode(net, card)
    with torch.no_grad():
        net.classifier.bias.add_(5e-4)
    assert exporter.compare(net, card, large).difference > 1e-4
