"""An ONNX graph under construction: values are names, parameters keep theirs, everything else is counted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from stream import storage

OPSET, IR_VERSION = 17, 8
"""What ONNX Runtime reads since 1.12, on servers and phones alike."""

Size = Sequence[int | str]


class Graph:
    """Collects nodes in the order of the computation; the same calls give the same bytes."""

    def __init__(self, dtype: str = "float32") -> None:
        self._dtype = dtype  # how parameters are stored, see `stream/storage.py`
        self._nodes: list[onnx.NodeProto] = []
        self._parameters: dict[str, onnx.TensorProto] = {}
        self._constants: dict[bytes, str] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def take(self, name: str, size: Size) -> str:
        """Declare a float32 input."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, size))
        return name

    def give(self, value: str, name: str, size: Size) -> str:
        """Declare the value made last as a float32 output of that name."""
        if self._nodes[-1].output[0] != value:
            raise AssertionError(f"{value} is not the newest value")
        self._nodes[-1].output[0] = name
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, size))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return its value."""
        value = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [value], value, **attributes))
        return value

    def parameter(self, name: str, value: npt.ArrayLike) -> str:
        """Add a weight under its own name and with its own values; where it is stored in less room, widen it."""
        values, factor = storage.pack(name, np.array(value, np.float32, order="C"), self._dtype)
        self._parameters[name] = numpy_helper.from_array(values, name)
        return name if values.dtype == np.float32 else self.widen(name, factor)

    def widen(self, name: str, factor: storage.Values | None) -> str:
        """Turn a packed weight into float32; `factor`, (C,), is int8's."""
        if factor is None:
            return self.node("Cast", name, to=TensorProto.FLOAT)
        self._parameters[name + storage.FACTOR] = numpy_helper.from_array(factor, name + storage.FACTOR)
        return self.node("DequantizeLinear", name, name + storage.FACTOR, axis=0)

    def constant(self, values: npt.ArrayLike) -> str:
        """Add numbers that are not weights: as a node, so that the initialisers are the weights and nothing else."""
        tensor = numpy_helper.from_array(np.asarray(values))
        key = tensor.SerializeToString(deterministic=True)
        if key not in self._constants:
            self._constants[key] = self.node("Constant", value=tensor)
        return self._constants[key]

    def model(self, name: str, metadata: dict[str, str]) -> onnx.ModelProto:
        """Return the checked model.

        Raises:
            onnx.checker.ValidationError: the graph is not valid ONNX.
        """
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, list(self._parameters.values()))
        imports = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION, producer_name="movinet-stream")
        model.producer_version = "1"
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model
