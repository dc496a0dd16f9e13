"""MoViNet t0, A0-A5, stream and base: clip, chunk and single frame from one set of weights.

Paper: Kondratyuk et al. 2021, "MoViNets: Mobile Video Networks for Efficient Video Recognition", arXiv:2103.11511.
Code it equals: `tf-models-official` 2.20.0 (Apache-2.0); `make parity` proves it. Licence of this file: Apache-2.0.
"""

from typing import Any

import torch
from torch import Tensor, nn

from stream.cards import Card
from stream.errors import ShapeError
from stream.nets import _movinet_specs
from stream.nets._movinet_layers import (
    ACTIVATIONS,
    BaseFeature,
    ConvNorm,
    Skip,
    SqueezeExcitation,
    StreamFeature,
    Walk,
    initialise,
    make_divisible,
)
from stream.nets._movinet_specs import COUNT, HEAD, POSITION, BlockSpec, NetSpec
from stream.nets.base import TensorState


def build(card: Card) -> "MoViNet":
    """Make the card's network with fresh weights.

    Raises:
        UnknownPart: the card names a variant that is not in the table.
    """
    return MoViNet(card, _movinet_specs.find(card.variant))


class Block(nn.Module):
    """An inverted bottleneck: expand, depthwise, weigh the channels, project, scale, add the skip."""

    def __init__(self, card: Card, spec: BlockSpec, is_positional: bool) -> None:
        super().__init__()
        is_stream, expand, activation = card.kind == "stream", spec.expand, card.main_activation
        self.expand = ConvNorm(spec.inputs, expand, activation=activation)
        self.feature: nn.Module
        if is_stream:
            self.feature = StreamFeature(expand, spec.taps, spec.kernel, spec.stride, spec.name, activation)
        else:
            self.feature = BaseFeature(expand, spec.taps, spec.kernel, spec.stride, activation)
        self.se = _squeeze(card, spec, is_positional) if card.has_se else None
        self.project = ConvNorm(expand, spec.outputs)
        self.scale = nn.Parameter(torch.zeros(()))  # ReZero
        is_reshaped = spec.stride > 1 or spec.inputs != spec.outputs
        self.skip = Skip(spec.inputs, spec.outputs, spec.stride) if is_reshaped else None

    def forward(self, x: Tensor, walk: Walk, counts: Tensor, position: Tensor | None) -> Tensor:
        """(B * T, C, H, W) -> (B * T, C', ceil(H / stride), ceil(W / stride))."""
        y: Tensor = self.feature(self.expand(x), walk)
        y = self.project(y if self.se is None else self.se(y, walk, counts, position)) * self.scale
        return y + (self.skip(x) if self.skip is not None else x)


def _squeeze(card: Card, spec: BlockSpec, is_positional: bool) -> SqueezeExcitation:
    is_stream = card.kind == "stream"
    hidden = make_divisible(0.25 * spec.expand * (2 if is_stream else 1))
    limit = card.trained_frames if is_stream and is_positional else None
    name = spec.name if is_stream else None
    return SqueezeExcitation(spec.expand, hidden, card.gate, card.main_activation, name, limit)


class MoViNet(nn.Module):
    """Satisfies `nets.base.Net`; a base net has an empty state and needs its whole clip at once."""

    def __init__(self, card: Card, spec: NetSpec) -> None:
        super().__init__()
        self.card, self.spec = card, spec
        activation = card.main_activation
        self.stem = ConvNorm(3, spec.stem_filters, 3, 2, activation=activation)
        self.blocks = nn.ModuleDict(
            {block.name: Block(card, block, spec.is_positional) for block in spec.blocks(card.side_px)}
        )
        self.project = ConvNorm(spec.stages[-1].filters, spec.project_filters, activation=activation)
        self.dense = nn.Conv2d(spec.project_filters, spec.head_filters, 1)
        self.classifier = nn.Conv2d(spec.head_filters, len(card.labels), 1)
        initialise(self.modules())
        nn.init.normal_(self.classifier.weight, std=0.01)

    def init_state(self, batch: int = 1) -> TensorState:
        """Return the state of `batch` streams that have seen nothing: zeros; empty for a base net."""
        return {name: torch.zeros(batch, *shape) for name, shape in self.state_shapes().items()}

    def state_shapes(self) -> dict[str, tuple[int, int, int]]:
        """List every state of one row, in the order of the network: name -> (C, H, W)."""
        if self.card.kind == "base":
            return {}
        return self.spec.state_shapes(self.card.side_px, self.card.has_se)

    def forward(self, clip: Tensor, state: TensorState, decay: float | Tensor = 1.0) -> tuple[Tensor, TensorState]:
        """Advance by one clip; see `nets.base.Net.forward`.

        Raises:
            ShapeError: `clip` is not (B, 3, T, S, S) of the card's side.
        """
        features, after = self._features(clip, state, decay)
        return self._classify(features[:, -1]), after

    def frames(self, clip: Tensor, state: TensorState, decay: float | Tensor = 1.0) -> tuple[Tensor, TensorState]:
        """Advance by one clip and return the logits after every frame, (B, T, K), as training needs them."""
        features, after = self._features(clip, state, decay)
        return self._classify(features.flatten(0, 1)).view(*features.shape[:2], -1), after

    def hidden(
        self, clip: Tensor, state: TensorState, decay: float | Tensor = 1.0, layer: str = "classifier"
    ) -> tuple[Tensor, TensorState]:
        """Advance by one clip and return what a layer of the head is given at every frame.

        Args:
            clip: as `forward` takes it.
            state: likewise.
            decay: likewise.
            layer: `classifier` or `dense`, for (B, T, C); `project`, for the maps before the pool, (B, T, C, H, W).
        """
        if layer == "project":
            walk, _, maps = self._maps(clip, state, decay)
            return walk.in_time(maps), state  # the head's pool is not advanced, so neither is the state
        features, after = self._features(clip, state, decay)
        found = features.flatten(0, 1)
        found = self._embed(found) if layer == "classifier" else found
        return found.view(*features.shape[:2], -1), after

    def _features(self, clip: Tensor, state: TensorState, decay: float | Tensor) -> tuple[Tensor, TensorState]:
        """Return the pooled features after every frame, (B, T, C, 1, 1); one for the whole clip of a base net."""
        walk, counts, x = self._maps(clip, state, decay)
        is_stream = self.card.kind == "stream"
        x = self.project(x).mean((2, 3), keepdim=True)  # (B * T, C, 1, 1)
        if is_stream:
            x = walk.accumulate(HEAD, x) / counts
        x = walk.in_time(x)
        after = {name: walk.after[name] for name in state}
        return (x if is_stream else x.mean(1, keepdim=True)), after

    def _maps(self, clip: Tensor, state: TensorState, decay: float | Tensor) -> tuple[Walk, Tensor, Tensor]:
        """Walk through stem and blocks: the walk, the count of frames pooled, and the maps, (B * T, C, H, W)."""
        side = self.card.side_px
        if clip.ndim != 5 or clip.shape[1] != 3 or clip.shape[2] < 1 or clip.shape[3:] != (side, side):
            raise ShapeError(f"clip is {tuple(clip.shape)}; {self.card.name} takes (B, 3, T >= 1, {side}, {side})")
        walk = Walk(clip, state, decay)
        ones = clip.new_ones(walk.batch * walk.frames, 1, 1, 1)
        counts = walk.accumulate(COUNT, ones) if self.card.kind == "stream" else ones
        position = walk.advance(POSITION, self.card.trained_frames) if POSITION in state else None
        x = self.stem(clip.transpose(1, 2).flatten(0, 1))  # (B * T, C, H, W)
        for block in self.blocks.values():
            x = block(x, walk, counts, position)
        return walk, counts, x

    def _classify(self, features: Tensor) -> Tensor:
        """(N, C, 1, 1) -> (N, K)."""
        logits: Tensor = self.classifier(self._embed(features))
        return logits.flatten(1)

    def _embed(self, features: Tensor) -> Tensor:
        """(N, C, 1, 1) -> (N, C', 1, 1), what the last layer is given."""
        return ACTIVATIONS[self.card.classifier_activation](self.dense(features))

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Tensor, TensorState]:
        """Call `forward`; here only to keep its types."""
        result: tuple[Tensor, TensorState] = super().__call__(*args, **kwargs)
        return result
