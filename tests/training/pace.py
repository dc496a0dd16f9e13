"""How fast streams are made and learned: frames a second of one core each. Run it on a machine that is quiet."""

import argparse
import sys
import time

import torch

from stream.training import gestures, recipes
from stream.training.streams import FitSettings

BATCH = 6
"""Count: streams side by side, as many as one thread learns."""


def making(streams: int, split: str) -> float:
    """Make whole streams; return frames a second of processor time."""
    frames = FitSettings().frames * FitSettings().parts
    gestures.stream((0, 0), frames, split=split)
    begin_s = time.process_time()
    for index in range(streams):
        gestures.stream((1, index), frames, split=split)
    return streams * frames / (time.process_time() - begin_s)


def learning(parts: int) -> float:
    """Compute the gradients of parts of streams in one thread; return frames a second of processor time."""
    torch.set_num_threads(1)
    card, frames = recipes.gestures_recipe().card, FitSettings().frames
    net = recipes.start(card, 1).train().to(memory_format=torch.channels_last)
    pictures = torch.rand(BATCH, 3, frames, card.side_px, card.side_px)
    for part in range(parts + 1):
        if part == 1:
            begin_s = time.process_time()
        net.frames(pictures, net.init_state(BATCH), card.decay)[0].sum().backward()
    return parts * BATCH * frames / (time.process_time() - begin_s)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=100, help="count of streams made")
    parser.add_argument("--parts", type=int, default=8, help="count of parts learned")
    asked = parser.parse_args()
    for split in ("training", "evaluation"):
        sys.stdout.write(f"made, {split}: {making(asked.streams, split):.0f} frames a second\n")
    sys.stdout.write(f"learned: {learning(asked.parts):.0f} frames a second\n")
