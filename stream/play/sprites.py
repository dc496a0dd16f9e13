"""Draws what moves and what stands still: shapes with a texture over a background. numpy only.

A sprite is a square picture with transparency that is pasted by looking up, for every pixel, where it comes from.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Canvas = npt.NDArray[np.float32]
"""(H, W, 3) RGB in [0, 1], or (H, W) of one channel."""
Poses = npt.NDArray[np.float64]
"""(N, 5): x, y, size, angle, alpha, as in stream/play/gestures.py."""
Reals = npt.NDArray[np.floating[Any]]
"""Of either precision."""
Rng = np.random.Generator

SPRITE_PX = 64
"""Pixels: side of a sprite."""


@dataclass(frozen=True, slots=True)
class Sprite:
    """A picture with transparency, at several sizes."""

    levels: tuple[Canvas, ...]
    """(S, S, 4) RGB times alpha, and alpha; each level is half as large as the one before."""


def sprite(mask: Canvas, texture: Canvas) -> Sprite:
    """Cut `mask` (S, S) out of `texture` (S, S, 3)."""
    level = np.concatenate([texture * mask[..., None], mask[..., None]], axis=2).astype(np.float32)
    level[[0, -1]] = level[:, [0, -1]] = 0
    levels = [level]
    while len(level) > 8:
        level = level.reshape(len(level) // 2, 2, len(level) // 2, 2, 4).mean(axis=(1, 3))
        levels.append(level)
    return Sprite(tuple(levels))


def paste(canvas: Canvas, cut: Sprite, poses: Poses, aspect: float, lean: Poses | None = None) -> None:
    """Draw a sprite into `canvas`, smeared over its poses during the exposure; modifies `canvas`.

    `aspect` is the width of the scene over its height; the canvas may be stretched. `lean`, (2,), is how many heights
    the mover goes on while a rolling shutter reads a whole height of the picture.
    """
    height, width = canvas.shape[:2]
    count, poses = len(poses), poses[poses[:, 4] > 0]
    if not len(poses):
        return
    if len(poses) == count and np.array_equal(poses[0], poses[-1]):
        count, poses = 1, poses[:1]
    reach = 0.71 * poses[:, 2] * (1 if lean is None else 1 + min(0.5, float(np.abs(lean).max())))
    left, right = _span((poses[:, 0] - reach) / aspect, (poses[:, 0] + reach) / aspect, width)
    top, bottom = _span(poses[:, 1] - reach, poses[:, 1] + reach, height)
    if left >= right or top >= bottom:
        return
    x = (((np.arange(left, right) + 0.5) / width - 0.5) * aspect).astype(np.float32)[None, :]
    y = ((np.arange(top, bottom) + 0.5) / height - 0.5).astype(np.float32)[:, None]
    if lean is not None and lean.any():
        x, y = x - np.float32(lean[0]) * (y - poses[0, 1]), y - np.float32(lean[1]) * (y - poses[0, 1])
    layer = _look_up(cut, poses[0], x, y, height)
    for pose in poses[1:]:
        layer += _look_up(cut, pose, x, y, height)
    layer /= np.float32(count)
    box = canvas[top:bottom, left:right]
    box *= 1 - layer[..., 3:]
    box += layer[..., :3]


def _span(low: Poses, high: Poses, pixels: int) -> tuple[int, int]:
    return max(0, math.floor((low.min() + 0.5) * pixels)), min(pixels, math.ceil((high.max() + 0.5) * pixels))


def _look_up(cut: Sprite, pose: Poses, x: Canvas, y: Canvas, height_px: int) -> Canvas:
    """Sample the sprite where each pixel of the box comes from."""
    px, py, size, angle, alpha = (float(value) for value in pose)
    wanted = SPRITE_PX / max(1.0, size * height_px)
    level = cut.levels[min(len(cut.levels) - 1, max(0, round(math.log2(wanted))))]
    scale, c, s = len(level) / size, math.cos(angle), math.sin(angle)
    u = ((x - px) * c + (y - py) * s) * scale + (len(level) - 1) / 2
    v = ((y - py) * c - (x - px) * s) * scale + (len(level) - 1) / 2
    found = bilinear(level, u, v)
    return found if alpha == 1 else found * np.float32(alpha)


def bilinear(picture: Canvas, u: Reals, v: Reals) -> Canvas:
    """Sample `picture` at columns `u` and rows `v`, the border repeated."""
    rows, columns = picture.shape[:2]
    u, v = np.clip(u, 0, columns - 1.001), np.clip(v, 0, rows - 1.001)
    i, j = u.astype(np.int32), v.astype(np.int32)
    a, b = (u - i)[..., None], (v - j)[..., None]
    flat, at = picture.reshape(rows * columns, -1), j * columns + i
    over = flat[at] * (1 - a) + flat[at + 1] * a
    under = flat[at + columns] * (1 - a) + flat[at + columns + 1] * a
    return np.asarray(over * (1 - b) + under * b, np.float32)


def look(
    backdrop: Canvas, camera: Poses, height_px: int, width_px: int, aspect: float, lean: Poses | None = None
) -> Canvas:
    """Return what a camera sees of a backdrop that is mirrored at its borders, smeared over its turn in the exposure.

    `camera`, (2,) or (N, 2), is where it looks, in heights; `lean`, (2,), how far it turns while a rolling shutter
    reads a whole height of the picture.
    """
    places = camera.reshape(-1, 2)
    if np.array_equal(places[0], places[-1]):
        places = places[:1]
    if not places.any():
        return backdrop[:height_px, :width_px].copy()
    y = (np.arange(height_px) + 0.5) / height_px - 0.5
    turn = np.zeros(2) if lean is None or len(places) == 1 else lean
    seen = np.zeros((height_px, width_px, backdrop.shape[2]), np.float32)
    for place in places:
        across, down = place[0] + turn[0] * y, place[1] + turn[1] * y
        rows = _shifted(backdrop, np.arange(height_px) + down * height_px)
        seen += _slid(rows, across / aspect * width_px, width_px)
    return seen / np.float32(len(places))


def _shifted(picture: Canvas, at: Reals) -> Canvas:
    """Take rows of a picture, between two where `at` is not whole."""
    whole = np.floor(at).astype(np.int64)
    share = (at - whole).astype(np.float32)[:, None, None]
    first = picture[_mirrored(whole, len(picture))]
    if share.max() < 0.02:
        return first
    return np.asarray(first * (1 - share) + picture[_mirrored(whole + 1, len(picture))] * share)


def _slid(picture: Canvas, by: Reals, width_px: int) -> Canvas:
    """Take `width_px` columns of a picture, each row begun at its own place."""
    if by[0] == by[-1]:
        return _shifted(picture.swapaxes(0, 1), np.arange(width_px) + by[0]).swapaxes(0, 1)
    whole = np.floor(by).astype(np.int64)
    share, rows = (by - whole).astype(np.float32)[:, None, None], np.arange(len(picture))[:, None]
    found = picture[rows, _mirrored(np.arange(width_px + 1) + whole[:, None], picture.shape[1])]
    return np.asarray(found[:, :-1] * (1 - share) + found[:, 1:] * share)


def _mirrored(index: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    turn = index % (2 * length)
    return np.minimum(turn, 2 * length - 1 - turn)


# --- shapes: masks (S, S) in [0, 1] ---


def grid() -> tuple[Canvas, Canvas]:
    """Return the columns (1, S) and rows (S, 1) of a sprite, from -1 to 1."""
    axis = ((np.arange(SPRITE_PX) + 0.5) / SPRITE_PX * 2 - 1).astype(np.float32)
    return axis[None, :], axis[:, None]


def soft(distance: Canvas) -> Canvas:
    """Turn a signed distance, positive inside, into a mask with a soft edge."""
    return np.clip(distance * SPRITE_PX / 2 + 0.5, 0, 1).astype(np.float32)


def capsule(x0: float, y0: float, x1: float, y1: float, radius: float) -> Canvas:
    """Signed distance, positive inside, to a thick line with round ends."""
    x, y = grid()
    dx, dy = x1 - x0, y1 - y0
    t = np.clip(((x - x0) * dx + (y - y0) * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
    return np.asarray(radius - np.hypot(x - x0 - t * dx, y - y0 - t * dy), np.float32)


def hand(rng: Rng, fingers: int | None = None, thumb: bool | None = None) -> Canvas:
    """A palm with fingers pointing up, perhaps a thumb and a forearm; like a mirror image half of the time."""
    count = int(rng.integers(3, 6)) if fingers is None else fingers
    palm, spread = rng.uniform(0.26, 0.36), rng.uniform(0.15, 0.5)
    shape = capsule(0, 0.15, 0, 0.3, palm)
    for finger in range(count):
        angle = (finger - (count - 1) / 2) * spread / 2 + rng.normal(0, 0.04)
        length = rng.uniform(0.5, 0.68)
        root = (finger - (count - 1) / 2) * palm * 0.5
        tip = (root + length * math.sin(angle), 0.1 - length * math.cos(angle) - 0.15)
        shape = np.maximum(shape, capsule(root, 0.1, *tip, rng.uniform(0.07, 0.1)))
    if rng.random() < 0.7 if thumb is None else thumb:
        shape = np.maximum(shape, capsule(0.1, 0.3, palm + 0.28, rng.uniform(-0.15, 0.1), 0.09))
    if rng.random() < 0.5:
        shape = np.maximum(shape, capsule(0, 0.4, 0, 1.2, palm * 0.7))
    mask = soft(shape)
    return mask if rng.random() < 0.5 else np.ascontiguousarray(mask[:, ::-1])


def ellipse(rng: Rng) -> Canvas:
    """An ellipse."""
    x, y = grid()
    a, b = rng.uniform(0.45, 0.95), rng.uniform(0.6, 0.95)
    return soft((1 - np.hypot(x / a, y / b)) * min(a, b))


def polygon(rng: Rng) -> Canvas:
    """A convex shape of three to six sides."""
    x, y = grid()
    sides, turn = int(rng.integers(3, 7)), rng.uniform(0, 2 * math.pi)
    angles = turn + (np.arange(sides) + rng.uniform(-0.2, 0.2, sides)) * 2 * math.pi / sides
    reach = 0.92 * math.cos(math.pi / sides)
    return soft(np.min([reach - x * math.cos(a) - y * math.sin(a) for a in angles], axis=0))


def blob(rng: Rng) -> Canvas:
    """A rounded, irregular shape."""
    x, y = grid()
    angle, radius = np.arctan2(y, x), 0.62
    edge = sum(rng.normal(0, 0.11 / k) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in range(2, 6))
    return soft(np.asarray(radius + edge - np.hypot(x, y), np.float32))


# --- textures and drawn backgrounds: (S, S, 3) in [0, 1] ---


def noise(rng: Rng, height_px: int, width_px: int, cells: int) -> Canvas:
    """Soft noise of one channel in [0, 1], about `cells` hills across."""
    coarse = rng.random((cells + 2, cells + 2, 1)).astype(np.float32)
    u = np.linspace(0, cells, width_px, dtype=np.float32)[None, :]
    v = np.linspace(0, cells, height_px, dtype=np.float32)[:, None]
    u, v = np.broadcast_arrays(u, v)
    return bilinear(coarse, u, v)[..., 0]


def skin(rng: Rng, side_px: int = SPRITE_PX, darkest: float = 0.25) -> Canvas:
    """One of the tones of human skin, lit from one side."""
    light = rng.uniform(darkest, 0.95)
    tone = np.array([light, light * rng.uniform(0.66, 0.82), light * rng.uniform(0.45, 0.68)], np.float32)
    return np.asarray(np.clip(_shade(rng, side_px)[..., None] * tone, 0, 1), np.float32)


def cloth(rng: Rng, side_px: int = SPRITE_PX) -> Canvas:
    """Blotches of two colours."""
    mix = noise(rng, side_px, side_px, int(rng.integers(2, 9)))[..., None]
    if rng.random() < 0.4:
        mix = (mix > 0.5).astype(np.float32)
    first, second = rng.random((2, 3)).astype(np.float32)
    return np.asarray(first * mix + second * (1 - mix), np.float32)


def plain(rng: Rng, side_px: int = SPRITE_PX) -> Canvas:
    """One colour, lit from one side."""
    colour = _shade(rng, side_px)[..., None] * rng.random(3).astype(np.float32)
    return np.asarray(np.clip(colour, 0, 1), np.float32)


def _shade(rng: Rng, side_px: int) -> Canvas:
    axis = np.linspace(-1, 1, side_px, dtype=np.float32)
    slope = rng.normal(0, 0.15, 2).astype(np.float32)
    grain = 0.1 * (noise(rng, side_px, side_px, 5) - 0.5)
    return np.asarray(1 + slope[0] * axis[None, :] + slope[1] * axis[:, None] + grain, np.float32)


def room(rng: Rng, height_px: int, width_px: int) -> Canvas:
    """A drawn background: a gradient, soft noise and a few large shapes."""
    corners = rng.random((2, 3)).astype(np.float32) * rng.uniform(0.4, 1.0)
    slope = noise(rng, height_px, width_px, 1)[..., None]
    picture = corners[0] * slope + corners[1] * (1 - slope)
    for _ in range(int(rng.integers(2, 7))):
        x, y = np.sort(rng.integers(0, width_px, 2)), np.sort(rng.integers(0, height_px, 2))
        picture[y[0] : y[1], x[0] : x[1]] *= rng.uniform(0.5, 1.3, 3).astype(np.float32)
    picture += 0.12 * (noise(rng, height_px, width_px, 24)[..., None] - 0.5)
    return np.asarray(np.clip(picture, 0, 1), np.float32)
