"""What a frozen network makes of some frames of a video, each seen with the frames before it at the model's rate.

A video has more frames than the model uses, so it is read as several streams, each beginning a frame later than the one
before: every frame lies in one of them. What lies too far before a wanted frame to reach it is not computed; this asks
for pools that forget within a frame or so.
"""

import bisect
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from stream.cards import Card
from stream.errors import DecodeError, UsageError
from stream.nets.base import TensorState
from stream.preprocess import preprocess
from stream.resampling import Resampler
from stream.sources import open_source
from stream.types import Array, Frame

CHUNK = 32
"""Count: frames that the network takes at once."""

USUAL_FPS = 25.0
"""Frames per second of a video that does not say."""


def of_frames(net: nn.Module, card: Card, layer: str, video: Path, wanted: Sequence[int]) -> dict[int, Array]:
    """Return what `layer` is given at each wanted frame: number of the frame -> (C,) float32.

    A frame of a video whose rate varies may lie in no stream; it is left out.

    Args:
        net: the network, in evaluation mode.
        card: its card.
        layer: name of one of its modules; takes (N, C, 1, 1).
        video: a file.
        wanted: numbers of frames, from 0, sorted.

    Raises:
        SourceError: the video cannot be read.
        UsageError: it has fewer frames; says how many.
    """
    caught: list[Tensor] = []
    hook = net.get_submodule(layer).register_forward_pre_hook(lambda _module, given: caught.append(given[0]))
    found: dict[int, Array] = {}
    try:
        with torch.inference_mode(), open_source(str(video)) as source:
            rate = (source.fps or USUAL_FPS) / card.fps
            lanes = [_Lane(net, card, caught, found) for _ in range(max(1, math.ceil(rate - 0.01)))]
            near = math.ceil((reach(net) + 2) * max(1.0, rate))
            count = 0
            for count, frame in enumerate(_frames(source), 1):
                _show(frame, count - 1, lanes, card, wanted, near)
                if count > wanted[-1]:
                    break
            for lane in lanes:
                lane.flush()
    finally:
        hook.remove()
    if count <= wanted[-1]:
        raise UsageError(f"{video} has {count} frames; frame {wanted[-1]} is labelled, the first is number 0")
    return {index: found[index] for index in wanted if index in found}


def reach(net: nn.Module) -> int:
    """Count how many frames back the network's convolutions see; its pools see further, fading."""
    taps = (getattr(module, "taps", None) for module in net.modules())
    return sum(len(tap) - 1 for tap in taps if isinstance(tap, nn.ParameterList))


def _frames(source: Any) -> Iterator[Frame]:
    for packet in source:
        try:
            yield from source.decode(packet)
        except DecodeError:
            continue


def _show(frame: Frame, index: int, lanes: "Sequence[_Lane]", card: Card, wanted: Sequence[int], near: int) -> None:
    """Hand a frame to the streams that use it, if what comes of it can be seen at a wanted one."""
    takers = [lane for lane in lanes[: index + 1] if lane.takes(frame.offset_s)]
    place = bisect.bisect_left(wanted, index)
    if takers and place < len(wanted) and wanted[place] - index <= near:
        clip = torch.from_numpy(preprocess(frame.picture, card))
        for lane in takers:
            lane.add(clip, index if wanted[place] == index else None)


class _Lane:
    """One of the streams."""

    def __init__(self, net: nn.Module, card: Card, caught: list[Tensor], found: dict[int, Array]) -> None:
        self._net, self._card, self._caught, self._found = cast(Any, net), card, caught, found
        self._resampler = Resampler(card.fps)
        self._clips: list[Tensor] = []
        self._wanted: list[int | None] = []
        self._state: TensorState = self._net.init_state(1)

    def takes(self, offset_s: float) -> bool:
        return self._resampler.takes(offset_s)

    def add(self, clip: Tensor, index: int | None) -> None:
        """Take a frame, (1, 3, 1, S, S), and its number where it is wanted."""
        self._clips.append(clip)
        self._wanted.append(index)
        if len(self._clips) == CHUNK:
            self.flush()

    def flush(self) -> None:
        """Step over the frames taken so far."""
        if not self._clips:
            return
        _, self._state = self._net.frames(torch.cat(self._clips, 2), self._state, self._card.decay)
        given = np.asarray(self._caught.pop().flatten(1).numpy(), np.float32)  # (T, C)
        self._found.update({index: row for index, row in zip(self._wanted, given, strict=True) if index is not None})
        self._clips, self._wanted = [], []
