"""Motion that is no gesture: many things, each a path of its own. Numbers only; see stream/play/paths.py."""

import math

import numpy as np

from stream.play.paths import ANGLE, MOVERS, SIZE, Action, Path, Rng, X, Y, count, ease, line, still


def other(rng: Rng, rate: float) -> Action:
    """Do one of many things that are none of the gestures, at `rate` ticks per second."""
    kinds = (_pan, _diagonal, _walk, _spin, _flicker, _crossing, _there_and_back, _arc, _traffic, _fidget, _shift)
    return kinds[int(rng.integers(len(kinds)))](rng, rate)


def _pan(rng: Rng, rate: float) -> Action:
    """Turn the camera: everything moves at once."""
    move = line(rng, rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 1.2), rng.uniform(0.5, 2.0), rate)[:, :2]
    return Action(still(len(move)), 0.5, camera=move)


def _diagonal(rng: Rng, rate: float) -> Action:
    angle = math.pi / 4 + rng.integers(4) * math.pi / 2 + math.radians(rng.uniform(-10, 10))
    path = line(rng, angle, rng.uniform(0.35, 1.0), rng.uniform(0.4, 1.3), rate)
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
    path[:, ANGLE] = rng.choice([-1.0, 1.0]) * rng.uniform(2.0, 7.0) * ease(rng, len(path))
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
    paths = [line(rng, float(angle), rng.uniform(0.4, 1.2), seconds, rate) for angle in angles]
    return Action(paths[0], 0.5, tuple(paths[1:]))


def _there_and_back(rng: Rng, rate: float) -> Action:
    """Begin a gesture and take it back at once: only its end tells."""
    seconds, which = rng.uniform(0.3, 0.6), rng.integers(3)
    angle = float(rng.integers(4) * math.pi / 2 + rng.normal(0, 0.15))
    half = line(rng, angle, rng.uniform(0.15, 0.5), seconds, rate) if which else _leaning(rng, seconds, rate)
    path = np.concatenate([half, half[::-1]])
    return Action(path, 0.9)


def _leaning(rng: Rng, seconds: float, rate: float) -> Path:
    """Come nearer or go away by half, in a short time."""
    path = still(count(seconds, rate))
    path[:, SIZE] = np.exp(rng.choice([-1, 1]) * rng.uniform(0.25, 0.55)) ** ease(rng, len(path))
    return path


def _arc(rng: Rng, rate: float) -> Action:
    """Draw half a circle."""
    path = still(count(rng.uniform(0.4, 0.9), rate))
    phase = rng.uniform(0, 2 * math.pi) + rng.choice([-1, 1]) * math.radians(rng.uniform(130, 190)) * ease(
        rng, len(path)
    )
    radius = rng.uniform(0.12, 0.3)
    path[:, X], path[:, Y] = radius * (np.cos(phase) - np.cos(phase[0])), radius * (np.sin(phase) - np.sin(phase[0]))
    return Action(path, 0.95)


def _traffic(rng: Rng, rate: float) -> Action:
    """Things cross one after another, both ways along one street."""
    axis, seconds = rng.integers(2) * math.pi / 2 + rng.normal(0, 0.1), rng.uniform(1.2, 2.6)
    senses = np.resize([0.0, math.pi], int(rng.integers(2, MOVERS + 1)))
    paths = [line(rng, float(axis + sense), rng.uniform(0.6, 1.4), seconds, rate) for sense in senses]
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


def _shift(rng: Rng, rate: float) -> Action:
    """Move along an axis, but far less than a swipe; it may grow or shrink, but far less than what comes nearer."""
    path = still(count(rng.uniform(0.4, 1.6), rate))
    u = ease(rng, len(path))
    angle, length = rng.integers(4) * math.pi / 2 + rng.normal(0, 0.2), rng.uniform(0.07, 0.16)
    path[:, X], path[:, Y] = length * math.cos(angle) * u, length * math.sin(angle) * u
    path[:, SIZE] = rng.uniform(0.92, 1.09) ** u
    return Action(path, 0.9)
