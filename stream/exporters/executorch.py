"""Writes a stream net for ExecuTorch with the XNNPACK backend, straight from PyTorch.

A program of ExecuTorch has no names: tensors go in and come out in the order of `inputs` and `outputs` in model.json.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime
from torch import Tensor, nn

from stream import steps
from stream.cards import Card
from stream.exporters import _onnxfile, _parity
from stream.exporters._frame import FrameStep
from stream.exporters.base import Bound, Parity
from stream.nets.base import Net
from stream.nets.movinet import MoViNet
from stream.types import Array

SUFFIX, IS_LOADABLE, IS_FOLDED, BOUND = "pte", False, True, Bound(1e-4)


def export(net: Net, card: Card, path: Path, footage: Sequence[Array] = ()) -> Parity:
    """Write the net to `path`; see `exporters.base.Export`."""
    net = _parity.streamable(net, card)
    content = encode(net)
    parity = _parity.compare(net, card, step(content, net), BOUND, footage)
    _onnxfile.write(path, content)
    return parity


def encode(net: MoViNet) -> bytes:
    """Return the program's bytes."""
    side = net.card.side_px
    takes = (torch.zeros(1, 3, side, side), torch.ones(1, 1, 1, 1), *net.init_state().values())
    with torch.no_grad():
        program = torch.export.export(_InOrder(net).eval(), takes)
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    return bytes(lowered.to_executorch().buffer)


def step(content: bytes, net: MoViNet) -> _parity.Step:
    """Return the program's step."""
    method = Runtime.get().load_program(content).load_method("forward")
    states = list(net.state_shapes())
    gives = outputs(states)

    def run(inputs: dict[str, Array]) -> dict[str, Array]:
        takes = [torch.from_numpy(inputs[name].copy()) for name in (steps.IMAGE, steps.DECAY, *states)]
        found = method.execute(takes)
        return {name: value.numpy().copy() for name, value in zip(gives, found, strict=True)}

    return _parity.stepper(run)


def outputs(states: Sequence[str]) -> list[str]:
    """Name what comes out, in its order."""
    return [steps.LOGITS, *(source for source in steps.sources(states).values() if source.startswith(steps.NEXT))]


class _InOrder(nn.Module):
    """The step with its tensors in an order instead of under names."""

    def __init__(self, net: MoViNet) -> None:
        super().__init__()
        self.step, self.states = FrameStep(net), list(net.state_shapes())

    def forward(self, image: Tensor, decay: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        found = self.step(image, decay, **dict(zip(self.states, states, strict=True)))
        return tuple(found[name] for name in outputs(self.states))
