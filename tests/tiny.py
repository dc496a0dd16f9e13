"""Real nets, small pictures, random weights: a fresh net multiplies its blocks by zero and would test nothing."""

from pathlib import Path
from typing import Any

import torch

from stream.cards import Card
from stream.exporters import publish
from stream.nets.movinet import MoViNet, build

torch.set_num_threads(1)  # on a busy machine its threads wait for each other, a hundred times longer than they compute

LABELS = ("one", "two", "three", "four", "five")

CARDS: dict[str, dict[str, Any]] = {
    "relu6": {"variant": "t0", "side_px": 32},
    "clip": {"variant": "t0", "side_px": 33, "gate": "clip", "memory_s": 1.5, "classifier_activation": "hard_swish"},
    "plain": {
        **{"variant": "t0", "side_px": 33, "activation": "relu6", "se_type": "none"},
        **{"classifier_activation": "relu6", "memory_s": 1.0},
    },
    "positional": {"variant": "a3", "side_px": 32, "memory_s": 2.0, "trained_frames": 8},
}
"""What makes each card different: gates or none, odd and even sides, an endless memory or not, positions that stop."""


def card(which: str, /, **changes: Any) -> Card:
    fixed = {"name": which, "architecture": "movinet", "fps": 5, "labels": LABELS}
    return Card(**(fixed | CARDS[which] | changes))


def net(card: Card, seed: int = 0) -> MoViNet:
    made = build(card).eval()
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in made.state_dict().items():
            if name.endswith(("running_var", "norm.weight", "scale")):
                value.uniform_(0.5, 1.5, generator=random)
            elif value.dtype == torch.float32:
                fan_in = value[0].numel() if value.ndim == 4 else 4
                value.normal_(0.0, fan_in**-0.5, generator=random)
    return made


def write(folder: Path, name: str) -> Card:
    """Export `net(card(name))` and return the card that names the file."""
    made = card(name)
    return publish(net(made), made, folder)[0]
