"""Small real videos and pictures, made on the spot: a square that moves over a coloured ramp."""

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np

from stream.types import Rgb
from tests.encoding import TICK, encode

FPS = 10


def evenly(count: int, fps: float = FPS) -> list[float]:
    return [i / fps for i in range(count)]


def square(index: int, width_px: int = 160, height_px: int = 120) -> Rgb:
    """Draw frame `index`: a white square that goes from left to right, 4 px a frame."""
    picture = np.empty((height_px, width_px, 3), np.uint8)
    picture[..., 0] = np.linspace(40, 200, width_px, dtype=np.uint8)
    picture[..., 1] = np.linspace(40, 200, height_px, dtype=np.uint8)[:, None]
    picture[..., 2] = 90
    left_px = (8 + 4 * index) % (width_px - 32)
    picture[40:72, left_px : left_px + 32] = 255
    return picture


def write(
    path: Path,
    times_s: Iterable[float] | None = None,
    codec: str = "libx264",
    size: tuple[int, int] = (160, 120),
    options: dict[str, str] | None = None,
) -> Path:
    """Write a video with a frame at each of `times_s`: two seconds at `FPS` by default."""
    times = list(evenly(2 * FPS) if times_s is None else times_s)
    pictures = (square(index, *size) for index in range(len(times)))
    return encode(path, pictures, FPS, times_s=times, codec=codec, options=options)


def write_sound(path: Path, options: dict[str, str] | None = None) -> Path:
    """Write a tenth of a second of silence, and no video."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream("mp2", rate=44_100, layout="mono")
        for index in range(4):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = 44_100, 1152 * index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def png(picture: Rgb, pixels: str = "rgb24") -> bytes:
    """Encode as PNG with FFmpeg's pixel format `pixels`."""
    context = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt = picture.shape[1], picture.shape[0], pixels
    context.time_base = TICK
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)
    return b"".join(map(bytes, [*context.encode(frame), *context.encode(None)]))
