"""Films of plain colours, a few frames long: what the toy model knows."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

COLOURS = {"dark": (0, 0, 0), "red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def write(path: Path, *parts: tuple[str, int], fps: int = 10) -> Path:
    """Write a film that shows each colour for a number of frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colours: Sequence[str] = [name for name, count in parts for _ in range(count)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, name in enumerate(colours):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), COLOURS[name], np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
