"""The graphs for phones: nothing in them is left to the processor by the providers of NNAPI and Core ML."""

import logging
from collections import Counter
from pathlib import Path

import onnx
import pytest
from onnx import shape_inference
from onnxruntime.tools.mobile_helpers import usability_checker

from stream import steps
from stream.exporters import _phone, ort
from tests import tiny

DTYPES = ("float32", "float16", "int8")


@pytest.fixture(scope="module", params=DTYPES)
def content(request: pytest.FixtureRequest) -> bytes:
    card = tiny.card("relu6")
    return _phone.encode(tiny.net(card), card, request.param)


@pytest.fixture
def graph(content: bytes) -> onnx.GraphProto:
    return shape_inference.infer_shapes(onnx.load_from_string(content), check_type=True, strict_mode=True).graph


def check(content: bytes, folder: Path, caplog: pytest.LogCaptureFixture) -> str:
    """Return what ONNX Runtime's mobile usability checker says."""
    (folder / "model.onnx").write_bytes(content)
    logger = logging.getLogger("usability")
    with caplog.at_level(logging.INFO, "usability"):
        usability_checker.analyze_model(folder / "model.onnx", logger=logger)
    return caplog.text


def test_accelerators_take_the_whole_graph_in_one_piece(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = check(content, tmp_path, caplog)
    for provider in ("NNAPI", "CoreML NeuralNetwork", "CoreML MLProgram"):
        assert f"{provider} should work well for this model as there is one partition covering 100.0%" in said
    assert said.count("Unsupported nodes due to operator=0") == 3


def test_of_positional_nets_only_the_positions_are_left_to_the_processor(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    card = tiny.card("positional")
    said = check(_phone.encode(tiny.net(card), card, "float32"), tmp_path, caplog)
    found = [line.rpartition("Unsupported ops: ")[2] for line in said.splitlines() if "Unsupported ops" in line]
    allowed = {f"ai.onnx:{kind}" for kind in ("Less", "Where", "Min", "Sin", "Cos")}
    assert len(found) == 3
    assert {kind for kinds in found for kind in kinds.split(",")} <= allowed


def test_every_shape_is_fixed_and_has_at_most_four_dimensions(graph: onnx.GraphProto) -> None:
    values = [*graph.input, *graph.output, *graph.value_info]
    assert {output for node in graph.node for output in node.output} <= {value.name for value in values}
    for value in values:
        sizes = value.type.tensor_type.shape.dim
        assert len(sizes) <= 4
        assert all(size.dim_value > 0 for size in sizes)
    assert {value.type.tensor_type.shape.dim[0].dim_value for value in [*graph.input, *graph.output]} == {1}


def test_only_fresh_tensors_come_out_and_all_goes_in_and_out_as_float32(graph: onnx.GraphProto) -> None:
    takes, gives = ([value.name for value in values] for values in (graph.input, graph.output))
    made = {output for node in graph.node for output in node.output}
    assert set(gives) <= made
    assert set(gives).isdisjoint(takes)
    assert {value.type.tensor_type.elem_type for value in [*graph.input, *graph.output]} == {onnx.TensorProto.FLOAT}


def test_norms_and_scales_are_folded_and_pools_and_counts_stay_float32(graph: onnx.GraphProto) -> None:
    kinds = Counter(node.op_type for node in graph.node)
    assert kinds.keys() <= {
        *(
            "Conv",
            "Add",
            "Mul",
            "Div",
            "Clip",
            "Sigmoid",
            "Concat",
            "GlobalAveragePool",
            "AveragePool",
            "Reshape",
            "Cast",
        )
    }
    packed = {tensor.name for tensor in graph.initializer if tensor.data_type != onnx.TensorProto.FLOAT}
    readers = {node.op_type for node in graph.node if packed & set(node.input)}
    assert readers <= {"Cast", "Reshape"}
    assert not any(steps.NEXT in name or "pool" in name for name in packed)


def test_the_operators_for_a_small_build_are_those_of_the_file(tmp_path: Path) -> None:
    card = tiny.card("relu6")
    ort.export(tiny.net(card), card, tmp_path / "model.ort")
    lines = (tmp_path / "model.ort.required_operators_and_types.config").read_text("utf-8").splitlines()
    assert all(line.startswith("ai.onnx;") for line in lines)
    named = {part.partition("{")[0] for line in lines for part in line.split(";")[2].replace("}},", "}}|").split("|")}
    assert {"Conv", "Clip", "Concat"} <= {name for part in named for name in part.split(",")}
