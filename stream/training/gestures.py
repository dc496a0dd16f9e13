"""What the default model learns from: streams of gestures with real textures over real pictures.

Nothing that the evaluation shows is seen in training: shapes, textures and backgrounds are split in the lists of
stream/training/cutouts.py and scenery.py.
"""

import io
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from stream import gestures, motions, sprites
from stream.sprites import Canvas, Rng
from stream.training import cutouts, scenery

SIDE_PX = 80
"""Pixels: side of the square the model sees."""
FPS = 10.0
"""Frames per second."""
TICKS = 4
"""Count: places of the movers per frame; some of them are the exposure."""
MIXTURE = (motions.OTHER_MOTION,) * 3 + motions.GESTURES
"""What is played: `other motion` is many things, so it comes more often."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A training sample."""

    frames: npt.NDArray[np.uint8]
    """(T, S, S, 3) RGB."""
    labels: npt.NDArray[np.int64]
    """(T,) indices into `motions.LABELS`, or `gestures.IGNORE`."""
    events: tuple[gestures.Event, ...]
    """What is played."""


def stream(
    seed: tuple[int, ...], frames: int, split: str = "training", side_px: int = SIDE_PX, **changes: Any
) -> Stream:
    """Make one stream; the same seed gives the same stream. `changes` are to its `gestures.Script`."""
    rng = np.random.default_rng(seed)
    aspect = float(np.exp(rng.normal(math.log(4 / 3), 0.25)))
    script = gestures.Script(classes=MIXTURE, pause_s=_pauses(rng), aspect=aspect)
    played = gestures.session(rng, frames, FPS, replace(script, **changes), TICKS)
    clip = _film(rng, played, split, side_px, aspect)
    return Stream(_camera(rng, clip), played.labels, played.events)


def _pauses(rng: Rng) -> tuple[float, float]:
    return (0.05, 0.3) if rng.random() < 0.6 else (0.2, 1.2)


def _film(rng: Rng, played: gestures.Session, split: str, side_px: int, aspect: float) -> Canvas:
    """Draw every frame: (T, S, S, 3) in [0, 1]."""
    count = len(played.labels)
    backdrop = _backdrop(rng, split, side_px)
    cuts = [cutouts.cutout(rng, split) for _ in range(motions.MOVERS)]
    shake = _shake(rng, count * TICKS)
    movers, camera = played.movers.copy(), played.camera + shake
    movers[:, :, :2] += _shake(rng, count * TICKS, 0.004)
    movers[:, :, :2] -= shake
    exposure = int(rng.integers(1, TICKS + 1))
    clip = np.empty((count, side_px, side_px, 3), np.float32)
    for index in range(count):
        last = (index + 1) * TICKS
        clip[index] = sprites.look(backdrop, camera[last - 1], side_px, side_px, aspect)
        for cut, poses in zip(cuts, movers, strict=True):
            sprites.paste(clip[index], cut, poses[last - exposure : last], aspect)
    return clip


def _shake(rng: Rng, ticks: int, most: float = 0.02) -> motions.Path:
    """Tremble a little, on both axes: (N, 2) heights. Half of the cameras stand still."""
    t = np.arange(ticks) / (FPS * TICKS)
    size = rng.exponential(most / 2) * (rng.random() < 0.5)
    rates, phases = rng.uniform(0.3, 3.0, (3, 2)), rng.uniform(0, 2 * math.pi, (3, 2))
    waves = np.sin(2 * math.pi * rates * t[:, None, None] + phases) - np.sin(phases)
    return np.asarray(min(size, 1.5 * most) / 2 * waves.mean(axis=1))


def _backdrop(rng: Rng, split: str, side_px: int) -> Canvas:
    """A crop of a picture, half as large again as what is seen; sometimes flipped, dimmed or drawn."""
    if split == "training" and rng.random() < 0.15:
        return sprites.room(rng, side_px * 3 // 2, side_px * 3 // 2)
    crop = scenery.crop(rng, split, side_px * 3 // 2, 0.35)
    contrast, middle = rng.uniform(0.5, 1.1), rng.uniform(0.3, 0.6)
    return np.asarray(np.clip((crop - 0.5) * contrast + middle, 0, 1), np.float32)


# --- the camera ---


def _camera(rng: Rng, clip: Canvas) -> npt.NDArray[np.uint8]:
    """Do to a clip what cheap cameras do: blur, exposure, unsteady gain, noise, compression."""
    if rng.random() < 0.35:
        clip = _blur(clip, rng.uniform(0.1, 0.5))
    gain = np.exp(rng.normal(0, 0.15) + rng.exponential(0.02) * rng.normal(0, 1, len(clip)))
    clip = clip * gain[:, None, None, None].astype(np.float32)
    if rng.random() < 0.5:
        clip = np.clip(clip, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.25)))
    if rng.random() < 0.7:
        clip = clip + rng.exponential(0.02) * rng.standard_normal(clip.shape, np.float32)
    frames = (np.clip(clip, 0, 1) * 255).astype(np.uint8)
    return _jpeg(frames, int(rng.integers(25, 90))) if rng.random() < 0.25 else frames


def _blur(clip: Canvas, share: float) -> Canvas:
    """Mix every pixel with its neighbours, both ways."""
    for axis in (1, 2):
        clip = clip * (1 - share) + (np.roll(clip, 1, axis) + np.roll(clip, -1, axis)) * np.float32(share / 2)
    return clip


def _jpeg(frames: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    def again(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        with io.BytesIO() as file:
            Image.fromarray(frame).save(file, "JPEG", quality=quality)
            return np.asarray(Image.open(file))

    return np.stack([again(frame) for frame in frames])
