"""Small real videos of two or three classes that a small network can tell in seconds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.encoding import encode

COLOURS = {"red": (200, 40, 40), "blue": (40, 60, 200), "green": (40, 180, 60)}


def picture(rng: np.random.Generator, colour: str) -> np.ndarray:
    """A box of one colour somewhere on noise."""
    found = rng.integers(60, 120, (48, 64, 3), dtype=np.uint8)
    left, top = rng.integers(0, 32), rng.integers(0, 20)
    found[top : top + 28, left : left + 32] = COLOURS[colour]
    return found


def write(path: Path, colours: Sequence[str], seed: int = 0, fps: int = 20) -> Path:
    """Write a video whose frame i shows a box of colours[i]."""
    rng = np.random.default_rng(seed)
    return encode(path, [picture(rng, colour) for colour in colours], fps, options={"preset": "ultrafast"})


def folder(root: Path, classes: Sequence[str] = ("red", "blue"), clips: int = 6) -> Path:
    """Write clips of half a second to a second, in folders of their class."""
    for number in range(clips):
        for place, colour in enumerate(classes):
            write(root / colour / f"{number}.mp4", [colour] * (12 + number), seed=10 * number + place)
    return root
