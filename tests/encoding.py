"""Writes a video of given pictures."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av

from stream.types import Rgb

TICK = Fraction(1, 1000)


def encode(
    path: Path,
    pictures: Iterable[Rgb],
    fps: int,
    *,
    times_s: Iterable[float] | None = None,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
) -> Path:
    """Write pictures of one size, (H, W, 3), at a rate, or each at its own time; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times = iter(times_s) if times_s is not None else (index / fps for index in range(10**9))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", TICK
        for index, (picture, time_s) in enumerate(zip(pictures, times, strict=False)):
            if not index:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(time_s / TICK), TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
