"""A model file is read as the onnx package reads it, and a damaged one is refused."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from stream.errors import ModelError
from stream.exporters.onnx import encode
from stream.onnxfile import OnnxFile
from tests import tiny


@pytest.fixture(scope="module")
def content() -> bytes:
    card = tiny.card("relu6")
    return encode(tiny.net(card), card)


def with_weight(**changes: object) -> bytes:
    tensor = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(2, 3), "weight")
    for name, value in changes.items():
        setattr(tensor, name, value)
    return helper.make_model(helper.make_graph([], "net", [], [], [tensor])).SerializeToString()


def test_weights_and_metadata_are_those_that_onnx_reads(content: bytes) -> None:
    model, found = onnx.load_from_string(content), OnnxFile(content)
    assert found.metadata == {entry.key: entry.value for entry in model.metadata_props}
    weights = found.weights()
    assert weights.keys() == {tensor.name for tensor in model.graph.initializer}
    for tensor in model.graph.initializer:
        expected = numpy_helper.to_array(tensor)
        assert weights[tensor.name].shape == expected.shape
        assert weights[tensor.name].tobytes() == expected.tobytes()


def test_numbers_that_are_not_written_raw_are_read_too() -> None:
    tensor = helper.make_tensor("weight", TensorProto.FLOAT, (2, 2), [1.0, 2.0, 3.0, 4.0])
    content = helper.make_model(helper.make_graph([], "net", [], [], [tensor])).SerializeToString()
    assert OnnxFile(content).weights()["weight"].tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_weight_of_another_size_or_type_is_refused() -> None:
    with pytest.raises(ModelError, match=r"'weight' has 5 numbers for a shape of \(2, 3\)"):
        OnnxFile(with_weight(raw_data=b"\0" * 20)).weights()
    with pytest.raises(ModelError, match="'weight' has ONNX type 7; accepted: float32"):
        OnnxFile(with_weight(data_type=TensorProto.INT64)).weights()
    with pytest.raises(ModelError, match="'weight' has 21 bytes"):
        OnnxFile(with_weight(raw_data=b"\0" * 21)).weights()


def test_packed_weights_are_widened_and_their_factors_have_to_fit() -> None:
    packed = numpy_helper.from_array(np.array([[2, -4], [6, 8]], np.int8), "weight")

    def file(factor: list[float]) -> bytes:
        factors = numpy_helper.from_array(np.array(factor, np.float32), "weight/factor")
        return helper.make_model(helper.make_graph([], "net", [], [], [packed, factors])).SerializeToString()

    assert OnnxFile(file([0.5, 2.0])).weights()["weight"].tolist() == [[1.0, -2.0], [12.0, 16.0]]
    with pytest.raises(ModelError, match=r"'weight' is \(2, 2\), its factors are \(3,\)"):
        OnnxFile(file([1.0, 2.0, 3.0])).weights()


@given(st.data())
def test_a_damaged_file_is_refused_or_read_and_never_anything_else(content: bytes, data: st.DataObject) -> None:
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    try:
        OnnxFile(bytes(damaged[:cut])).weights()
    except ModelError as error:
        assert "weight" in str(error)
