"""Things in front, behind which a mover is hidden for a while: what it does is still told by what is seen of it."""

import math

import numpy as np

from stream.play import gestures, sprites
from stream.play.paths import ALPHA, SIZE, Path, Rng
from stream.play.sprites import Sprite
from stream.training import cutouts

TRIES = 6
"""Count: places that are tried for one thing."""
MOST_HIDDEN = 0.35
"""Share of an action's time during which its mover may be behind something."""


def before(rng: Rng, played: gestures.Session, split: str, rate: float) -> tuple[tuple[Sprite, Path], ...]:
    """Place one thing where it hides a mover, and none for too long; none where no such place was found.

    Args:
        rng: decides everything.
        played: what moves.
        split: training or evaluation: what it looks like.
        rate: ticks per second.

    Returns:
        At most one thing, and its (5,) pose.
    """
    thing = _thing(rng, split)
    for _ in range(TRIES):
        size = rng.uniform(0.5, 2.0)
        pose = np.array([*rng.uniform(-0.5, 0.5, 2), size, rng.normal(0, 0.15) + rng.integers(4) * math.pi / 2, 1.0])
        shares = hidden(thing, pose, played, rate)
        if shares and 0 < max(shares) <= MOST_HIDDEN:
            return ((thing, pose),)
    return ()


def hidden(thing: Sprite, pose: Path, played: gestures.Session, rate: float) -> list[float]:
    """Say for each action for what share of its time the middle of its mover is behind a thing."""
    shares = []
    for event in played.events:
        way = played.movers[0, round(event.begin_s * rate) : round(event.end_s * rate)]
        way = way[way[:, ALPHA] > 0]
        shares.append(float(_covers(thing, pose, way[:, :2]).mean()) if len(way) else 0.0)
    return shares


def _covers(thing: Sprite, pose: Path, places: Path) -> Path:
    """Say how much of a thing is before each of (N, 2) places, in [0, 1]."""
    level = thing.levels[0]
    c, s = math.cos(pose[3]), math.sin(pose[3])
    x, y = (places - pose[:2]).T
    u, v = ((x * c + y * s) / pose[SIZE] + 0.5) * len(level), ((y * c - x * s) / pose[SIZE] + 0.5) * len(level)
    inside = (u >= 0) & (v >= 0) & (u < len(level)) & (v < len(level))
    alpha = level[np.clip(v, 0, len(level) - 1).astype(np.int64), np.clip(u, 0, len(level) - 1).astype(np.int64), 3]
    return np.asarray(alpha * inside)


def _thing(rng: Rng, split: str) -> Sprite:
    """A post or a piece of furniture, with the split's textures."""
    textures = cutouts.TEXTURES[split]
    mask = sprites.capsule(0, -0.8, 0, 0.8, rng.uniform(0.06, 0.2))
    if split == "evaluation":
        x, y = sprites.grid()
        mask = np.asarray(np.minimum(rng.uniform(0.06, 0.2) - np.abs(x), 0.9 - np.abs(y)), np.float32)
    elif rng.random() < 0.3:
        return sprites.sprite(sprites.blob(rng), textures[1 + int(rng.integers(len(textures) - 1))](rng))
    return sprites.sprite(sprites.soft(mask), textures[1 + int(rng.integers(len(textures) - 1))](rng))
