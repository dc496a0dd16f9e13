"""A MoViNet's step of one frame as a PyTorch module, for converters that read those: at most four dimensions.

The same walk as `_movinet.py`, with the net's own layers: in go `image`, `decay` and every state by its name; out come
the logits and only fresh tensors, see `stream/steps.py`.
"""

from typing import cast

import torch
from torch import Tensor, nn

from stream import steps
from stream.nets._movinet_layers import ACTIVATIONS, GATES, SqueezeExcitation, StreamFeature, TemporalConvNorm
from stream.nets._movinet_specs import COUNT, HEAD, POSITION
from stream.nets.base import TensorState
from stream.nets.movinet import Block, MoViNet


class FrameStep(nn.Module):
    """One row, one frame; called with the names of the inputs as keywords."""

    def __init__(self, net: MoViNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor, decay: Tensor, **state: Tensor) -> TensorState:
        """(1, 3, S, S), (1, 1, 1, 1) and the states -> the logits, (1, K), and what is fresh, by name."""
        walk, net = _Walk(state, decay), self.net
        counts = walk.add(COUNT, torch.ones_like(decay))
        position = walk.advance(net.card.trained_frames) if POSITION in state else None
        x = net.stem(image)
        for block in net.blocks.values():
            x = _block(cast(Block, block), x, walk, counts, position)
        x = walk.add(HEAD, net.project(x).mean((2, 3), keepdim=True)) / counts
        logits = net.classifier(ACTIVATIONS[net.card.classifier_activation](net.dense(x)))
        return {steps.LOGITS: logits.flatten(1), **walk.fresh}


class _Walk:
    """The states read, and what is made of them."""

    def __init__(self, state: TensorState, decay: Tensor) -> None:
        self.state, self.decay = state, decay
        self.fresh: TensorState = {}

    def add(self, name: str, x: Tensor) -> Tensor:
        """Add to a forgetting sum."""
        self.fresh[steps.NEXT + name] = total = self.state[name] * self.decay + x
        return total

    def advance(self, limit: int) -> Tensor:
        """Return this frame's position; who forgets stops below `limit`."""
        now = self.state[POSITION]
        now, after = (torch.where(self.decay < 1, at.clamp(max=limit - 1), at) for at in (now, now + 1))
        self.fresh[steps.NEXT + POSITION] = after
        return now


def _block(block: Block, x: Tensor, walk: _Walk, counts: Tensor, position: Tensor | None) -> Tensor:
    feature = cast(StreamFeature, block.feature)
    y = feature.spatial(block.expand(x))
    if feature.temporal is not None:
        y = _temporal(feature.temporal, y, walk)
    if block.se is not None:
        y = _squeeze(block.se, y, walk, counts, position)
    y = block.project(y) * block.scale
    return cast(Tensor, y + (x if block.skip is None else block.skip(x)))


def _temporal(layer: TemporalConvNorm, x: Tensor, walk: _Walk) -> Tensor:
    walk.fresh[steps.NEXT + layer.state_names[-1]] = x
    frames = (*(walk.state[name] for name in layer.state_names), x)
    total = sum(tap * frame for tap, frame in zip(layer.taps, frames, strict=True))
    return ACTIVATIONS[layer.activation](layer.norm(total))


def _squeeze(layer: SqueezeExcitation, x: Tensor, walk: _Walk, counts: Tensor, position: Tensor | None) -> Tensor:
    now = x.mean((2, 3), keepdim=True)
    so_far = walk.add(f"{layer.state_name}_pool_buffer", now) / counts
    squeezed = torch.cat([so_far, now], 1)
    if layer.position is not None and position is not None:
        squeezed = layer.position(squeezed, position)
    return x * GATES[layer.gate](layer.expand(ACTIVATIONS[layer.activation](layer.reduce(squeezed))))
