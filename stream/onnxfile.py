"""Reads an ONNX file's weights and metadata with protobuf alone: a serving install has no `onnx` package.

Only the fields of onnx.proto3 that are named here are decoded; https://github.com/onnx/onnx, Apache-2.0.
"""

from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from stream import storage
from stream.errors import ModelError

EXTERNAL = 1
"""`TensorProto.DataLocation.EXTERNAL`."""

OWN = ("", "ai.onnx")
"""What ONNX calls its own domain; an operator of another one is somebody's code."""

TYPES = {1: "<f4", 3: "<i1", 10: "<f2"}
"""`TensorProto.DataType` -> how a number of it lies in the file; the three that `stream/storage.py` writes."""

MESSAGES = {
    "Entry": (("key", 1, "string"), ("value", 2, "string")),
    "Tensor": (
        *(("dims", 1, "int64*"), ("data_type", 2, "int32"), ("float_data", 4, "float*"), ("name", 8, "string")),
        *(("raw_data", 9, "bytes"), ("external_data", 13, "Entry*"), ("data_location", 14, "int32")),
    ),
    "Node": (("op_type", 4, "string"), ("domain", 7, "string")),
    "Graph": (("node", 1, "Node*"), ("initializer", 5, "Tensor*")),
    "Model": (("graph", 7, "Graph"), ("metadata_props", 14, "Entry*")),
}
"""Message -> its fields: name, number, type; a star stands for many."""


class OnnxFile:
    """What a model file holds besides its graph."""

    def __init__(self, content: bytes) -> None:
        """Decode the file.

        Raises:
            ModelError: it is not an ONNX file.
        """
        try:
            self._model = _message("Model").FromString(content)
        except DecodeError as error:
            raise ModelError(f"the weights are not an ONNX file: {error}") from error

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says of itself."""
        return {entry.key: entry.value for entry in self._model.metadata_props}

    def check(self, operators: Collection[str]) -> None:
        """Refuse what could run for ever, take any amount of memory, or read another file.

        Args:
            operators: of ONNX's own, those that the graph may have.

        Raises:
            ModelError: it has another one, or a weight lies outside the file; names it.
        """
        for node in self._model.graph.node:
            if node.domain not in OWN or node.op_type not in operators:
                name = f"{node.domain}.{node.op_type}".removeprefix(".")
                raise ModelError(
                    f"its graph has a {name}, which no step needs: refused; accepted: {_listed(operators)}"
                )
        for tensor in self._model.graph.initializer:
            _check_inside(tensor)

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the initialisers as float32, bit for bit as they were exported where they are stored so.

        Raises:
            ModelError: a weight lies outside the file, is of another type, or has another size than it says; names it.
        """
        found = {tensor.name: _array(tensor) for tensor in self._model.graph.initializer}
        names = (name for name in found if not name.endswith(storage.FACTOR))
        return {name: _unpack(name, found[name], found.get(name + storage.FACTOR)) for name in names}


def _unpack(name: str, values: storage.Values, factor: storage.Values | None) -> npt.NDArray[np.float32]:
    if factor is not None and factor.shape != values.shape[:1]:
        raise ModelError(f"the weight {name!r} is {values.shape}, its factors are {factor.shape}")
    return storage.unpack(values, factor)


def _listed(operators: Collection[str]) -> str:
    return ", ".join(sorted(operators))


def _check_inside(tensor: Any) -> None:
    if tensor.data_location == EXTERNAL or tensor.external_data:
        raise ModelError(f"the weight {tensor.name!r} lies outside the file: refused")


def _array(tensor: Any) -> storage.Values:
    _check_inside(tensor)
    if tensor.data_type not in TYPES:
        known = "float32 (1), int8 (3), float16 (10)"
        raise ModelError(f"the weight {tensor.name!r} has ONNX type {tensor.data_type}; accepted: {known}")
    kind = np.dtype(TYPES[tensor.data_type])
    if len(tensor.raw_data) % kind.itemsize:
        raise ModelError(
            f"the weight {tensor.name!r} has {len(tensor.raw_data)} bytes, not a multiple of {kind.itemsize}"
        )
    values = np.frombuffer(tensor.raw_data, kind) if tensor.raw_data else np.array(tensor.float_data, np.float32)
    shape = tuple(tensor.dims)
    if any(size < 0 for size in shape) or values.size != np.prod(shape, dtype=np.float64):
        raise ModelError(f"the weight {tensor.name!r} has {values.size} numbers for a shape of {shape}")
    return values.reshape(shape)


@cache
def _message(name: str) -> Any:
    """Return the class of a message, made from the table above in a pool of its own."""
    file = descriptor_pb2.FileDescriptorProto(name="stream/onnxfile.proto", package="stream.onnxfile", syntax="proto3")
    for message, fields in MESSAGES.items():
        described = file.message_type.add(name=message)
        for field, number, kind in fields:
            _describe(described.field.add(name=field, number=number), kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"stream.onnxfile.{name}"))


def _describe(field: Any, kind: str) -> None:
    base = kind.removesuffix("*")
    kinds = descriptor_pb2.FieldDescriptorProto
    field.label = kinds.LABEL_REPEATED if kind.endswith("*") else kinds.LABEL_OPTIONAL
    if base in MESSAGES:
        field.type, field.type_name = kinds.TYPE_MESSAGE, f".stream.onnxfile.{base}"
    else:
        field.type = kinds.Type.Value(f"TYPE_{base.upper()}")
