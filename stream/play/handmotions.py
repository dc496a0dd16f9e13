"""How hands before a camera move: slower than a thing that is thrown, and with strokes that draw. Numbers only.

Paths are as in stream/play/paths.py: lengths in picture heights, time in ticks. What is not slower by hand is as in
stream/play/motions.py.
"""

import math

import numpy as np

from stream.play import motions
from stream.play.paths import ANGLE, SIZE, Action, Path, Rng, X, Y, count, ease, line, smooth, still

SLOW_SHARE = 0.6
"""Share of the swipes, circles and waves that are slow; the others are as in motions.py."""
DRAWN_SHARE = 0.6
"""Share of `other motion` that is a drawn figure, or a hand that points about."""
ROUND = 16
"""Count: corners of a curve that is drawn."""


def act(rng: Rng, label: str, rate: float) -> Action:
    """Do something of the class `label`, one of LABELS but `no motion`, as a hand does it, at `rate` ticks a second."""
    if label == motions.OTHER_MOTION:
        return _drawing(rng, rate) if rng.random() < DRAWN_SHARE else motions.act(rng, label, rate)
    if rng.random() > SLOW_SHARE:
        return motions.act(rng, label, rate)
    if label in motions.TOWARD:
        return _swipe(rng, motions.TOWARD[label], rate)
    if label in motions.SENSE:
        return _circle(rng, motions.SENSE[label], rate)
    if label == "wave":
        return _wave(rng, rate)
    return motions.act(rng, label, rate)


def _swipe(rng: Rng, angle: float, rate: float) -> Action:
    """Move along an axis at leisure; an arm that turns about its elbow bends the way."""
    angle += math.radians(float(np.clip(rng.normal(0, 8), -20, 20)))
    path = line(rng, angle, rng.uniform(0.3, 0.8), rng.uniform(0.8, 3.0), rate)
    bend = np.clip(rng.normal(0, 0.05), -0.1, 0.1) * np.sin(np.linspace(0, math.pi, len(path)))
    path[:, X] -= bend * math.sin(angle)
    path[:, Y] += bend * math.cos(angle)
    path[:, SIZE] = rng.uniform(0.85, 1.15) ** np.linspace(0, 1, len(path))
    return Action(path, 0.55)


def _circle(rng: Rng, sense: float, rate: float) -> Action:
    """Draw one turn, or a little more, with a finger; a viewer can tell after three quarters of it."""
    turns = rng.uniform(1.0, 1.6)
    path = still(count(turns * math.exp(rng.uniform(math.log(1.0), math.log(3.6))), rate))
    phase = rng.uniform(0, 2 * math.pi) + sense * 2 * math.pi * turns * ease(rng, len(path), is_steady=True)
    radius = rng.uniform(0.12, 0.34) * np.exp(rng.normal(0, 0.12, 2))
    drift = rng.normal(0, 0.05, 2) * np.linspace(0, 1, len(path))[:, None]
    path[:, X] = radius[0] * (np.cos(phase) - np.cos(phase[0])) + drift[:, 0]
    path[:, Y] = radius[1] * (np.sin(phase) - np.sin(phase[0])) + drift[:, 1]
    return Action(path, 0.75 / turns)


def _wave(rng: Rng, rate: float) -> Action:
    """Swing a raised forearm about its elbow, wider and slower than a hand waves at the wrist."""
    cycles = int(rng.integers(4, 9)) / 2
    path = still(count(cycles / rng.uniform(0.7, 2.0), rate))
    swing = np.sin(2 * math.pi * cycles * ease(rng, len(path), is_steady=True)) * rng.choice([-1.0, 1.0])
    most, arm = rng.uniform(0.2, 0.7), rng.uniform(0.25, 0.7)
    path[:, ANGLE] = most * swing
    path[:, X], path[:, Y] = arm * np.sin(path[:, ANGLE]), arm * (1 - np.cos(path[:, ANGLE]))
    return Action(path, 1.25 / cycles)


def _drawing(rng: Rng, rate: float) -> Action:
    """Draw a figure of several strokes, or point here and there: each stroke alone would be a swipe or an arc.

    A viewer can tell when most of the first stroke is over, as far as anybody can: some strokes are swipes until they
    turn.
    """
    kinds = (_square, _star, _zigzag, _zigzag, _tick, _pointing, _pointing, _letter)
    corners = kinds[int(rng.integers(len(kinds)))](rng)
    corners = (corners - corners[0]) * rng.choice([-1.0, 1.0])
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    pace = lengths.sum() / (len(lengths) * math.exp(rng.uniform(math.log(0.35), math.log(1.2))))
    times = np.maximum(0.12, lengths / max(pace, 0.05)) * np.exp(rng.normal(0, 0.15, len(lengths)))
    parts = [
        first + (second - first) * _haste(rng, count(seconds, rate))
        for first, second, seconds in zip(corners[:-1], corners[1:], times, strict=True)
    ]
    places = np.concatenate(parts)
    path = still(len(places))
    path[:, [X, Y]] = places
    return Action(path, 0.8 * len(parts[0]) / len(places) if len(parts) < ROUND else 0.4)


def _haste(rng: Rng, ticks: int) -> Path:
    """Rise from 0 to 1, (N, 1): a stroke stops at its end, or runs on into the next one."""
    u, share = np.linspace(0, 1, ticks), rng.random()
    return np.asarray(share * smooth(u) + (1 - share) * u)[:, None]


def _square(rng: Rng) -> Path:
    """Go round a rectangle, (5, 2), from any corner, either way, or round three of its sides."""
    width, height = rng.uniform(0.25, 0.7, 2)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    order = (int(rng.integers(4)) + int(rng.choice([-1, 1])) * np.arange(int(rng.integers(4, 6)))) % 4
    return np.asarray(corners[order] + rng.normal(0, 0.03, (len(order), 2)))


def _star(rng: Rng) -> Path:
    """Draw a star of five strokes, (6, 2), or a part of it."""
    begin, sense = rng.uniform(0, 2 * math.pi), rng.choice([-1, 1])
    turn = begin + sense * np.arange(int(rng.integers(4, 7))) * 4 * math.pi / 5
    radius = rng.uniform(0.2, 0.4)
    return np.asarray(radius * np.stack([np.cos(turn), np.sin(turn)], 1) + rng.normal(0, 0.03, (len(turn), 2)))


def _zigzag(rng: Rng) -> Path:
    """Cross something out or draw a caret: (N, 2) of two to six strokes to and fro that go on aside."""
    strokes, angle = int(rng.integers(2, 7)), rng.uniform(0, 2 * math.pi)
    along = np.cumsum(np.append(0, rng.uniform(0.05, 0.3, strokes)))
    across = rng.uniform(0.2, 0.6) * (np.arange(strokes + 1) % 2) + rng.normal(0, 0.04, strokes + 1)
    return _turned(along, across, angle)


def _tick(rng: Rng) -> Path:
    """Draw a tick: a short stroke and a long one, (3, 2)."""
    first, second = rng.uniform(0.12, 0.3), rng.uniform(0.35, 0.8)
    down, up = rng.uniform(0.5, 1.3), -rng.uniform(0.6, 1.2)
    corner = np.array([first * math.cos(down), first * math.sin(down)])
    return np.stack([np.zeros(2), corner, corner + np.array([second * math.cos(up), second * math.sin(up)])])


def _pointing(rng: Rng) -> Path:
    """Point at one place after another: (N, 2)."""
    return np.asarray(rng.uniform(-0.35, 0.35, (int(rng.integers(4, 8)), 2)))


def _letter(rng: Rng) -> Path:
    """Write round letters: loops that turn one way, then the other, (ROUND + 1, 2) or more."""
    turns = np.cumsum(np.repeat(rng.choice([-1.0, 1.0], 4) * rng.uniform(0.35, 0.9, 4), ROUND // 4 + 1))
    steps = rng.uniform(0.04, 0.11) * np.stack([np.cos(turns), np.sin(turns)], 1)
    return np.asarray(np.cumsum(np.concatenate([np.zeros((1, 2)), steps]), axis=0))


def _turned(along: Path, across: Path, angle: float) -> Path:
    """Turn two coordinates, (N,) each, by an angle: (N, 2)."""
    c, s = math.cos(angle), math.sin(angle)
    return np.stack([along * c - across * s, along * s + across * c], 1)
