"""Films and pictures stored lying, as phones store them, with a note of how they stand."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from stream.orientation import Orientation
from stream.types import Rgb
from tests import clips

WAYS = [Orientation(turns, is_mirrored) for turns in range(4) for is_mirrored in (False, True)]
FPS = 10


def stored(picture: Rgb, way: Orientation) -> Rgb:
    """Return an upright picture as a camera stores it that was held so: the opposite of what `way` does."""
    turned = np.rot90(picture, way.quarter_turns)
    return np.ascontiguousarray(turned[:, ::-1] if way.is_mirrored else turned)


def write(path: Path, way: Orientation, count: int = 20, aspect: Fraction = Fraction(1)) -> Path:
    """Write the moving square of `clips`, stored lying, with a display matrix that says so."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS)
        video.pix_fmt = "yuv420p"
        video.height, video.width = stored(clips.square(0), way).shape[:2]
        video.codec_context.sample_aspect_ratio = aspect
        # PyAV turns first, against the clock, and mirrors after it
        turns = way.quarter_turns if way.is_mirrored else -way.quarter_turns
        video.set_display_rotation(90 * turns, hflip=way.is_mirrored)
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(stored(clips.square(index), way), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path
