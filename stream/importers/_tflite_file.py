"""Opens a TensorFlow Lite file: operations and constants, every offset and size held against the file's own length.

The format: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
(Apache-2.0), read with the package `tflite`. Nothing of the file is run. Needs numpy only.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import tflite

from stream.errors import ModelError, UsageError

T = TypeVar("T")

MAGIC, MAGIC_AT = b"TFL3", 4
LARGEST_BYTES = 1 << 30
MOST = 100_000
"""Operations or tensors of a file: the largest MoViNet has some 2,000."""
MOST_DIMENSIONS = 8

TYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "<u1", 4: "<i8", 7: "<i2", 9: "<i1"}
"""`TensorType` -> how a number of it lies in the file."""

OPERATORS = {value: name for name, value in vars(tflite.BuiltinOperator).items() if not name.startswith("_")}
ACTIVATIONS = {value: name for name, value in vars(tflite.ActivationFunctionType).items() if not name.startswith("_")}
OPTIONS = {
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "FULLY_CONNECTED": tflite.FullyConnectedOptions,
    "ADD": tflite.AddOptions,
    "MUL": tflite.MulOptions,
}
"""Operation -> its options, of which the activation that is fused into it is read."""

BROKEN = (struct.error, ValueError, IndexError, TypeError, OverflowError, KeyError, AttributeError, AssertionError)
"""What reading beyond a damaged file's end, or a field that is not there, ends in."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One node of the graph; tensors by index, -1 stands for an input that was left out."""

    kind: str
    """`BuiltinOperator`, such as CONV_2D."""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    fused: str
    """`ActivationFunctionType` that is part of it, NONE where there is none."""


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """What a tensor is, its numbers left out."""

    name: str
    shape: tuple[int, ...]
    type: int
    """`TensorType`."""


class TfliteFile:
    """The only graph of a file."""

    def __init__(self, content: bytes) -> None:
        """Open it.

        Raises:
            ModelError: it is no TensorFlow Lite file, damaged, or has more than one graph.
        """
        if len(content) < 16 or content[MAGIC_AT : MAGIC_AT + 4] != MAGIC:
            raise ModelError(f"{len(content)} bytes that do not begin as a TensorFlow Lite file ({MAGIC.decode()})")
        self._size = len(content)
        self._model = _whole(lambda: tflite.Model.GetRootAs(content, 0))
        if not (graphs := _whole(self._model.SubgraphsLength)):
            raise ModelError("the TensorFlow Lite file holds no network: it is empty, damaged or cut short")
        if graphs != 1:
            raise ModelError(f"the TensorFlow Lite file has {graphs} graphs; a MoViNet has 1")
        self._graph = _whole(lambda: self._model.Subgraphs(0))
        self._constants: dict[int, npt.NDArray[np.float32] | None] = {}
        self.tensors = tuple(_whole(self._read_tensors))
        self.operations = tuple(_whole(self._read_operations))

    @cached_property
    def producers(self) -> dict[int, Operation]:
        """Tensor -> the operation that makes it."""
        return {tensor: operation for operation in self.operations for tensor in operation.outputs}

    @cached_property
    def inputs(self) -> tuple[int, ...]:
        """Tensors that go in."""
        return tuple(_whole(lambda: self._indices(self._graph.InputsLength(), self._graph.Inputs)))

    def constant(self, index: int) -> npt.NDArray[np.float32] | None:
        """Return a constant as float32, dequantised where it was quantised; None where it is computed.

        Raises:
            ModelError: its bytes are not those of its shape, or of a type that no MoViNet has.
        """
        if index not in self._constants:
            self._constants[index] = self._constant(index)
        return self._constants[index]

    def _constant(self, index: int) -> npt.NDArray[np.float32] | None:
        source = self.producers.get(index)
        if source is not None and source.kind == "DEQUANTIZE":
            return self.constant(source.inputs[0])
        if source is not None or index < 0 or not self.has_bytes(index):
            return None
        return _whole(lambda: self._dequantised(index))

    def has_bytes(self, index: int) -> bool:
        """Say whether a tensor's numbers lie in the file."""
        return bool(_whole(lambda: self._buffer(index).DataLength()))

    def _dequantised(self, index: int) -> npt.NDArray[np.float32]:
        values = self.numbers(index)
        found = self._graph.Tensors(index).Quantization()
        if values.dtype.kind == "f" or found is None or not found.ScaleLength():
            return values.astype(np.float32)
        scale, zero = found.ScaleAsNumpy().astype(np.float64), found.ZeroPointAsNumpy()
        axis = found.QuantizedDimension()
        shape = [1] * values.ndim
        if scale.size > 1:
            if not (0 <= axis < values.ndim and scale.size == values.shape[axis]):
                raise ModelError(f"{self.tensors[index].name!r} is {values.shape}, with {scale.size} scales")
            shape[axis] = scale.size
        zeros = np.broadcast_to(np.asarray(zero, np.float64), scale.shape).reshape(shape)
        return np.asarray((values.astype(np.float64) - zeros) * scale.reshape(shape), np.float32)

    def numbers(self, index: int) -> npt.NDArray[Any]:
        """Return a constant as it lies in the file.

        Raises:
            ModelError: see `constant`.
        """
        facts = self.tensors[index]
        if facts.type not in TYPES or self._graph.Tensors(index).Sparsity() is not None:
            raise ModelError(f"the constant {facts.name!r} is sparse, or of TensorFlow Lite type {facts.type}")
        kind, data = np.dtype(TYPES[facts.type]), self._buffer(index).DataAsNumpy()
        if data.nbytes != np.prod(facts.shape, dtype=np.float64) * kind.itemsize:
            raise ModelError(f"the constant {facts.name!r} has {data.nbytes} bytes for a shape of {facts.shape}")
        return np.frombuffer(data.tobytes(), kind).reshape(facts.shape)

    def _buffer(self, index: int) -> Any:
        place = self._graph.Tensors(index).Buffer()
        if place >= self._model.BuffersLength():
            raise ModelError(f"the tensor {self.tensors[index].name!r} has a buffer beyond the last one")
        return self._model.Buffers(place)

    def _read_tensors(self) -> list[TensorFacts]:
        found = (self._graph.Tensors(index) for index in range(self._count(self._graph.TensorsLength())))
        return [TensorFacts((tensor.Name() or b"").decode(), _shape(tensor), tensor.Type()) for tensor in found]

    def _read_operations(self) -> list[Operation]:
        count = self._count(self._graph.OperatorsLength())
        return [self._operation(self._graph.Operators(index)) for index in range(count)]

    def _operation(self, found: Any) -> Operation:
        place = found.OpcodeIndex()
        if place >= self._model.OperatorCodesLength():
            raise ModelError("the TensorFlow Lite file has an operation beyond its list of kinds")
        code = self._model.OperatorCodes(place)
        kind = OPERATORS.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "unknown")
        inputs = self._indices(found.InputsLength(), found.Inputs)
        return Operation(kind, inputs, self._indices(found.OutputsLength(), found.Outputs), _fused(kind, found))

    def _indices(self, length: int, at: Callable[[int], int]) -> tuple[int, ...]:
        indices = tuple(at(place) for place in range(self._count(length)))
        if any(not -1 <= index < len(self.tensors) for index in indices):
            raise ModelError("the TensorFlow Lite file has an operation on a tensor that is not there")
        return indices

    def _count(self, length: int) -> int:
        if not 0 <= length <= min(MOST, self._size):
            raise ModelError(f"the TensorFlow Lite file has a list of {length} entries: refused")
        return length


def read_file(source: str) -> bytes:
    """Return a file's bytes.

    Raises:
        ModelError: it is too large.
        UsageError: it cannot be read.
    """
    try:
        size = Path(source).stat().st_size
        if size > LARGEST_BYTES:
            raise ModelError(f"{source} has {size >> 20} MiB; accepted: up to {LARGEST_BYTES >> 20} MiB")
        return Path(source).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}") from error


def _whole(read: Callable[[], T]) -> T:
    """Read a part of the file; what lies beyond its end is an error of the file."""
    try:
        return read()
    except ModelError:
        raise
    except BROKEN as error:
        raise ModelError(
            "the TensorFlow Lite file is damaged or cut short: a part that it names is not there"
        ) from error


def _shape(tensor: Any) -> tuple[int, ...]:
    length = tensor.ShapeLength()
    if not 0 <= length <= MOST_DIMENSIONS:
        raise ModelError(f"the TensorFlow Lite file has a tensor of {length} dimensions")
    shape = tuple(int(tensor.Shape(place)) for place in range(length))
    if any(size < 0 for size in shape):
        raise ModelError(f"the TensorFlow Lite file has a tensor of shape {shape}")
    return shape


def _fused(kind: str, found: Any) -> str:
    table = found.BuiltinOptions()
    if kind not in OPTIONS or table is None:
        return "NONE"
    options = OPTIONS[kind]()
    options.Init(table.Bytes, table.Pos)
    return str(ACTIVATIONS.get(options.FusedActivationFunction(), "unknown"))
