"""Writes a MoViNet's step as a graph from its weights by name, in the order of `nets/_movinet_layers.py`; no torch."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from stream import steps
from stream.cards import Card
from stream.exporters._graph import Graph
from stream.nets import _movinet_specs, _movinet_weights
from stream.nets._movinet_specs import COUNT, HEAD, POSITION, BlockSpec, same_padding
from stream.types import Array

EPSILON = 1e-3
"""Of the batch norms."""

NORM = ("weight", "bias", "running_mean", "running_var")


class MoViNetWriter:
    """One walk over a stream net; `graph` holds the result."""

    graphs, rows = Graph, cast("int | str", "B")
    """What the graph is made with, and how many streams it steps: any number."""

    def __init__(self, card: Card, weights: Mapping[str, Array], dtype: str = "float32") -> None:
        """Write it.

        Raises:
            ModelError: the weights are not exactly those of this net; names the first few.
        """
        _movinet_weights.check(card, weights)
        self.card, self.weights, self.graph = card, weights, self.graphs(dtype)
        self.spec = _movinet_specs.find(card.variant)
        self.shapes = self.spec.state_shapes(card.side_px, card.has_se)
        self._write()

    def _write(self) -> None:
        graph, card, side = self.graph, self.card, self.card.side_px
        image = graph.take(steps.IMAGE, (self.rows, 3, side, side))
        self.decay = graph.take(steps.DECAY, (self.rows, 1, 1, 1))
        for name, shape in self.shapes.items():
            graph.take(name, (self.rows, *shape))
        self.counts = self._accumulate(COUNT, graph.constant(np.ones((1, 1, 1, 1), np.float32)))
        self.position = self._advance() if POSITION in self.shapes else None
        x = self._conv_norm("stem", image, side, stride=2, activation=card.main_activation)
        for block in self.spec.blocks(side):
            x = self._block(block, x)
            side = block.after_px
        x = self._conv_norm("project", x, side, activation=card.main_activation)
        x = graph.node("GlobalAveragePool", x)
        x = graph.node("Div", self._accumulate(HEAD, x), self.counts)
        x = self._activate(self._conv("dense", x, bias="bias"), card.classifier_activation)
        x = self._flatten(self._conv("classifier", x, bias="bias"))
        graph.give(x, steps.LOGITS, (self.rows, len(card.labels)))

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
        last = graph.constant(np.full((1, 1, 1, 1), self.card.trained_frames - 1, np.float32))
        one = graph.constant(np.ones((1, 1, 1, 1), np.float32))
        is_forgetting = graph.node("Less", self.decay, one)
        now = graph.node("Where", is_forgetting, graph.node("Min", POSITION, last), POSITION)
        after = graph.node("Add", POSITION, one)
        self._give(graph.node("Where", is_forgetting, graph.node("Min", after, last), after), POSITION)
        return now

    def _parameter(self, name: str) -> str:
        return self.graph.parameter(name, self.weights[name])

    def _conv(self, name: str, x: str, side: int = 1, stride: int = 1, bias: str = "") -> str:
        """Convolve with SAME padding; a kernel of one input on many channels is depthwise."""
        kernel = self.weights[f"{name}.weight"]
        parameters = [self._parameter(f"{name}.{leaf}") for leaf in ("weight", bias) if leaf]
        return self.graph.node("Conv", x, *parameters, **window(kernel, side, stride))

    def _norm(self, name: str, x: str) -> str:
        return self.graph.node("BatchNormalization", x, *self._norm_parameters(name), epsilon=EPSILON)

    def _norm_parameters(self, name: str) -> tuple[str, ...]:
        return tuple(self._parameter(f"{name}.norm.{leaf}") for leaf in NORM)

    def _activate(self, x: str, kind: str) -> str:
        if kind == "":
            return x
        if kind == "relu6":
            return self._bounded(x, 6.0)
        if kind == "hard_swish":
            return self.graph.node("HardSwish", x)
        return self.graph.node("Mul", x, self.graph.node("Sigmoid", x))

    def _bounded(self, x: str, most: float) -> str:
        """min(max(x, 0), most)."""
        return self.graph.node("Clip", x, self.graph.constant(np.float32(0)), self.graph.constant(np.float32(most)))

    def _conv_norm(self, name: str, x: str, side: int, stride: int = 1, activation: str = "") -> str:
        """Convolve, norm and activate pictures of that side."""
        return self._activate(self._norm(name, self._conv(f"{name}.conv", x, side, stride)), activation)

    def _block(self, block: BlockSpec, x: str) -> str:
        name, activation = f"blocks.{block.name}", self.card.main_activation
        y = self._conv_norm(f"{name}.expand", x, block.side_px, activation=activation)
        y = self._conv_norm(f"{name}.feature.spatial", y, block.side_px, block.stride, activation)
        if block.taps > 1:
            y = self._temporal(block, y)
        if self.card.has_se:
            y = self._squeeze(block, y)
        return self.graph.node("Add", self._project(name, y, block.after_px), self._skip(block, x))

    def _project(self, name: str, x: str, side: int) -> str:
        return self.graph.node("Mul", self._conv_norm(f"{name}.project", x, side), self._parameter(f"{name}.scale"))

    def _skip(self, block: BlockSpec, x: str) -> str:
        if not block.is_reshaped:
            return x
        if block.stride > 1:
            before, after = same_padding(block.side_px, 3, 2)
            shape = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [before, before, after, after]}
            x = self.graph.node("AveragePool", x, **shape, count_include_pad=0)
        return self._conv_norm(f"blocks.{block.name}.skip.project", x, block.after_px)

    def _temporal(self, block: BlockSpec, x: str) -> str:
        """Fold the norm into the taps by nodes over weights alone: an engine computes those once, as it loads."""
        graph, name = self.graph, f"blocks.{block.name}.feature.temporal"
        gain, total = self._affine(name)
        # Through a node of its own: the convolution before it can take its activation in only where it gives no output.
        fresh = self._give(graph.node("Identity", x), block.buffers[-1])
        for index, frame in enumerate((*block.buffers, fresh)):
            tap = self._parameter(f"{name}.taps.{index}")
            total = graph.node("Add", graph.node("Mul", frame, graph.node("Mul", tap, gain)), total)
        return self._activate(total, self.card.main_activation)

    def _affine(self, name: str) -> tuple[str, str]:
        """Return a norm as a factor and a summand, (C, 1, 1) each."""
        graph = self.graph
        weight, bias, mean, variance = self._norm_parameters(name)
        spread = graph.node("Sqrt", graph.node("Add", variance, graph.constant(np.float32(EPSILON))))
        gain = graph.node("Div", weight, spread)
        shift = graph.node("Sub", bias, graph.node("Mul", mean, gain))
        axes = graph.constant(np.array([1, 2], np.int64))
        return graph.node("Unsqueeze", gain, axes), graph.node("Unsqueeze", shift, axes)

    def _squeeze(self, block: BlockSpec, x: str) -> str:
        graph, name = self.graph, f"blocks.{block.name}.se"
        now = graph.node("GlobalAveragePool", x)
        so_far = graph.node("Div", self._accumulate(block.pool, now), self.counts)
        squeezed = graph.node("Concat", so_far, now, axis=1)
        if self.position is not None:
            squeezed = self._encode(name, block, squeezed)
        hidden = self._activate(self._conv(f"{name}.reduce", squeezed, bias="bias"), self.card.main_activation)
        return graph.node("Mul", x, self._gate(self._conv(f"{name}.expand", hidden, bias="bias"), self.card.gate))

    def _encode(self, name: str, block: BlockSpec, x: str) -> str:
        """Add the sinusoid of the position (Vaswani et al. 2017, arXiv:1706.03762)."""
        graph = self.graph
        assert self.position is not None  # noqa: S101
        power = np.arange(0, 2 * block.expand, 2, dtype=np.float32) / np.float32(2 * block.expand)
        frequencies = (np.float32(1) / np.power(np.float32(10_000), power)).reshape(1, -1, 1, 1)
        angles = graph.node("Mul", self.position, graph.constant(frequencies))
        waves = graph.node("Concat", graph.node("Sin", angles), graph.node("Cos", angles), axis=1)
        return graph.node("Add", x, graph.node("Mul", waves, self._parameter(f"{name}.position.scale")))

    def _gate(self, x: str, kind: str) -> str:
        if kind == "sigmoid":
            return self.graph.node("Sigmoid", x)
        if kind == "clip":
            return self.graph.node("HardSigmoid", x, alpha=0.2, beta=0.5)
        hard = self.graph.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)
        return self.graph.node("Mul", hard, self.graph.constant(np.full((1, 1, 1, 1), 6 * 0.16667, np.float32)))


def window(kernel: npt.NDArray[Any], side: int, stride: int) -> dict[str, object]:
    """Return the attributes of a convolution, (outputs, inputs or 1, k, k), over pictures of that side."""
    outputs, inputs, size, _ = kernel.shape
    before, after = same_padding(side, size, stride)
    shape = {"kernel_shape": [size] * 2, "strides": [stride] * 2, "group": outputs if inputs == 1 else 1}
    return shape | {"pads": [before, before, after, after]}
