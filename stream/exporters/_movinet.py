"""Writes a MoViNet's step as a graph, module by module, in the order of `nets/_movinet_layers.py`."""

from typing import cast

import numpy as np
from torch import nn

from stream import steps
from stream.exporters._graph import Graph
from stream.nets._movinet_layers import (
    ConvNorm,
    PositionalEncoding,
    SqueezeExcitation,
    StreamFeature,
    TemporalConvNorm,
    same_padding,
)
from stream.nets._movinet_specs import COUNT, HEAD, POSITION
from stream.nets.movinet import Block, MoViNet


class MoViNetWriter:
    """One walk over a stream net; `graph` holds the result."""

    graphs, rows = Graph, cast("int | str", "B")
    """What the graph is made with, and how many streams it steps: any number."""

    def __init__(self, net: MoViNet, dtype: str = "float32") -> None:
        self.net, self.graph = net, self.graphs(dtype)
        self.shapes = net.state_shapes()
        self.sides: dict[str, int] = {}
        self._names = {module: name for name, module in net.named_modules()}
        self._write()

    def _write(self) -> None:
        graph, net, side = self.graph, self.net, self.net.card.side_px
        image = graph.take(steps.IMAGE, (self.rows, 3, side, side))
        self.decay = graph.take(steps.DECAY, (self.rows, 1, 1, 1))
        for name, shape in self.shapes.items():
            graph.take(name, (self.rows, *shape))
        self.counts = self._accumulate(COUNT, graph.constant(np.ones((1, 1, 1, 1), np.float32)))
        self.position = self._advance() if POSITION in self.shapes else None
        x, side = self._conv_norm(net.stem, image, side)
        for block in net.blocks.values():
            assert isinstance(block, Block)  # noqa: S101  # nn.ModuleDict forgets what it holds
            x, side = self._block(block, x, side)
        x, side = self._conv_norm(net.project, x, side)
        x = graph.node("GlobalAveragePool", x)
        x = graph.node("Div", self._accumulate(HEAD, x), self.counts)
        x = self._activate(self._conv(net.dense, x), net.card.classifier_activation)
        x = self._flatten(self._conv(net.classifier, x))
        graph.give(x, steps.LOGITS, (self.rows, len(net.card.labels)))

    def _flatten(self, x: str) -> str:
        return self.graph.node("Flatten", x, axis=1)

    def _give(self, value: str, state: str) -> str:
        return self.graph.give(value, steps.NEXT + state, (self.rows, *self.shapes[state]))

    def _accumulate(self, state: str, value: str) -> str:
        kept = self.graph.node("Mul", state, self.decay)
        return self._give(self.graph.node("Add", kept, value), state)

    def _advance(self) -> str:
        """Return this frame's position; a row that forgets stops below the limit."""
        graph = self.graph
        last = graph.constant(np.full((1, 1, 1, 1), self.net.card.trained_frames - 1, np.float32))
        one = graph.constant(np.ones((1, 1, 1, 1), np.float32))
        is_forgetting = graph.node("Less", self.decay, one)
        now = graph.node("Where", is_forgetting, graph.node("Min", POSITION, last), POSITION)
        after = graph.node("Add", POSITION, one)
        self._give(graph.node("Where", is_forgetting, graph.node("Min", after, last), after), POSITION)
        return now

    def _parameter(self, module: nn.Module, name: str) -> str:
        return self.graph.parameter(f"{self._names[module]}.{name}", module.get_parameter(name))

    def _conv(self, conv: nn.Conv2d, x: str, pads: tuple[int, int] = (0, 0)) -> str:
        weights = [self._parameter(conv, "weight")]
        if conv.bias is not None:
            weights.append(self._parameter(conv, "bias"))
        shape = {"kernel_shape": list(conv.kernel_size), "strides": list(conv.stride), "group": conv.groups}
        return self.graph.node("Conv", x, *weights, **shape, pads=[pads[0], pads[0], pads[1], pads[1]])

    def _norm(self, norm: nn.BatchNorm2d, x: str) -> str:
        return self.graph.node("BatchNormalization", x, *self._norm_parameters(norm), epsilon=norm.eps)

    def _norm_parameters(self, norm: nn.BatchNorm2d) -> tuple[str, ...]:
        names = ("weight", "bias", "running_mean", "running_var")
        return tuple(self.graph.parameter(f"{self._names[norm]}.{name}", getattr(norm, name)) for name in names)

    def _activate(self, x: str, kind: str | None) -> str:
        if kind is None:
            return x
        if kind == "relu6":
            return self._bounded(x, 6.0)
        if kind == "hard_swish":
            return self.graph.node("HardSwish", x)
        return self.graph.node("Mul", x, self.graph.node("Sigmoid", x))

    def _bounded(self, x: str, most: float) -> str:
        """min(max(x, 0), most)."""
        return self.graph.node("Clip", x, self.graph.constant(np.float32(0)), self.graph.constant(np.float32(most)))

    def _conv_norm(self, layer: ConvNorm, x: str, side: int) -> tuple[str, int]:
        pads = same_padding(side, layer.kernel, layer.stride)
        x = self._norm(layer.norm, self._conv(layer.conv, x, pads))
        return self._activate(x, layer.activation), -(-side // layer.stride)

    def _block(self, block: Block, x: str, side: int) -> tuple[str, int]:
        y, _ = self._conv_norm(block.expand, x, side)
        assert isinstance(block.feature, StreamFeature)  # noqa: S101  # base nets do not come here
        y, after = self._conv_norm(block.feature.spatial, y, side)
        if block.feature.temporal is not None:
            y = self._temporal(block.feature.temporal, y)
        y = self._project(block, y if block.se is None else self._squeeze(block.se, y), after)
        return self.graph.node("Add", y, self._skip(block, x, side)), after

    def _project(self, block: Block, x: str, side: int) -> str:
        x, _ = self._conv_norm(block.project, x, side)
        return self.graph.node("Mul", x, self._parameter(block, "scale"))

    def _skip(self, block: Block, x: str, side: int) -> str:
        if block.skip is None:
            return x
        if block.skip.stride > 1:
            before, after = same_padding(side, 3, 2)
            shape = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [before, before, after, after]}
            x = self.graph.node("AveragePool", x, **shape, count_include_pad=0)
        return self._conv_norm(block.skip.project, x, side)[0]

    def _temporal(self, layer: TemporalConvNorm, x: str) -> str:
        """Fold the norm into the taps by nodes over weights alone: an engine computes those once, as it loads."""
        graph = self.graph
        gain, total = self._affine(layer.norm)
        # Through a node of its own: the convolution before it can take its activation in only where it gives no output.
        fresh = self._give(graph.node("Identity", x), layer.state_names[-1])
        for index, frame in enumerate((*layer.state_names, fresh)):
            tap = graph.parameter(f"{self._names[layer]}.taps.{index}", layer.taps[index])
            total = graph.node("Add", graph.node("Mul", frame, graph.node("Mul", tap, gain)), total)
        return self._activate(total, layer.activation)

    def _affine(self, norm: nn.BatchNorm2d) -> tuple[str, str]:
        """Return the norm as a factor and a summand, (C, 1, 1) each."""
        graph = self.graph
        weight, bias, mean, variance = self._norm_parameters(norm)
        spread = graph.node("Sqrt", graph.node("Add", variance, graph.constant(np.float32(norm.eps))))
        gain = graph.node("Div", weight, spread)
        shift = graph.node("Sub", bias, graph.node("Mul", mean, gain))
        axes = graph.constant(np.array([1, 2], np.int64))
        return graph.node("Unsqueeze", gain, axes), graph.node("Unsqueeze", shift, axes)

    def _squeeze(self, layer: SqueezeExcitation, x: str) -> str:
        graph = self.graph
        now = graph.node("GlobalAveragePool", x)
        so_far = graph.node("Div", self._accumulate(f"{layer.state_name}_pool_buffer", now), self.counts)
        squeezed = graph.node("Concat", so_far, now, axis=1)
        if layer.position is not None:
            squeezed = self._encode(layer.position, squeezed)
        hidden = self._activate(self._conv(layer.reduce, squeezed), layer.activation)
        return graph.node("Mul", x, self._gate(self._conv(layer.expand, hidden), layer.gate))

    def _encode(self, layer: PositionalEncoding, x: str) -> str:
        graph = self.graph
        assert self.position is not None  # noqa: S101
        angles = graph.node("Mul", self.position, graph.constant(layer.frequencies.numpy()))
        waves = graph.node("Concat", graph.node("Sin", angles), graph.node("Cos", angles), axis=1)
        return graph.node("Add", x, graph.node("Mul", waves, self._parameter(layer, "scale")))

    def _gate(self, x: str, kind: str) -> str:
        if kind == "sigmoid":
            return self.graph.node("Sigmoid", x)
        if kind == "clip":
            return self.graph.node("HardSigmoid", x, alpha=0.2, beta=0.5)
        hard = self.graph.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)
        return self.graph.node("Mul", hard, self.graph.constant(np.full((1, 1, 1, 1), 6 * 0.16667, np.float32)))
