"""MoViNet's layers. Between layers a clip is (B * T, C, H, W): every frame a picture, so that all but time is 2-D.

Written from `tf-models-official` 2.20.0, `official/projects/movinet/modeling/movinet_layers.py` and
`official/vision/modeling/layers/nn_layers.py` (Apache-2.0), to give the same numbers.
"""

from collections.abc import Callable, Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stream.nets.base import TensorState

Activation = Callable[[Tensor], Tensor]

GATES: dict[str, Activation] = {
    "relu6": lambda x: F.relu6(x + 3.0) * 0.16667,  # the official code's rounding of 1/6
    "clip": lambda x: torch.clamp(0.2 * x + 0.5, 0.0, 1.0),
    "sigmoid": torch.sigmoid,
}
"""Gate of the squeeze-excitation, by its name in the card."""

ACTIVATIONS: dict[str, Activation] = {"hard_swish": F.hardswish, "swish": F.silu, "relu6": F.relu6}
"""Activation of convolutions and of the head, by its name in the card."""


class Walk:
    """One pass over a clip: the state read, the state being written, and the clocks of every row."""

    def __init__(self, clip: Tensor, state: TensorState, decay: float | Tensor) -> None:
        self.batch, self.frames = clip.shape[0], clip.shape[2]
        self.before = state
        self.after: TensorState = {}
        rate = torch.as_tensor(decay, dtype=torch.float32, device=clip.device)
        self.decay = rate.reshape(-1, 1, 1, 1).expand(self.batch, 1, 1, 1)

    def in_time(self, x: Tensor) -> Tensor:
        """Unfold (B * T, C, H, W) to (B, T, C, H, W)."""
        return x.view(self.batch, self.frames, *x.shape[1:])

    def accumulate(self, name: str, x: Tensor) -> Tensor:
        """Add T frames to a forgetting sum: (B * T, C, 1, 1) -> the sum after each of them, same shape."""
        total, sums = self.before[name], []
        for frame in self.in_time(x).unbind(1):
            total = total * self.decay + frame
            sums.append(total)
        self.after[name] = total
        return torch.stack(sums, 1).flatten(0, 1)

    def advance(self, name: str, limit: int) -> Tensor:
        """Count T positions on and return each frame's own, (B * T, 1, 1, 1); who forgets stops below `limit`."""
        steps = torch.arange(self.frames + 1, device=self.decay.device).view(1, -1, 1, 1, 1)
        positions = self.before[name].unsqueeze(1) + steps  # (B, T + 1, 1, 1, 1)
        held = positions.clamp(max=limit - 1)
        positions = torch.where(self.decay.unsqueeze(1) < 1.0, held, positions)
        self.after[name] = positions[:, -1]
        return positions[:, :-1].flatten(0, 1)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return TensorFlow's SAME padding before and after: the odd pixel goes after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def layout(x: Tensor) -> torch.memory_format:
    """Return how (N, C, H, W) lies in memory: convolutions of pictures whose channels come last train far faster."""
    is_last = x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if is_last else torch.contiguous_format


class ConvNorm(nn.Module):
    """A convolution over each picture with SAME padding, batch norm and an activation."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        activation: str | None = None,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)
        self.activation = activation
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', ceil(H / stride), ceil(W / stride))."""
        top, bottom = same_padding(x.shape[2], self.kernel, self.stride)
        left, right = same_padding(x.shape[3], self.kernel, self.stride)
        if (top, left) == (bottom, right):
            conv = self.conv
            x = F.conv2d(x, conv.weight, None, conv.stride, (top, left), 1, conv.groups)
        else:
            x = self.conv(F.pad(x, (left, right, top, bottom)))
        x = self.norm(x)
        return ACTIVATIONS[self.activation](x) if self.activation else x


class TemporalConvNorm(nn.Module):
    """A causal depthwise convolution over time, its past from the stream buffer; batch norm and an activation."""

    def __init__(self, channels: int, taps: int, state_name: str, activation: str) -> None:
        super().__init__()
        self.activation = activation
        self.taps = nn.ParameterList(nn.Parameter(torch.empty(channels, 1, 1)) for _ in range(taps))  # oldest first
        self.norm = nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
        self.state_names = tuple(f"{state_name}_stream_buffer_{age}" for age in range(taps - 1))  # oldest first

    def forward(self, x: Tensor, walk: Walk) -> Tensor:
        """(B * T, C, H, W) -> the same shape."""
        past = [walk.before[name].unsqueeze(1) for name in self.state_names]
        timeline = torch.cat([*past, walk.in_time(x)], 1)  # (B, taps - 1 + T, C, H, W)
        for name, frame in zip(self.state_names, timeline[:, walk.frames :].unbind(1), strict=True):
            walk.after[name] = frame
        y = sum(tap * timeline[:, i : i + walk.frames] for i, tap in enumerate(self.taps))
        x = self.norm(cast(Tensor, y).flatten(0, 1).contiguous(memory_format=layout(x)))
        return ACTIVATIONS[self.activation](x)


class StreamFeature(nn.Module):
    """The stream form's depthwise part: over each picture, then over time."""

    def __init__(self, channels: int, taps: int, kernel: int, stride: int, state_name: str, activation: str) -> None:
        super().__init__()
        self.spatial = ConvNorm(channels, channels, kernel, stride, channels, activation)
        self.temporal = TemporalConvNorm(channels, taps, state_name, activation) if taps > 1 else None

    def forward(self, x: Tensor, walk: Walk) -> Tensor:
        """(B * T, C, H, W) -> (B * T, C, ceil(H / stride), ceil(W / stride))."""
        x = self.spatial(x)
        return self.temporal(x, walk) if self.temporal is not None else x


class BaseFeature(nn.Module):
    """The base form's depthwise part: one 3-D convolution that sees the future too."""

    def __init__(self, channels: int, taps: int, kernel: int, stride: int, activation: str) -> None:
        super().__init__()
        self.activation = activation
        self.conv = nn.Conv3d(
            channels, channels, (taps, kernel, kernel), (1, stride, stride), groups=channels, bias=False
        )
        self.norm = nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
        self.shape = (taps, kernel, stride)

    def forward(self, x: Tensor, walk: Walk) -> Tensor:
        """(B * T, C, H, W) -> (B * T, C, ceil(H / stride), ceil(W / stride))."""
        taps, kernel, stride = self.shape
        pads = (same_padding(x.shape[3], kernel, stride), same_padding(x.shape[2], kernel, stride))
        clip = F.pad(walk.in_time(x).transpose(1, 2), (*pads[0], *pads[1], taps // 2, taps // 2))
        y = self.conv(clip).transpose(1, 2).flatten(0, 1)  # (B * T, C, H', W')
        return ACTIVATIONS[self.activation](self.norm(y))


class SqueezeExcitation(nn.Module):
    """Weigh the channels by what was seen so far and, in the stream form, by what is seen now."""

    def __init__(
        self,
        channels: int,
        hidden: int,
        gate: str,
        activation: str,
        state_name: str | None,
        position_limit: int | None,
    ) -> None:
        super().__init__()
        self.activation = activation
        squeezed = channels if state_name is None else 2 * channels
        self.reduce = nn.Conv2d(squeezed, hidden, 1)
        self.expand = nn.Conv2d(hidden, channels, 1)
        self.gate, self.state_name = gate, state_name
        self.position = PositionalEncoding(squeezed, position_limit) if position_limit is not None else None

    def forward(self, x: Tensor, walk: Walk, counts: Tensor, position: Tensor | None) -> Tensor:
        """(B * T, C, H, W) -> the same shape."""
        now, activation = x.mean((2, 3), keepdim=True), ACTIVATIONS[self.activation]
        if self.state_name is None:
            mean = walk.in_time(now).mean(1, keepdim=True).expand(-1, walk.frames, -1, -1, -1).flatten(0, 1)
            return x * GATES[self.gate](self.expand(activation(self.reduce(mean))))
        so_far = walk.accumulate(f"{self.state_name}_pool_buffer", now) / counts
        squeezed = torch.cat([so_far, now], 1)
        if self.position is not None and position is not None:
            squeezed = self.position(squeezed, position)
        return x * GATES[self.gate](self.expand(activation(self.reduce(squeezed))))


class PositionalEncoding(nn.Module):
    """Add a weighed sinusoid of the frame's index (Vaswani et al. 2017, arXiv:1706.03762)."""

    frequencies: Tensor

    def __init__(self, channels: int, limit: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(()))
        self.limit = limit
        power = torch.arange(0, channels, 2, dtype=torch.float32) / channels
        frequencies = (1.0 / torch.pow(torch.tensor(10_000.0), power)).view(1, -1, 1, 1)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        """(B * T, C, 1, 1) and (B * T, 1, 1, 1) -> (B * T, C, 1, 1)."""
        angles = position * self.frequencies
        return x + self.scale * torch.cat([angles.sin(), angles.cos()], 1)


class Skip(nn.Module):
    """The way around a block that changes the shape."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.project = ConvNorm(inputs, outputs)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', ceil(H / stride), ceil(W / stride))."""
        y: Tensor = self.project(average_pool(x) if self.stride > 1 else x)
        return y


def average_pool(x: Tensor) -> Tensor:
    """Halve H and W by 3x3 means, SAME padding; a mean at the border counts the cells inside only, as TensorFlow's."""
    top, bottom = same_padding(x.shape[2], 3, 2)
    left, right = same_padding(x.shape[3], 3, 2)
    pads = (left, right, top, bottom)
    inside = F.pad(torch.ones_like(x[:1, :1]), pads)
    return F.avg_pool2d(F.pad(x, pads), 3, 2) / F.avg_pool2d(inside, 3, 2)


def make_divisible(value: float, divisor: int = 8) -> int:
    """Round to the nearest multiple, never down by more than a tenth."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def initialise(modules: Iterable[nn.Module]) -> None:
    """He-normal convolutions, zero biases: the official start. Scales start at zero, norms at identity."""
    for module in modules:
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, TemporalConvNorm):
            for tap in module.taps:
                nn.init.normal_(tap, std=(2.0 / len(module.taps)) ** 0.5)
