"""Films of plain colours, a few frames long: what the toy model knows."""

from pathlib import Path

import numpy as np

from tests.encoding import encode

COLOURS = {"dark": (0, 0, 0), "red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def write(path: Path, *parts: tuple[str, int], fps: int = 10) -> Path:
    """Write a film that shows each colour for a number of frames."""
    pictures = [np.full((48, 64, 3), COLOURS[name], np.uint8) for name, count in parts for _ in range(count)]
    return encode(path, pictures, fps, options={"crf": "10"})
