"""What paths are made of: where something is relative to where it began. Numbers only, no pictures.

Lengths are in picture heights, x to the right and y down; left, right and clockwise are as seen in the picture. Time
runs in ticks, a few per frame, so that a picture can be blurred over its exposure; a rate is in ticks per second.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

X, Y, SIZE, ANGLE, ALPHA = range(5)
"""Columns of a pose: two lengths, the height of the mover, radians clockwise, and how visible it is in [0, 1]."""

MOVERS = 4
"""Count: the most things that move at once. The first one makes the gestures."""

Path = npt.NDArray[np.float64]
"""(..., N, 5) poses at N ticks; a relative one is (N, 4): offsets, a factor of size and a turn, from 0, 0, 1, 0."""
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is done once."""

    path: Path
    """(N, 4) of what acts; or (N, 5) where its visibility changes."""
    known: float
    """Share of its time after which a viewer could tell, in [0, 1]."""
    others: tuple[Path, ...] = ()
    """Paths of other movers, at most MOVERS - 1."""
    camera: Path | None = None
    """(N, 2) where the camera looks, from 0, 0; None when it stands still."""
    start: Path | None = None
    """(5,) pose at which it has to begin; None where any place in the picture will do."""


def line(rng: Rng, angle: float, length: float, seconds: float, rate: float) -> Path:
    """Move along a slightly bent line, turning a little."""
    path = still(count(seconds, rate))
    u = ease(rng, len(path))
    along, across = length * u, length * rng.normal(0, 0.05) * np.sin(math.pi * u)
    path[:, X] = along * math.cos(angle) - across * math.sin(angle)
    path[:, Y] = along * math.sin(angle) + across * math.cos(angle)
    path[:, SIZE] = 1 + rng.normal(0, 0.06) * u
    path[:, ANGLE] = rng.normal(0, 0.2) * u
    return path


def zoom(rng: Rng, factor: float, rate: float) -> Path:
    """Come nearer or go away: the size changes by `factor`, evenly in its logarithm or in depth."""
    path = still(count(rng.uniform(0.4, 1.3) if rng.random() < 0.7 else rng.uniform(1.2, 2.6), rate))
    u = ease(rng, len(path))
    near = 1 / (1 + (1 / factor - 1) * u)
    path[:, SIZE] = near if rng.random() < 0.5 else factor**u
    path[:, [X, Y]] = u[:, None] * rng.normal(0, 0.03, 2)
    path[:, ANGLE] = rng.normal(0, 0.1) * u
    return path


def still(ticks: int) -> Path:
    """Return a relative path that stays where it is."""
    return np.tile(np.array([0.0, 0.0, 1.0, 0.0]), (ticks, 1))


def count(seconds: float, rate: float) -> int:
    """Return how many ticks a time is; at least two."""
    return max(2, round(seconds * rate))


def smooth(u: Path) -> Path:
    """Minimum jerk, as a hand moves: Flash and Hogan 1985."""
    return np.asarray(u**3 * (10 - 15 * u + 6 * u**2))


def ease(rng: Rng, ticks: int, is_steady: bool = False) -> Path:
    """Rise from 0 to 1: a mixture of even speed and a hand's, leaning to the beginning or the end."""
    u = np.linspace(0, 1, ticks) ** np.exp(rng.normal(0, 0.06 if is_steady else 0.2))
    share = rng.uniform(0, 0.4 if is_steady else 1.0)
    return np.asarray(share * smooth(u) + (1 - share) * u)
