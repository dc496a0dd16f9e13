"""Somebody who stands and signs: two hands that rise, move in front of the chest and sink, and mean no gesture."""

import numpy as np

from stream.play import motions
from stream.play.gestures import IGNORE, QUIET_S, TAIL_S, Labels, Session
from stream.play.paths import MOVERS, Path, Rng, count, smooth
from stream.training import cutouts
from stream.training.limbs import FOREARM, SHOULDERS, UPPER_ARM, WRIST

KNOWN = 0.6
"""Share of the first rise after which a viewer could tell."""


def session(rng: Rng, frames: int, fps: float, aspect: float, ticks: int) -> tuple[Session, tuple[cutouts.Look, ...]]:
    """Play a stream of signs with pauses between them.

    Args:
        rng: decides everything.
        frames: count.
        fps: frames per second.
        aspect: width of the picture over its height.
        ticks: count per frame.

    Returns:
        What is played, and what the movers look like.
    """
    size = float(np.exp(rng.uniform(np.log(0.07), np.log(0.24))))
    neck = np.array([rng.uniform(-0.3, 0.3) * aspect, rng.uniform(-0.3, 0.1)])
    way, told = _plan(rng, frames * ticks, fps * ticks)
    movers = np.zeros((MOVERS, frames * ticks, 5))
    for row, side in enumerate((1.0, -1.0)):
        places = _resting(side) + way[row] * np.array([side, 1.0])
        movers[row, :, :2] = neck + size * places
        movers[row, :, 2], movers[row, :, 4] = size, 1
        movers[row, :, 3] = side * rng.normal(0, 0.3) + rng.normal(0, 0.2) * way[row, :, 0]
    labels = told[ticks - 1 :: ticks]
    return Session(movers, np.zeros((frames * ticks, 2)), labels, ()), cutouts.both_arms(rng, neck, size)


def _resting(side: float) -> Path:
    """Say where a hand hangs, in its sizes from the neck."""
    return np.array([side * (SHOULDERS + 0.1), 0.97 * (FOREARM + UPPER_ARM) - WRIST])


def _plan(rng: Rng, needed: int, rate: float) -> tuple[Path, Labels]:
    """Say where the hands are, (2, N, 2) hand sizes from rest, outwards and down; and the answer for every tick."""
    both, way, told = rng.random() < 0.7, list[Path](), list[Labels]()
    while sum(part.shape[1] for part in way) < needed:
        pause = count(rng.uniform(0.1, 1.5), rate)
        told.append(_after(pause, rate) if way else np.full(pause, motions.LABELS.index(motions.NO_MOTION)))
        way.append(np.zeros((2, pause, 2)))
        sign, rise = _sign(rng, rate, both)
        way.append(sign)
        answers = np.full(sign.shape[1], motions.LABELS.index(motions.OTHER_MOTION))
        answers[: round(KNOWN * rise)] = IGNORE
        told.append(answers)
    return np.concatenate(way, axis=1)[:, :needed], np.concatenate(told)[:needed]


def _after(pause: int, rate: float) -> Labels:
    """Answer a pause: other motion for a while still, then nobody can say, then no motion."""
    answers = np.full(pause, motions.LABELS.index(motions.NO_MOTION))
    answers[: count(QUIET_S, rate)] = IGNORE
    answers[: count(TAIL_S, rate)] = motions.LABELS.index(motions.OTHER_MOTION)
    return answers


def _sign(rng: Rng, rate: float, both: bool) -> tuple[Path, int]:
    """Raise the hands, go through a few places before the chest, and sink: (2, N, 2), and the ticks of the rise."""
    moves = int(rng.integers(2, 7))
    stops = np.zeros((moves + 2, 2, 2))
    home = np.stack([rng.uniform(-1.0, 0.1, 2), rng.uniform(-2.6, -0.6, 2)], 1)
    stops[1:-1] = home + rng.normal(0, 0.45, (moves, 2, 2))
    if not both:
        stops[:, 1] = 0
    elif rng.random() < 0.4:
        stops[:, 1] = stops[:, 0]
    lengths = [count(rng.uniform(0.25, 0.7), rate), *(count(rng.uniform(0.12, 0.5), rate) for _ in range(moves))]
    parts = [
        first[:, None] + (second - first)[:, None] * smooth(np.linspace(0, 1, length))[None, :, None]
        for first, second, length in zip(stops[:-1], stops[1:], lengths, strict=True)
    ]
    return np.concatenate(parts, axis=1), lengths[0]
