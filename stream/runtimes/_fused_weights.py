"""Folds a MoViNet's weights for the fused engine: norms, ReZero scales and biases in double, then float32.

Channels are padded to a multiple of eight with zeros, which stay zeros through every layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.cards import Card
from stream.errors import ModelError
from stream.nets._movinet_specs import COUNT, HEAD, POSITION, BlockSpec, NetSpec
from stream.runtimes import _fused_library as native
from stream.types import Array

EPSILON = 1e-3
"""Of the batch norms."""

GATES = ("relu6", "clip", "sigmoid")
"""In the order of `FusedNet.gate`."""

ACTIVATIONS = ("swish", "hard_swish", "relu6")
"""In the order of `FusedNet.activation`; the convolutions' may be all but the first."""

Doubles = npt.NDArray[np.float64]


def padded(channels: int) -> int:
    """Round up to a multiple of eight."""
    return -(-channels // 8) * 8


@dataclass(slots=True)
class Layout:
    """Where each state lies in a row of the engine's memory, counted in floats."""

    places: dict[str, int] = field(default_factory=dict)
    """State -> its first float; a stream buffer's frames lie one after another."""
    floats: int = 0
    """Size of a row."""

    @classmethod
    def of(cls, shapes: Mapping[str, tuple[int, ...]]) -> "Layout":
        """Place every state of a net."""
        layout = cls()
        for name, (channels, height, width) in shapes.items():
            layout.places[name] = layout.floats
            layout.floats += padded(channels) * height * width
        layout.floats = -(-layout.floats // 16) * 16  # rows begin at cache lines
        return layout


class Folder:
    """Turns a file's weights into what the library takes; keeps the arrays alive while it copies them."""

    def __init__(self, card: Card, spec: NetSpec, weights: Mapping[str, Array], layout: Layout) -> None:
        self._card, self._spec, self._weights, self._layout = card, spec, weights, layout
        self._kept: list[Array] = []
        self._used: set[str] = set()
        self._is_positional = spec.is_positional and card.has_se

    def net(self) -> native.Net:
        """Return the whole net.

        Raises:
            ModelError: a weight is missing, unexpected, or of another shape; names it.
        """
        card, spec, places = self._card, self._spec, self._layout.places
        blocks = list(spec.blocks(card.side_px))
        made = native.Net(
            side=card.side_px,
            stem_outputs=padded(spec.stem_filters),
            features=padded(spec.project_filters),
            head=padded(spec.head_filters),
            classes=len(card.labels),
            gate=GATES.index(card.gate),
            activation=ACTIVATIONS.index(card.main_activation),
            head_activation=ACTIVATIONS.index(card.classifier_activation),
            is_positional=self._is_positional,
            trained_frames=card.trained_frames,
            block_count=len(blocks),
            row_floats=self._layout.floats,
            head_pool=places[HEAD],
            count=places[COUNT],
            position=places.get(POSITION, 0),
            frequencies=self._frequencies(blocks) if self._is_positional else None,
            stem=self._normed("stem", (spec.stem_filters, 3, 3, 3), rows=27),
            features_product=self._normed("project", (spec.project_filters, blocks[-1].outputs, 1, 1)),
            dense=self._plain("dense", (spec.head_filters, spec.project_filters)),
            classifier=self._plain("classifier", (len(card.labels), spec.head_filters)),
            blocks=(native.Block * len(blocks))(*(self._block(block) for block in blocks)),
        )
        if unknown := sorted(self._weights.keys() - self._used):
            raise ModelError(f"the weights file has unexpected: {unknown[0]}")
        return made

    def _block(self, block: BlockSpec) -> native.Block:
        name, middle, places = f"blocks.{block.name}", block.expand, self._layout.places
        hidden = self._weights.get(f"{name}.se.reduce.bias", np.zeros(0)).size if self._card.has_se else 0
        skip = self._normed(f"{name}.skip.project", (block.outputs, block.inputs, 1, 1)) if block.is_reshaped else None
        scale = self._take(f"{name}.scale", ())
        return native.Block(
            **{"side_in": block.side_px, "side_out": block.after_px, "hidden": padded(hidden)},
            **{"inputs": padded(block.inputs), "middle": padded(middle), "outputs": padded(block.outputs)},
            **{"taps": block.taps, "kernel": block.kernel, "stride": block.stride, "is_projected": block.is_reshaped},
            ring=places[block.buffers[0]] if block.buffers else 0,
            pool=places.get(block.pool, 0),
            position_scale=float(self._take(f"{name}.se.position.scale", ())) if self._is_positional else 0.0,
            expand=self._normed(f"{name}.expand", (middle, block.inputs, 1, 1)),
            **self._squeeze(f"{name}.se", hidden, middle),
            project=self._normed(f"{name}.project", (block.outputs, middle, 1, 1), scale),
            skip=skip or native.Product(),
            spatial=self._spatial(f"{name}.feature.spatial", middle, block.kernel),
            temporal=self._temporal(f"{name}.feature.temporal", middle, block.taps),
        )

    def _take(self, name: str, shape: tuple[int, ...]) -> Doubles:
        found = self._weights.get(name)
        if found is None:
            raise ModelError(f"the weights file misses: {name}")
        if found.shape != shape:
            raise ModelError(f"the weights file has the wrong shape of {name} {found.shape}, the net's is {shape}")
        if not np.isfinite(found).all():
            raise ModelError(f"the weights file has numbers in {name} that are none, or without end")
        self._used.add(name)
        return found.astype(np.float64)

    def _affine(self, name: str, channels: int) -> tuple[Doubles, Doubles]:
        """Return a norm as a factor and a summand."""
        take = {leaf: self._take(f"{name}.{leaf}", (channels,)) for leaf in ("weight", "bias")}
        mean, variance = (self._take(f"{name}.running_{leaf}", (channels,)) for leaf in ("mean", "var"))
        gain = take["weight"] / np.sqrt(variance + EPSILON)
        return gain, take["bias"] - mean * gain

    def _normed(
        self, name: str, shape: tuple[int, ...], scale: Doubles | float = 1.0, rows: int | None = None
    ) -> native.Product:
        """Fold a convolution (outputs, inputs, h, w) and its norm; `rows`: the inputs are not padded."""
        gain, shift = self._affine(f"{name}.norm", shape[0])
        weight = self._take(f"{name}.conv.weight", shape).reshape(shape[0], -1).T  # (inputs, outputs)
        return self._product(weight * gain * scale, shift * scale, rows)

    def _plain(self, name: str, shape: tuple[int, int]) -> native.Product:
        weight = self._take(f"{name}.weight", (*shape, 1, 1)).reshape(shape).T
        return self._product(weight, self._take(f"{name}.bias", shape[:1]))

    def _squeeze(self, name: str, hidden: int, middle: int) -> dict[str, native.Product]:
        """Return both products of a squeeze-excitation; nothing where the net has none."""
        if not self._card.has_se:
            return {"reduce": native.Product(), "gate": native.Product()}
        gate = self._plain(f"{name}.expand", (middle, hidden))
        return {"reduce": self._means(f"{name}.reduce", hidden, middle), "gate": gate}

    def _means(self, name: str, hidden: int, middle: int) -> native.Product:
        """The mean so far and the frame's are padded each for itself."""
        weight = self._take(f"{name}.weight", (hidden, 2 * middle, 1, 1)).reshape(hidden, 2, middle)
        whole = np.zeros((2, padded(middle), hidden))
        whole[:, :middle] = weight.transpose(1, 2, 0)
        return self._product(whole.reshape(-1, hidden), self._take(f"{name}.bias", (hidden,)))

    def _spatial(self, name: str, middle: int, kernel: int) -> native.Product:
        gain, shift = self._affine(f"{name}.norm", middle)
        weight = self._take(f"{name}.conv.weight", (middle, 1, kernel, kernel)).reshape(middle, -1).T
        return self._product(weight * gain, shift, kernel * kernel)

    def _temporal(self, name: str, middle: int, taps: int) -> native.Product:
        if taps == 1:
            return native.Product()
        gain, shift = self._affine(f"{name}.norm", middle)
        weight = np.stack([self._take(f"{name}.taps.{index}", (middle, 1, 1)).ravel() for index in range(taps)])
        return self._product(weight * gain, shift, taps)

    def _product(self, weight: Doubles, bias: Doubles, rows: int | None = None) -> native.Product:
        inputs, outputs = weight.shape
        whole = np.zeros((rows or padded(inputs), padded(outputs)), np.float32)
        whole[:inputs, :outputs] = weight
        ends = np.zeros(padded(outputs), np.float32)
        ends[:outputs] = bias
        return native.Product(self._keep(whole), self._keep(ends))

    def _frequencies(self, blocks: list[BlockSpec]) -> Any:
        """Vaswani et al. 2017, arXiv:1706.03762: a sine for each channel's mean so far, a cosine for the frame's."""
        rows = [np.zeros(padded(block.expand), np.float32) for block in blocks]
        for row, block in zip(rows, blocks, strict=True):
            power = np.arange(0, 2 * block.expand, 2, dtype=np.float32) / np.float32(2 * block.expand)
            row[: block.expand] = np.float32(1.0) / np.power(np.float32(10_000.0), power)
        return self._keep(np.concatenate(rows))

    def _keep(self, values: Array) -> Any:
        self._kept.append(values)
        return native.pointer(values)
