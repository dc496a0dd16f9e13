"""Writes a MoViNet's step for the accelerators of phones: one stream, static shapes, everything constant folded.

Only operators that the execution providers of NNAPI and Core ML both take: hard swish and the gates are written in Add,
Mul and Clip, norms and ReZero scales are folded into the convolutions in double precision. Kernels are packed after
that, so that int8's factors fit the folded channels; pools, counts, norms and states stay float32.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from stream import storage
from stream.cards import Card
from stream.exporters import _onnxfile, _parity
from stream.exporters._graph import Graph
from stream.exporters._movinet import MoViNetWriter
from stream.exporters.base import Bound, Parity
from stream.nets._movinet_layers import ConvNorm, TemporalConvNorm, same_padding
from stream.nets.base import Net
from stream.nets.movinet import Block, MoViNet
from stream.types import Array

CLIPS = {"hard_swish": (1 / 6, 0.5, 1.0), "relu6": (0.16667, 3 * 0.16667, 6 * 0.16667), "clip": (0.2, 0.5, 1.0)}
"""Activation or gate -> (a, b, c) of min(max(a x + b, 0), c)."""


def encode(net: MoViNet, card: Card, dtype: str) -> bytes:
    """Return the ONNX file's bytes, the same for the same net and card; `dtype` is how kernels lie in it."""
    return _onnxfile.content(PhoneWriter(net, dtype).graph, net, card)


def export(net: Net, card: Card, path: Path, footage: Sequence[Array], dtype: str, bound: Bound) -> Parity:
    """Write the net to `path` with kernels of that type; see `exporters.base.Export`."""
    net = _parity.streamable(net, card)
    content = encode(net, card, dtype)
    parity = _parity.compare(net, card, _onnxfile.step(content), bound, footage)
    _onnxfile.write(path, content)
    return parity


class PhoneGraph(Graph):
    """Numbers that are not weights are initialisers too: not every accelerator's provider looks at Constant nodes."""

    def widen(self, name: str, factor: storage.Values | None) -> str:
        """Widen by nodes over constants alone, which every provider finds computed; DequantizeLinear stays a node."""
        value = self.node("Cast", name, to=onnx.TensorProto.FLOAT)
        if factor is None:
            return value
        self._parameters[name + storage.FACTOR] = numpy_helper.from_array(
            factor.reshape(-1, 1, 1, 1), name + storage.FACTOR
        )
        return self.node("Mul", value, name + storage.FACTOR)

    def constant(self, values: npt.ArrayLike) -> str:
        """Add numbers, each once."""
        array = np.asarray(values)
        key = numpy_helper.from_array(array).SerializeToString(deterministic=True)
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self._constants)}"
            self._parameters[self._constants[key]] = numpy_helper.from_array(array, self._constants[key])
        return self._constants[key]


class PhoneWriter(MoViNetWriter):
    """The same walk in other words."""

    graphs, rows = PhoneGraph, 1

    def _flatten(self, x: str) -> str:
        return self.graph.node("Reshape", x, self.graph.constant(np.array([1, -1], np.int64)))

    def _activate(self, x: str, kind: str | None) -> str:
        return self.graph.node("Mul", x, self._clip(x, kind)) if kind == "hard_swish" else super()._activate(x, kind)

    def _gate(self, x: str, kind: str) -> str:
        return self.graph.node("Sigmoid", x) if kind == "sigmoid" else self._clip(x, kind)

    def _clip(self, x: str, kind: str) -> str:
        graph, (a, b, c) = self.graph, CLIPS[kind]
        x = graph.node("Add", graph.node("Mul", x, self._number(a)), self._number(b))
        return self._bounded(x, c)

    def _number(self, value: float) -> str:
        return self.graph.constant(np.full((1, 1, 1), value, np.float32))

    def _conv_norm(self, layer: ConvNorm, x: str, side: int, scale: Tensor | None = None) -> tuple[str, int]:
        name = self._names[layer]
        gain, shift = _affine(layer.norm)
        if scale is not None:
            gain, shift = gain * scale.double(), shift * scale.double()
        kernel = self.graph.parameter(f"{name}.weight", layer.conv.weight.double() * gain.view(-1, 1, 1, 1))
        bias = self.graph.parameter(f"{name}.bias", shift)
        before, after = same_padding(side, layer.kernel, layer.stride)
        shape = {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2, "group": layer.conv.groups}
        x = self.graph.node("Conv", x, kernel, bias, **shape, pads=[before, before, after, after])
        return self._activate(x, layer.activation), -(-side // layer.stride)

    def _project(self, block: Block, x: str, side: int) -> str:
        return self._conv_norm(block.project, x, side, block.scale.detach())[0]

    def _temporal(self, layer: TemporalConvNorm, x: str) -> str:
        graph, name = self.graph, self._names[layer]
        gain, shift = (value.view(-1, 1, 1) for value in _affine(layer.norm))
        total = graph.parameter(f"{name}.bias", shift)
        fresh = self._give(x, layer.state_names[-1])
        for index, frame in enumerate((*layer.state_names, fresh)):
            tap = graph.parameter(f"{name}.taps.{index}", layer.taps[index].double() * gain)
            total = graph.node("Add", graph.node("Mul", frame, tap), total)
        return self._activate(total, layer.activation)


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return the norm as a factor and a summand, (C,) each, in double precision."""
    mean, variance = cast(Tensor, norm.running_mean).double(), cast(Tensor, norm.running_var).double()
    gain = norm.weight.detach().double() / torch.sqrt(variance + norm.eps)
    return gain, norm.bias.detach().double() - mean * gain
