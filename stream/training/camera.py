"""What cheap cameras and codecs do to a clip."""

import io
import math
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from stream.play.sprites import Canvas, Rng

Frames = npt.NDArray[np.uint8]
"""(T, S, S, 3) RGB."""


def film(rng: Rng, clip: Canvas) -> Frames:
    """Blur a (T, S, S, 3) clip in [0, 1]; expose it, darken it, add noise, compress it: each of these now and then."""
    if rng.random() < 0.35:
        clip = _blur(clip, rng.uniform(0.1, 0.5))
    clip = clip * _exposure(rng, len(clip))[:, None, None, None]
    if rng.random() < 0.5:
        clip = np.clip(clip, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.25)))
    is_dark = rng.random() < 0.12
    if is_dark:
        clip = clip * np.float32(rng.uniform(0.08, 0.4))
    if is_dark or rng.random() < 0.7:
        clip = clip + rng.exponential(0.02) * rng.standard_normal(clip.shape, np.float32)
    frames, codec = develop(clip), rng.random()
    if codec < 0.2:
        return _jpeg(frames, int(rng.integers(25, 90)))
    return _h264(frames, int(rng.integers(24, 38))) if codec < 0.4 else frames


def develop(clip: Canvas) -> Frames:
    """Turn light into bytes."""
    return (np.clip(clip, 0, 1) * 255).astype(np.uint8)


def defocus(picture: Canvas, radius_px: int) -> Canvas:
    """Blur an (H, W, 3) picture as a lens does that is focused on something nearer: a box, twice each way."""
    for _ in range(4):
        picture = _box(picture, radius_px).swapaxes(0, 1)
    return np.ascontiguousarray(picture)


def _box(picture: Canvas, radius_px: int) -> Canvas:
    """Average every pixel with `radius_px` others above and below it."""
    width = 2 * radius_px + 1
    sums = np.cumsum(np.pad(picture, ((radius_px + 1, radius_px), (0, 0), (0, 0)), "symmetric"), axis=0)
    return np.asarray((sums[width:] - sums[:-width]) / width, np.float32)


def _exposure(rng: Rng, frames: int) -> Canvas:
    """A gain for each frame: flicker, and one camera in five that corrects itself slowly."""
    gain = rng.normal(0, 0.15) + rng.exponential(0.02) * rng.normal(0, 1, frames)
    if rng.random() < 0.2:
        pace, phase = rng.uniform(0.05, 0.4), rng.uniform(0, 2 * math.pi)
        gain += rng.uniform(0.05, 0.3) * np.sin(2 * math.pi * pace * np.arange(frames) / 10 + phase)
    return np.exp(gain).astype(np.float32)


def _blur(clip: Canvas, share: float) -> Canvas:
    """Mix every pixel with its neighbours, both ways."""
    for axis in (1, 2):
        clip = clip * (1 - share) + (np.roll(clip, 1, axis) + np.roll(clip, -1, axis)) * np.float32(share / 2)
    return clip


def _jpeg(frames: Frames, quality: int) -> Frames:
    def again(frame: Frames) -> Frames:
        with io.BytesIO() as file:
            Image.fromarray(frame).save(file, "JPEG", quality=quality)
            return np.asarray(Image.open(file))

    return np.stack([again(frame) for frame in frames])


def _h264(frames: Frames, quantiser: int) -> Frames:
    """Encode and decode a clip as a camera's stream is: one thread, no frames that wait for later ones."""
    encoder, decoder = av.CodecContext.create("libx264", "w"), av.CodecContext.create("h264", "r")
    encoder.height, encoder.width = frames.shape[1:3]
    encoder.pix_fmt, encoder.time_base, encoder.thread_count = "yuv420p", Fraction(1, 10), 1
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "qp": str(quantiser)}
    decoder.thread_count = 1
    pictures = (av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24") for frame in frames)
    packets = [packet for picture in (*pictures, None) for packet in encoder.encode(picture)]
    decoded = [frame for packet in (*packets, None) for frame in decoder.decode(packet)]
    return np.stack([frame.to_ndarray(format="rgb24") for frame in decoded])
