"""The paths of twelve classes of motion: where something is relative to where it began. Numbers only, no pictures.

Lengths are in picture heights, x to the right and y down; left, right and clockwise are as seen in the picture. Time
runs in ticks, a few per frame, so that a picture can be blurred over its exposure; a rate is in ticks per second.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LABELS = (
    "no motion",
    "other motion",
    "swipe left",
    "swipe right",
    "swipe up",
    "swipe down",
    "push",
    "pull",
    "circle clockwise",
    "circle counter-clockwise",
    "wave",
    "nod",
)
"""The classes, in the order of a model's outputs."""

NO_MOTION, OTHER_MOTION = LABELS[:2]
GESTURES = LABELS[2:]
"""The classes that mean something; the first two are what is left."""

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


def act(rng: Rng, label: str, rate: float) -> Action:
    """Do something of the class `label`, one of LABELS but `no motion`."""
    if label == OTHER_MOTION:
        kinds = (_pan, _diagonal, _walk, _spin, _flicker, _crossing, _there_and_back, _arc, _traffic, _fidget)
        return kinds[int(rng.integers(len(kinds)))](rng, rate)
    if label in _TOWARD:
        return _swipe(rng, _TOWARD[label], rate)
    if label in ("push", "pull"):
        return _approach(rng, label == "push", rate)
    if label in _SENSE:
        return _circle(rng, _SENSE[label], rate)
    return _oscillation(rng, label == "wave", rate)


_SENSE = {"circle clockwise": 1.0, "circle counter-clockwise": -1.0}
_TOWARD = {"swipe left": math.pi, "swipe right": 0.0, "swipe up": -math.pi / 2, "swipe down": math.pi / 2}


def mirrored(label: str) -> str:
    """Name what `label` is in a mirror that swaps left and right."""
    return _MIRRORED.get(label, label)


def turned(label: str) -> str:
    """Name what `label` is in a picture that was turned counter-clockwise by a quarter."""
    return _TURNED.get(label, label)


def reversed_in_time(label: str) -> str:
    """Name what `label` is when it is played backwards."""
    return _REVERSED.get(label, label)


def _both(*pairs: tuple[str, str]) -> dict[str, str]:
    return dict(pairs) | {second: first for first, second in pairs}


_SIDEWAYS, _UPRIGHT = ("swipe left", "swipe right"), ("swipe up", "swipe down")
_MIRRORED = _both(_SIDEWAYS, ("circle clockwise", "circle counter-clockwise"))
_REVERSED = _both(_SIDEWAYS, _UPRIGHT, ("push", "pull"), ("circle clockwise", "circle counter-clockwise"))
_TURNED = {
    "swipe right": "swipe up",
    "swipe up": "swipe left",
    "swipe left": "swipe down",
    "swipe down": "swipe right",
} | _both(("wave", "nod"))


def _swipe(rng: Rng, angle: float, rate: float) -> Action:
    """Move along an axis: with a hand's haste, or across the whole picture at any pace; rarely in company."""
    angle += math.radians(float(np.clip(rng.normal(0, 6), -15, 15)))
    if rng.random() < 0.3:
        length, seconds = rng.uniform(0.8, 1.6), rng.uniform(0.7, 2.6)
    else:
        length, seconds = rng.uniform(0.3, 1.0), rng.uniform(0.3, 1.1)
    path = _line(rng, angle, length, seconds, rate)
    return Action(path, 0.55, _company(rng, path))


def _approach(rng: Rng, is_nearing: bool, rate: float) -> Action:
    """Come nearer or go away: straight, or with a drift as of one who walks over a floor."""
    factor = float(np.exp(rng.uniform(math.log(1.5), math.log(3.0))))
    path = _zoom(rng, factor if is_nearing else 1 / factor, rate)
    if rng.random() < 0.35:
        change = np.log(path[:, SIZE]) / math.log(factor)  # 0 to 1, or to -1
        path[:, X] += rng.normal(0, 0.1) * change
        path[:, Y] += rng.normal(0.08, 0.08) * change
    return Action(path, 0.6, _company(rng, path))


def _company(rng: Rng, path: Path) -> tuple[Path, ...]:
    """Let others do the same beside, now and then."""
    return (path,) * int(rng.integers(1, MOVERS)) if rng.random() < 0.1 else ()


def _line(rng: Rng, angle: float, length: float, seconds: float, rate: float) -> Path:
    """Move along a slightly bent line, turning a little."""
    path = still(count(seconds, rate))
    u = _ease(rng, len(path))
    along, across = length * u, length * rng.normal(0, 0.05) * np.sin(math.pi * u)
    path[:, X] = along * math.cos(angle) - across * math.sin(angle)
    path[:, Y] = along * math.sin(angle) + across * math.cos(angle)
    path[:, SIZE] = 1 + rng.normal(0, 0.06) * u
    path[:, ANGLE] = rng.normal(0, 0.2) * u
    return path


def _zoom(rng: Rng, factor: float, rate: float) -> Path:
    """Come nearer or go away: the size changes by `factor`, evenly in its logarithm or in depth."""
    path = still(count(rng.uniform(0.4, 1.3) if rng.random() < 0.7 else rng.uniform(1.2, 2.6), rate))
    u = _ease(rng, len(path))
    near = 1 / (1 + (1 / factor - 1) * u)
    path[:, SIZE] = near if rng.random() < 0.5 else factor**u
    path[:, [X, Y]] = u[:, None] * rng.normal(0, 0.03, 2)
    path[:, ANGLE] = rng.normal(0, 0.1) * u
    return path


def _circle(rng: Rng, sense: float, rate: float) -> Action:
    """One turn or more; a viewer can tell after three quarters of the first."""
    turns = rng.uniform(1.0, 2.1)
    path = still(count(turns * rng.uniform(0.6, 1.3), rate))
    phase = rng.uniform(0, 2 * math.pi) + sense * 2 * math.pi * turns * _ease(rng, len(path), is_steady=True)
    radius = rng.uniform(0.08, 0.3) * np.exp(rng.normal(0, 0.1, 2))
    path[:, X] = radius[0] * (np.cos(phase) - np.cos(phase[0]))
    path[:, Y] = radius[1] * (np.sin(phase) - np.sin(phase[0]))
    return Action(path, 0.75 / turns)


def _oscillation(rng: Rng, is_wave: bool, rate: float) -> Action:
    """To and fro at least twice; sideways it may turn about an elbow below. A viewer can tell after 1.25 cycles."""
    cycles = rng.integers(4, 8) / 2
    path = still(count(cycles / rng.uniform(1.1, 2.4), rate))
    swing = np.sin(2 * math.pi * cycles * _ease(rng, len(path), is_steady=True)) * rng.choice([-1.0, 1.0])
    swing *= 1 - rng.uniform(0, 0.3) * np.linspace(0, 1, len(path))
    span, slant = rng.uniform(0.06, 0.2), rng.normal(0, 0.12)
    if is_wave and rng.random() < 0.5:
        arm = span / math.sin(rng.uniform(0.3, 0.65))
        path[:, ANGLE] = np.arcsin(np.clip(span / arm * swing, -1, 1))
        path[:, X], path[:, Y] = arm * np.sin(path[:, ANGLE]), arm * (1 - np.cos(path[:, ANGLE]))
    else:
        path[:, X if is_wave else Y] = span * swing
        path[:, Y if is_wave else X] = span * swing * slant
        path[:, ANGLE] = swing * rng.normal(0, 0.1)
    return Action(path, 1.25 / float(cycles))


# --- other motion ---


def _pan(rng: Rng, rate: float) -> Action:
    """Turn the camera: everything moves at once."""
    move = _line(rng, rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 1.2), rng.uniform(0.5, 2.0), rate)[:, :2]
    return Action(still(len(move)), 0.5, camera=move)


def _diagonal(rng: Rng, rate: float) -> Action:
    angle = math.pi / 4 + rng.integers(4) * math.pi / 2 + math.radians(rng.uniform(-10, 10))
    path = _line(rng, angle, rng.uniform(0.35, 1.0), rng.uniform(0.4, 1.3), rate)
    return Action(path, 0.6)


def _walk(rng: Rng, rate: float) -> Action:
    """Wander: a few slow waves of unrelated rates on each axis, in size and in angle."""
    path = still(count(rng.uniform(1.0, 2.5), rate))
    t = np.arange(len(path)) / rate
    for column, most in ((X, 0.3), (Y, 0.3), (SIZE, 0.25), (ANGLE, 0.4)):
        for _ in range(3):
            phase = rng.uniform(0, 2 * math.pi)
            path[:, column] += (
                most
                / 3
                * rng.uniform(0.3, 1)
                * (np.sin(2 * math.pi * rng.uniform(0.3, 1.6) * t + phase) - math.sin(phase))
            )
    path[:, SIZE] = np.maximum(path[:, SIZE], 0.4)
    return Action(path, 0.7)


def _spin(rng: Rng, rate: float) -> Action:
    path = still(count(rng.uniform(0.6, 1.6), rate))
    path[:, ANGLE] = rng.choice([-1.0, 1.0]) * rng.uniform(2.0, 7.0) * _ease(rng, len(path))
    return Action(path, 0.5)


def _flicker(rng: Rng, rate: float) -> Action:
    """Go and come again in place; the fifth column is how visible it is."""
    n = count(rng.uniform(0.8, 1.8), rate)
    wave = 0.5 + 0.5 * np.cos(2 * math.pi * rng.integers(2, 5) * np.linspace(0, 1, n))
    return Action(np.column_stack([still(n), wave > 0.5 if rng.random() < 0.5 else wave]), 0.5)


def _crossing(rng: Rng, rate: float) -> Action:
    """Several things move in different directions at once."""
    seconds, first = rng.uniform(0.6, 1.6), rng.uniform(0, 2 * math.pi)
    count = rng.integers(2, MOVERS + 1)
    angles = first + np.arange(count) * 2 * math.pi / count + rng.normal(0, 0.3, count)
    paths = [_line(rng, float(angle), rng.uniform(0.4, 1.2), seconds, rate) for angle in angles]
    return Action(paths[0], 0.5, tuple(paths[1:]))


def _there_and_back(rng: Rng, rate: float) -> Action:
    """Begin a gesture and take it back: only its end tells."""
    seconds, which = rng.uniform(0.35, 0.7), rng.integers(3)
    angle = float(rng.integers(4) * math.pi / 2 + rng.normal(0, 0.15))
    half = (
        _line(rng, angle, rng.uniform(0.15, 0.5), seconds, rate) if which else _zoom(rng, rng.choice([0.6, 1.7]), rate)
    )
    path = np.concatenate([half, half[::-1]])
    return Action(path, 0.85)


def _arc(rng: Rng, rate: float) -> Action:
    """Draw half a circle."""
    path = still(count(rng.uniform(0.4, 0.9), rate))
    phase = rng.uniform(0, 2 * math.pi) + rng.choice([-1, 1]) * math.radians(rng.uniform(130, 190)) * _ease(
        rng, len(path)
    )
    radius = rng.uniform(0.12, 0.3)
    path[:, X], path[:, Y] = radius * (np.cos(phase) - np.cos(phase[0])), radius * (np.sin(phase) - np.sin(phase[0]))
    return Action(path, 0.95)


def _traffic(rng: Rng, rate: float) -> Action:
    """Things cross one after another, both ways along one street."""
    axis, seconds = rng.integers(2) * math.pi / 2 + rng.normal(0, 0.1), rng.uniform(1.2, 2.6)
    senses = np.resize([0.0, math.pi], int(rng.integers(2, MOVERS + 1)))
    paths = [_line(rng, float(axis + sense), rng.uniform(0.6, 1.4), seconds, rate) for sense in senses]
    return Action(paths[0], 0.6, tuple(paths[1:]))


def _fidget(rng: Rng, rate: float) -> Action:
    """Turn, lean, scratch: parts that move a little, each in its own way."""
    seconds = rng.uniform(0.8, 2.2)
    paths = []
    for _ in range(int(rng.integers(2, MOVERS + 1))):
        path = still(count(seconds, rate))
        t = np.linspace(0, 1, len(path)) * seconds
        for column, most in ((X, 0.08), (Y, 0.08), (ANGLE, 0.5), (SIZE, 0.08)):
            phase, pace = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 1.2)
            path[:, column] += most * rng.uniform(0.2, 1) * (np.sin(2 * math.pi * pace * t + phase) - math.sin(phase))
        paths.append(path)
    return Action(paths[0], 0.7, tuple(paths[1:]))


def still(ticks: int) -> Path:
    """Return a relative path that stays where it is."""
    return np.tile(np.array([0.0, 0.0, 1.0, 0.0]), (ticks, 1))


def count(seconds: float, rate: float) -> int:
    """Return how many ticks a time is; at least two."""
    return max(2, round(seconds * rate))


def smooth(u: Path) -> Path:
    """Minimum jerk, as a hand moves: Flash and Hogan 1985."""
    return np.asarray(u**3 * (10 - 15 * u + 6 * u**2))


def _ease(rng: Rng, ticks: int, is_steady: bool = False) -> Path:
    """Rise from 0 to 1: a mixture of even speed and a hand's, leaning to the beginning or the end."""
    u = np.linspace(0, 1, ticks) ** np.exp(rng.normal(0, 0.06 if is_steady else 0.2))
    share = rng.uniform(0, 0.4 if is_steady else 1.0)
    return np.asarray(share * smooth(u) + (1 - share) * u)
