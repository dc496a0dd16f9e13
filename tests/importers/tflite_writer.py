"""Writes a MoViNet's step as a TensorFlow Lite file in the form of Google's exporter: norms folded, states in and out.

Kernels lie in it as float32, float16, or int8 with a scale a channel (dynamic range): what runs it computes in float32.
"""

from typing import Any

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

from stream.cards import Card
from stream.nets import _movinet_specs as specs
from stream.nets._movinet_specs import BlockSpec

Kind = tflite.BuiltinOperator
FLOAT, HALF, WHOLE, BYTE = 0, 1, 2, 9
RELU6, NONE = 3, 0
Weights = dict[str, NDArray[Any]]


class Writer:
    """One graph; tensors are numbers."""

    def __init__(self, card: Card, weights: Weights, dtype: str = "float32") -> None:
        self.card, self.weights, self.dtype = card, weights, dtype
        self.builder = flatbuffers.Builder(1 << 20)
        self.buffers, self.tensors, self.operators, self.codes = [b""], [], [], []
        self.inputs: dict[str, int] = {}
        self.outputs: dict[str, int] = {}
        self.content = self._write()

    # tensors and operations

    def tensor(self, shape: tuple[int, ...], kind: int = FLOAT, data: bytes = b"", scale: Any = None) -> int:
        buffer = 0
        if data:
            self.buffers.append(data)
            buffer = len(self.buffers) - 1
        self.tensors.append((shape, kind, buffer, scale))
        return len(self.tensors) - 1

    def constant(self, values: Any) -> int:
        array = np.asarray(values, np.int32 if np.asarray(values).dtype.kind == "i" else np.float32)
        return self.tensor(array.shape, WHOLE if array.dtype.kind == "i" else FLOAT, array.tobytes())

    def kernel(self, values: NDArray[Any], axis: int) -> int:
        values = np.ascontiguousarray(values, np.float32)
        if self.dtype == "float16":
            half = self.tensor(values.shape, HALF, values.astype(np.float16).tobytes())
            return self.node(Kind.DEQUANTIZE, [half], values.shape)
        if self.dtype == "int8":
            others = tuple(place for place in range(4) if place != axis)
            scale = np.abs(values).max(others, keepdims=True) / 127
            packed = np.rint(values / scale).astype(np.int8)
            return self.tensor(values.shape, BYTE, packed.tobytes(), (scale.ravel().astype(np.float32), axis))
        return self.constant(values)

    def node(self, kind: int, inputs: list[int], shape: tuple[int, ...], options: Any = None) -> int:
        if kind not in self.codes:
            self.codes.append(kind)
        made = self.tensor(shape)
        self.operators.append((kind, inputs, made, options))
        return made

    # layers

    def conv(
        self, x: int, kernel: NDArray[Any], bias: NDArray[Any], side: int, stride: int = 1, fused: int = NONE
    ) -> int:
        """(out, in, k, k) over (1, side, side, in)."""
        shape = (1, -(-side // stride), -(-side // stride), len(kernel))
        inputs = [x, self.kernel(kernel.transpose(0, 2, 3, 1), 0), self.constant(bias)]
        return self.node(
            Kind.CONV_2D, inputs, shape, ("Conv2DOptions", {"Stride": stride, "Fused": fused, "Padding": 0})
        )

    def depthwise(
        self, x: int, kernel: NDArray[Any], bias: NDArray[Any], shape: Any, stride: int, fused: int, pad: int
    ) -> int:
        options = ("DepthwiseConv2DOptions", {"Stride": stride, "Fused": fused, "Padding": pad})
        return self.node(Kind.DEPTHWISE_CONV_2D, [x, self.kernel(kernel, 3), self.constant(bias)], shape, options)

    def folded(self, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        leaf = {
            it: self.weights[f"{name}.norm.{it}"].astype(np.float64)
            for it in ("weight", "bias", "running_mean", "running_var")
        }
        gain = leaf["weight"] / np.sqrt(leaf["running_var"] + 1e-3)
        return gain, leaf["bias"] - leaf["running_mean"] * gain

    def conv_norm(self, name: str, x: int, side: int, stride: int = 1, activation: str = "") -> int:
        gain, shift = self.folded(name)
        kernel = self.weights[f"{name}.conv.weight"] * gain.reshape(-1, 1, 1, 1)
        fused = RELU6 if activation == "relu6" else NONE
        return self.activate(self.conv(x, kernel, shift, side, stride, fused), activation)

    def activate(self, x: int, kind: str) -> int:
        shape = self.tensors[x][0]
        if kind == "hard_swish":
            return self.node(Kind.HARD_SWISH, [x], shape, ("HardSwishOptions", {}))
        if kind == "swish":
            return self.node(Kind.MUL, [x, self.node(Kind.LOGISTIC, [x], shape)], shape, ("MulOptions", {}))
        return x

    def reshape(self, x: int, shape: tuple[int, ...]) -> int:
        return self.node(Kind.RESHAPE, [x, self.constant(np.array(shape))], shape, ("ReshapeOptions", {}))

    def binary(self, kind: int, a: int, b: int, shape: Any = None) -> int:
        name = {Kind.ADD: "AddOptions", Kind.MUL: "MulOptions", Kind.DIV: "DivOptions"}[kind]
        return self.node(kind, [a, b], shape or self.tensors[a][0], (name, {}))

    def mean(self, x: int) -> int:
        _, _, _, channels = self.tensors[x][0]
        options = ("ReducerOptions", {"KeepDims": True})
        return self.node(Kind.MEAN, [x, self.constant(np.array([1, 2]))], (1, 1, 1, channels), options)

    def state(self, name: str, shape: tuple[int, ...]) -> int:
        self.inputs[f"state_{name}"] = made = self.tensor(shape)
        return made

    def pool(self, name: str, now: int, channels: int) -> int:
        total = self.state(f"{name}_pool_buffer", (1, 1, 1, 1, channels))
        count = self.state(f"{name}_pool_frame_count", (1,))
        flat = self.reshape(total, (1, 1, 1, channels))
        total, count = self.binary(Kind.ADD, flat, now), self.binary(Kind.ADD, count, self.constant(np.ones(1)))
        self.outputs[f"state_{name}_pool_buffer"] = self.reshape(total, (1, 1, 1, 1, channels))
        self.outputs[f"state_{name}_pool_frame_count"] = count
        return self.binary(Kind.DIV, total, self.reshape(count, (1, 1, 1, 1)))

    # the walk

    def _write(self) -> bytes:
        card, w = self.card, self.weights
        spec, side = specs.find(card.variant), card.side_px
        self.inputs["image"] = image = self.tensor((1, 1, side, side, 3))
        x = self.conv_norm("stem", self.reshape(image, (1, side, side, 3)), side, 2, card.main_activation)
        for block in spec.blocks(side):
            x, side = self._block(block, x), block.after_px
        now = self.mean(self.conv_norm("project", x, side, 1, card.main_activation))
        x = self.pool("head", now, spec.project_filters)
        fused = RELU6 if card.classifier_activation == "relu6" else NONE
        x = self.activate(self.conv(x, w["dense.weight"], w["dense.bias"], 1, 1, fused), card.classifier_activation)
        x = self.conv(x, w["classifier.weight"], w["classifier.bias"], 1)
        self.outputs["logits"] = self.reshape(x, (1, len(card.labels)))
        return self._pack()

    def _block(self, block: BlockSpec, x: int) -> int:
        name, kind, middle, after = f"blocks.{block.name}", self.card.main_activation, block.expand, block.after_px
        fused = RELU6 if kind == "relu6" else NONE
        y = self.conv_norm(f"{name}.expand", x, block.side_px, 1, kind)
        gain, shift = self.folded(f"{name}.feature.spatial")
        kernel = (self.weights[f"{name}.feature.spatial.conv.weight"] * gain.reshape(-1, 1, 1, 1)).transpose(1, 2, 3, 0)
        y = self.activate(self.depthwise(y, kernel, shift, (1, after, after, middle), block.stride, fused, 0), kind)
        if block.taps > 1:
            y = self._temporal(block, y, fused)
        if self.card.has_se:
            y = self._squeeze(block, y)
        y = self.reshape(self.conv_norm(f"{name}.project", y, after), (1, 1, after, after, block.outputs))
        scale = self.constant(np.full((1, 1, after, after, block.outputs), self.weights[f"{name}.scale"], np.float32))
        y = self.reshape(self.binary(Kind.MUL, y, scale), (1, after, after, block.outputs))
        return self.binary(Kind.ADD, y, self._skip(block, x))

    def _temporal(self, block: BlockSpec, x: int, fused: int) -> int:
        name, after, middle, past = (
            f"blocks.{block.name}.feature.temporal",
            block.after_px,
            block.expand,
            block.taps - 1,
        )
        old = self.state(f"{block.name}_stream_buffer", (1, past, after, after, middle))
        newest = self.reshape(x, (1, 1, after, after, middle))
        line = self.node(
            Kind.CONCATENATION,
            [old, newest],
            (1, past + 1, after, after, middle),
            ("ConcatenationOptions", {"Axis": 1}),
        )
        ends = [[0, 1, 0, 0, 0], [1, past + 1, after, after, middle], [1] * 5]
        cut = [self.constant(np.array(end)) for end in ends]
        kept = self.node(Kind.STRIDED_SLICE, [line, *cut], (1, past, after, after, middle), ("StridedSliceOptions", {}))
        self.outputs[f"state_{block.name}_stream_buffer"] = kept
        gain, shift = self.folded(name)
        taps = np.stack([self.weights[f"{name}.taps.{i}"].ravel() * gain for i in range(block.taps)])[None, :, None]
        flat = self.reshape(line, (1, past + 1, after * after, middle))
        y = self.depthwise(flat, taps, shift, (1, 1, after * after, middle), 1, fused, 1)
        return self.activate(self.reshape(y, (1, after, after, middle)), self.card.main_activation)

    def _squeeze(self, block: BlockSpec, x: int) -> int:
        name, now, gate, w = f"blocks.{block.name}.se", self.mean(x), self.card.gate, self.weights
        so_far = self.pool(block.name, now, block.expand)
        squeezed = self.node(
            Kind.CONCATENATION, [so_far, now], (1, 1, 1, 2 * block.expand), ("ConcatenationOptions", {"Axis": 3})
        )
        fused = RELU6 if self.card.main_activation == "relu6" else NONE
        hidden = self.activate(
            self.conv(squeezed, w[f"{name}.reduce.weight"], w[f"{name}.reduce.bias"], 1, 1, fused),
            self.card.main_activation,
        )
        kernel, bias, factor = w[f"{name}.expand.weight"], w[f"{name}.expand.bias"], 0.16667
        if gate == "relu6":
            y = self.conv(hidden, kernel, bias + 3, 1, 1, RELU6)
            y = self.binary(Kind.MUL, y, self.constant(np.float32(factor)))
        elif gate == "clip":
            y = self.conv(hidden, kernel * np.float32(0.2), bias * np.float32(0.2) + np.float32(0.5), 1)
            shape = self.tensors[y][0]
            y = self.node(Kind.MINIMUM, [y, self.constant(np.float32(1))], shape, ("MaximumMinimumOptions", {}))
            y = self.node(Kind.MAXIMUM, [y, self.constant(np.float32(0))], shape, ("MaximumMinimumOptions", {}))
        else:
            y = self.conv(hidden, kernel, bias, 1)
            y = self.node(Kind.LOGISTIC, [y], self.tensors[y][0])
        return self.binary(Kind.MUL, x, y)

    def _skip(self, block: BlockSpec, x: int) -> int:
        if not block.is_reshaped:
            return x
        if block.stride > 1:
            options = ("Pool2DOptions", {"Stride": 2, "Filter": 3, "Fused": NONE, "Padding": 0})
            x = self.node(Kind.AVERAGE_POOL_2D, [x], (1, block.after_px, block.after_px, block.inputs), options)
        return self.conv_norm(f"blocks.{block.name}.skip.project", x, block.after_px)

    # the file

    def _vector(self, values: Any, kind: str = "int32") -> int:
        return int(self.builder.CreateNumpyVector(np.asarray(values, kind)))

    def _table(self, name: str, **fields: Any) -> int:
        getattr(tflite, f"{name}Start")(self.builder)
        for field, value in fields.items():
            getattr(tflite, f"{name}Add{field}")(self.builder, value)
        return int(getattr(tflite, f"{name}End")(self.builder))

    def _offsets(self, offsets: list[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def _options(self, options: Any) -> dict[str, Any]:
        if options is None:
            return {}
        name, wish = options
        fields: dict[str, Any] = {}
        if "Stride" in wish:
            fields |= {"StrideW": wish["Stride"], "StrideH": wish["Stride"], "Padding": wish["Padding"]}
            fields |= {"FusedActivationFunction": wish["Fused"]}
        if name == "DepthwiseConv2DOptions":
            fields["DepthMultiplier"] = 1
        if "Conv2DOptions" in name:
            fields |= {"DilationWFactor": 1, "DilationHFactor": 1}
        if "Filter" in wish:
            fields |= {"FilterWidth": wish["Filter"], "FilterHeight": wish["Filter"]}
        fields |= {key: wish[key] for key in ("Axis", "KeepDims") if key in wish}
        return {
            "BuiltinOptionsType": getattr(tflite.BuiltinOptions, name),
            "BuiltinOptions": self._table(name, **fields),
        }

    def _tensor(self, place: int) -> int:
        shape, kind, buffer, scale = self.tensors[place]
        fields = {"Shape": self._vector(shape), "Type": kind, "Buffer": buffer}
        fields["Name"] = self.builder.CreateString(f"tensor {place}")
        if scale is not None:
            zeros = self._vector(np.zeros(len(scale[0])), "int64")
            given = {"Scale": self._vector(scale[0], "float32"), "ZeroPoint": zeros, "QuantizedDimension": scale[1]}
            fields["Quantization"] = self._table("QuantizationParameters", **given)
        return self._table("Tensor", **fields)

    def _signature(self) -> int:
        def maps(names: dict[str, int]) -> int:
            made = [(self.builder.CreateString(name), place) for name, place in names.items()]
            return self._offsets([self._table("TensorMap", Name=name, TensorIndex=place) for name, place in made])

        key = self.builder.CreateString("serving_default")
        inputs, outputs = maps(self.inputs), maps(self.outputs)
        return self._table("SignatureDef", Inputs=inputs, Outputs=outputs, SignatureKey=key, SubgraphIndex=0)

    def _pack(self) -> bytes:
        build = self.builder
        contents = [build.CreateByteVector(data) if data else 0 for data in self.buffers]
        buffers = self._offsets([self._table("Buffer", **({"Data": it} if it else {})) for it in contents])
        codes = self._offsets(
            [
                self._table("OperatorCode", DeprecatedBuiltinCode=code, BuiltinCode=code, Version=self._version(code))
                for code in self.codes
            ]
        )
        operators = []
        for kind, inputs, output, options in self.operators:
            lists = {"Inputs": self._vector(inputs), "Outputs": self._vector([output])}
            operators.append(
                self._table("Operator", OpcodeIndex=self.codes.index(kind), **lists, **self._options(options))
            )
        tensors = self._offsets([self._tensor(place) for place in range(len(self.tensors))])
        ends = {
            "Inputs": self._vector(list(self.inputs.values())),
            "Outputs": self._vector(list(self.outputs.values())),
        }
        graph = self._table("SubGraph", Tensors=tensors, Operators=self._offsets(operators), **ends)
        graphs, signatures = self._offsets([graph]), self._offsets([self._signature()])
        fields = {
            "Version": 3,
            "OperatorCodes": codes,
            "Subgraphs": graphs,
            "Buffers": buffers,
            "SignatureDefs": signatures,
        }
        build.Finish(self._table("Model", **fields), file_identifier=b"TFL3")
        return bytes(build.Output())

    def _version(self, code: int) -> int:
        return (
            5
            if code == Kind.CONV_2D and self.dtype == "int8"
            else 6
            if code == Kind.DEPTHWISE_CONV_2D and self.dtype == "int8"
            else 3
            if code == Kind.DEQUANTIZE
            else 1
        )
