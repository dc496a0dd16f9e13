"""Writes the step as most people would export it: `torch.onnx.export` of the PyTorch net, for `make bench`."""

from pathlib import Path

import torch

from stream import cards, shelf
from stream.nets.movinet import MoViNet


class Step(torch.nn.Module):
    """One frame's step whose states are arguments in a row, as an exporter wants them."""

    def __init__(self, net: MoViNet, names: tuple[str, ...], decay: float) -> None:
        super().__init__()
        self.net, self.names, self.decay = net, names, decay

    def forward(self, clip: torch.Tensor, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        logits, after = self.net(clip, dict(zip(self.names, states, strict=True)), self.decay)
        return logits, *(after[name] for name in self.names)


def write(file: Path, out: Path) -> None:
    """Export the net of a card, `out` is an `.onnx` file."""
    card = cards.load(str(file))
    net = shelf.net(card, card.read_weights()).eval()
    state = net.init_state()
    names = tuple(state)
    clip = torch.zeros(1, 3, 1, card.side_px, card.side_px)
    torch.onnx.export(
        Step(net, names, card.decay).eval(),
        (clip, *state.values()),
        str(out),
        input_names=["clip", *names],
        output_names=["logits", *(f"after_{name}" for name in names)],
        external_data=False,
        verbose=False,
    )
