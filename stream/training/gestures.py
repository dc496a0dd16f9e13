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
MIXTURE = (motions.OTHER_MOTION,) * 4 + ("push", "pull") * 2 + motions.GESTURES
"""What is played: `other motion` is many things, and what comes or goes is learnt last, so these come more often."""


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
    seed: tuple[int, ...], frames: int, difficulty: float = 1.0, split: str = "training", **changes: Any
) -> Stream:
    """Make one stream; the same seed gives the same stream.

    Args:
        seed: any number of whole numbers.
        frames: count.
        difficulty: in [0, 1]: how likely each of these is: small movers, rich backgrounds, a bad camera.
        split: training or evaluation.
        changes: to its `gestures.Script`.
    """
    rng = np.random.default_rng(seed)
    aspect = float(np.exp(rng.normal(math.log(4 / 3), 0.25)))
    is_small, is_rich, is_shaken, is_bad = rng.random(4) < difficulty
    size = None if is_small else rng.uniform(0.3, 0.6)
    script = gestures.Script(classes=MIXTURE, pause_s=_pauses(rng), aspect=aspect, size=size)
    played = gestures.session(rng, frames, FPS, replace(script, **changes), TICKS)
    scene = _Scene(
        _backdrop(rng, split, is_rich),
        tuple(cutouts.cutout(rng, split) for _ in range(motions.MOVERS)),
        aspect,
        _shake(rng, frames * TICKS, 0.02 * is_shaken),
        _shake(rng, frames * TICKS, 0.004 * is_shaken),
        int(rng.integers(1, TICKS + 1)),
    )
    clip = _film(played, scene)
    return Stream(_camera(rng, clip) if is_bad else _bytes(clip), played.labels, played.events)


def _pauses(rng: Rng) -> tuple[float, float]:
    return (0.05, 0.25) if rng.random() < 0.7 else (0.2, 1.2)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is filmed and how."""

    backdrop: Canvas
    """(H, W, 3) what lies behind."""
    cuts: tuple[sprites.Sprite, ...]
    """What the movers look like."""
    aspect: float
    """Width of the scene over its height, before it is stretched to a square."""
    shake: motions.Path
    """(T * ticks, 2) heights: of the camera."""
    tremor: motions.Path
    """(T * ticks, 2) heights: of the movers."""
    exposure: int
    """Ticks of each frame during which light falls in."""


def _film(played: gestures.Session, scene: _Scene) -> Canvas:
    """Draw every frame: (T, S, S, 3) in [0, 1]."""
    movers, camera = played.movers.copy(), played.camera + scene.shake
    movers[:, :, :2] += scene.tremor - scene.shake
    clip = np.empty((len(played.labels), SIDE_PX, SIDE_PX, 3), np.float32)
    for index, canvas in enumerate(clip):
        last = (index + 1) * TICKS
        canvas[:] = sprites.look(scene.backdrop, camera[last - 1], SIDE_PX, SIDE_PX, scene.aspect)
        for cut, poses in zip(scene.cuts, movers, strict=True):
            sprites.paste(canvas, cut, poses[last - scene.exposure : last], scene.aspect)
    return clip


def _shake(rng: Rng, ticks: int, most: float) -> motions.Path:
    """Tremble a little, on both axes: (N, 2) heights. Half of the cameras stand still."""
    t = np.arange(ticks) / (FPS * TICKS)
    size = rng.exponential(most / 2) * (rng.random() < 0.5)
    rates, phases = rng.uniform(0.3, 3.0, (3, 2)), rng.uniform(0, 2 * math.pi, (3, 2))
    waves = np.sin(2 * math.pi * rates * t[:, None, None] + phases) - np.sin(phases)
    return np.asarray(min(size, 1.5 * most) / 2 * waves.mean(axis=1))


def _backdrop(rng: Rng, split: str, is_rich: bool) -> Canvas:
    """A crop of a picture, half as large again as what is seen; sometimes dimmed or drawn, and pale unless rich."""
    side_px = SIDE_PX * 3 // 2
    crop = scenery.crop(rng, split, side_px, 0.35)
    if split == "training" and rng.random() < 0.15:
        crop = sprites.room(rng, side_px, side_px)
    contrast, middle = rng.uniform(0.5, 1.1) * (1.0 if is_rich else 0.3), rng.uniform(0.3, 0.6)
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
    frames = _bytes(clip)
    return _jpeg(frames, int(rng.integers(25, 90))) if rng.random() < 0.25 else frames


def _bytes(clip: Canvas) -> npt.NDArray[np.uint8]:
    return (np.clip(clip, 0, 1) * 255).astype(np.uint8)


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
