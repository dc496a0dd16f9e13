"""Twelve classes of motion, how each is done, and what it is in a mirror, turned or backwards. Numbers only.

Paths are as in stream/play/paths.py: lengths in picture heights, time in ticks.
"""

import math

import numpy as np

from stream.play.othermotion import other
from stream.play.paths import ANGLE, MOVERS, SIZE, Action, Path, Rng, X, Y, count, ease, line, still, zoom

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

SENSE = {"circle clockwise": 1.0, "circle counter-clockwise": -1.0}
"""Circle -> 1 for clockwise in the picture, or -1."""
TOWARD = {"swipe left": math.pi, "swipe right": 0.0, "swipe up": -math.pi / 2, "swipe down": math.pi / 2}
"""Swipe -> radians, clockwise from the right in the picture."""


def act(rng: Rng, label: str, rate: float) -> Action:
    """Do something of the class `label`, one of LABELS but `no motion`."""
    if label == OTHER_MOTION:
        return other(rng, rate)
    if label in TOWARD:
        return _swipe(rng, TOWARD[label], rate)
    if label in ("push", "pull"):
        return _approach(rng, label == "push", rate)
    if label in SENSE:
        return _circle(rng, SENSE[label], rate)
    return _oscillation(rng, label == "wave", rate)


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
        length, seconds = rng.uniform(0.8, 1.8), rng.uniform(0.7, 3.4)
    else:
        length, seconds = rng.uniform(0.3, 1.0), rng.uniform(0.3, 1.1)
    path = line(rng, angle, length, seconds, rate)
    return Action(path, 0.55, _company(rng, path))


def _approach(rng: Rng, is_nearing: bool, rate: float) -> Action:
    """Come nearer or go away: straight, with a drift, or as somebody walks over a floor that a camera looks down on."""
    factor = float(np.exp(rng.uniform(math.log(1.25), math.log(3.0))))
    if rng.random() < 0.35:
        return _floor(rng, is_nearing, factor, rate)
    path = zoom(rng, factor if is_nearing else 1 / factor, rate)
    if rng.random() < 0.6:
        _over_a_floor(rng, path)
    return Action(path, 0.6, _company(rng, path))


def _floor(rng: Rng, is_nearing: bool, factor: float, rate: float) -> Action:
    """Walk towards the camera or away from it, at an even pace: the feet are on the floor, the nearest may be unseen.

    A pinhole camera sees feet below the horizon by the walker's size times the camera's height in walker's heights.
    """
    horizon, near = rng.uniform(-0.5, 0.05), rng.uniform(0.5, 1.4)
    lowest = max(0.5, (-0.4 - horizon) / near + 1, (-0.4 - horizon) * factor / near + 0.5)
    camera = rng.uniform(lowest, max(lowest, min(3.0, (0.2 - horizon) / near + 1, (0.4 - horizon) * factor / near)))
    u = ease(rng, count(rng.uniform(0.9, 3.0), rate), is_steady=True)
    depth = 1 + (factor - 1) * (1 - u if is_nearing else u)
    size = near / depth
    vanishing, lane = rng.uniform(-0.25, 0.25), rng.uniform(-0.4, 0.4) + rng.normal(0, 0.1) * u
    poses = np.column_stack([vanishing + lane * size, horizon + (camera - 0.5) * size, size, 0 * u, 1 + 0 * u])
    path = still(len(u))
    path[:, [X, Y]] = poses[:, [X, Y]] - poses[0, [X, Y]]
    path[:, SIZE] = size / size[0]
    return Action(path, 0.6, _company(rng, path), start=poses[0])


def _over_a_floor(rng: Rng, path: Path) -> None:
    """Let what comes nearer sink, or drift aside: a camera above the floor sees it so, in proportion to its size."""
    grown = path[:, SIZE] / path[:, SIZE].max() - path[0, SIZE] / path[:, SIZE].max()
    path[:, X] += np.clip(rng.normal(0, 0.25), -0.5, 0.5) * grown
    path[:, Y] += rng.uniform(-0.15, 0.9) * grown


def _company(rng: Rng, path: Path) -> tuple[Path, ...]:
    """Let others do the same beside, now and then."""
    return (path,) * int(rng.integers(1, MOVERS)) if rng.random() < 0.15 else ()


def _circle(rng: Rng, sense: float, rate: float) -> Action:
    """One turn or more; a viewer can tell after three quarters of the first."""
    turns = rng.uniform(1.0, 2.1)
    path = still(count(turns * rng.uniform(0.6, 1.3), rate))
    phase = rng.uniform(0, 2 * math.pi) + sense * 2 * math.pi * turns * ease(rng, len(path), is_steady=True)
    radius = rng.uniform(0.08, 0.3) * np.exp(rng.normal(0, 0.1, 2))
    path[:, X] = radius[0] * (np.cos(phase) - np.cos(phase[0]))
    path[:, Y] = radius[1] * (np.sin(phase) - np.sin(phase[0]))
    return Action(path, 0.75 / turns)


def _oscillation(rng: Rng, is_wave: bool, rate: float) -> Action:
    """To and fro at least twice; sideways it may turn about an elbow below. A viewer can tell after 1.25 cycles."""
    cycles = rng.integers(4, 8) / 2
    path = still(count(cycles / rng.uniform(1.1, 2.4), rate))
    swing = np.sin(2 * math.pi * cycles * ease(rng, len(path), is_steady=True)) * rng.choice([-1.0, 1.0])
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
