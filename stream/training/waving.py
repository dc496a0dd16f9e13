"""Somebody seen whole who stands and waves with one arm or both, or only raises an arm, which is no gesture."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stream.play import motions
from stream.play.gestures import IGNORE, QUIET_S, TAIL_S, Labels, Session
from stream.play.paths import MOVERS, Path, Rng, count, ease, smooth
from stream.training import cutouts
from stream.training.limbs import FOREARM, SHOULDERS, UPPER_ARM, WRIST

KNOWN_CYCLES = 1.25
"""Count: swings to and fro after which a viewer could tell."""
WAVES_SHARE = 0.65
"""Share of what is done that is a wave; the rest is an arm that is raised and lowered, or held up."""
SETTLE_S = 1.0
"""Seconds at the beginning of a stream that begins amid something: nobody could tell yet."""

REACH = FOREARM + UPPER_ARM + WRIST
"""Sizes of the hand's square: from the shoulder to the middle of the hand."""


def session(rng: Rng, frames: int, fps: float, aspect: float, ticks: int) -> tuple[Session, tuple[cutouts.Look, ...]]:
    """Play a stream of somebody who waves now and then.

    Args:
        rng: decides everything.
        frames: count.
        fps: frames per second.
        aspect: width of the picture over its height.
        ticks: count per frame.

    Returns:
        What is played, and what the movers look like.
    """
    size = float(np.exp(rng.uniform(np.log(0.045), np.log(0.2))))
    neck = np.array([rng.uniform(-0.35, 0.35) * aspect, rng.uniform(-0.3, 0.2)])
    arms, told = _plan(rng, frames * ticks, fps * ticks)
    movers = np.zeros((MOVERS, frames * ticks, 5))
    shift = _sway(rng, frames * ticks, fps * ticks)
    for row, side in enumerate((1.0, -1.0)):
        angle, length = arms[row].T
        shoulder = neck + np.array([side * SHOULDERS * size, 0.0])
        away = size * length[:, None] * np.stack([side * np.sin(angle), -np.cos(angle)], 1)
        movers[row, :, :2] = shoulder + away + size * shift
        movers[row, :, 2], movers[row, :, 4] = size, 1
        movers[row, :, 3] = side * angle
    labels = told[ticks - 1 :: ticks]
    return Session(movers, np.zeros((frames * ticks, 2)), labels, ()), cutouts.both_arms(rng, neck, size)


def _sway(rng: Rng, ticks: int, rate: float) -> Path:
    """Move the hands a little beside what the arms do, (N, 2) sizes of a hand: nobody is a machine."""
    t = np.arange(ticks)[:, None] / rate
    return np.asarray(0.12 * np.sin(2 * math.pi * rng.uniform(0.2, 0.8, 2) * t + rng.uniform(0, 6.3, 2)))


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of what the arms do."""

    arms: Path
    """(2, N, 2) of either arm: radians from straight up, outwards, and how far the hand is, in its sizes."""
    told: Labels
    """(N,) the right answers."""


HANGING = np.array([0.95 * math.pi, 0.95 * REACH])
"""Of an arm at rest: as in `_Part.arms`."""


def _plan(rng: Rng, needed: int, rate: float) -> tuple[Path, Labels]:
    """Say what the arms do, (2, N, 2) as in `_Part.arms`, and the answer for every tick."""
    is_amid = rng.random() < 0.6
    skipped = int(rng.uniform(0.2, 2.5) * rate) if is_amid else 0
    parts = [] if is_amid else [_pause(rng, rate, motions.LABELS.index(motions.NO_MOTION))]
    while sum(len(part.told) for part in parts) < needed + skipped:
        is_wave = rng.random() < WAVES_SHARE
        parts += _wave(rng, rate) if is_wave else _raise(rng, rate)
        parts.append(_pause(rng, rate, motions.LABELS.index("wave" if is_wave else motions.OTHER_MOTION)))
    arms = np.concatenate([part.arms for part in parts], axis=1)[:, skipped : skipped + needed]
    told = np.concatenate([part.told for part in parts])[skipped : skipped + needed].copy()
    if is_amid:
        told[: count(SETTLE_S, rate)] = IGNORE
    return arms, told


def _pause(rng: Rng, rate: float, before: int) -> _Part:
    """Let the arms hang; what was before, a lowered arm, is the answer for a while still."""
    ticks = count(rng.uniform(0.1, 1.5), rate)
    told = np.full(ticks, motions.LABELS.index(motions.NO_MOTION))
    if before != motions.LABELS.index(motions.NO_MOTION):
        told[: count(QUIET_S, rate)] = IGNORE
    return _Part(np.tile(HANGING, (2, ticks, 1)), told)


def _wave(rng: Rng, rate: float) -> list[_Part]:
    """Raise one arm or both, swing, and lower: from the shoulder, or at the elbow."""
    cycles = int(rng.integers(4, 11)) / 2
    ticks = count(cycles / math.exp(rng.uniform(math.log(0.6), math.log(2.2))), rate)
    swing = np.sin(2 * math.pi * cycles * ease(rng, ticks, is_steady=True))
    most = rng.uniform(0.25, 0.8)
    middle, length = rng.uniform(0.1, 1.1), rng.uniform(0.7, 0.98) * REACH
    tops = np.stack([middle + most * swing, np.full(ticks, length)], 1)
    if rng.random() < 0.4:
        tops = _from_elbow(middle + 0.6, most * swing)
    told = np.full(ticks, motions.LABELS.index("wave"))
    told[: round(KNOWN_CYCLES / cycles * ticks)] = IGNORE
    return _between(rng, rate, tops, told, _arms(rng))


def _from_elbow(upper: float, swing: Path) -> Path:
    """Say where a hand is, (N, 2) as in `_Part.arms`, when the upper arm is still and the forearm swings about up."""
    x = UPPER_ARM * math.sin(upper) + (FOREARM + WRIST) * np.sin(swing)
    y = UPPER_ARM * math.cos(upper) + (FOREARM + WRIST) * np.cos(swing)
    return np.stack([np.arctan2(x, y), np.minimum(np.hypot(x, y), 0.98 * REACH)], 1)


def _raise(rng: Rng, rate: float) -> list[_Part]:
    """Raise one arm or both, hold still for a moment or not at all, and lower: no gesture."""
    ticks = count(rng.uniform(0.1, 1.5), rate)
    tops = np.tile([rng.uniform(0.0, 1.8), rng.uniform(0.6, 0.98) * REACH], (ticks, 1))
    told = np.full(ticks, IGNORE)
    told[: count(TAIL_S, rate)] = motions.LABELS.index(motions.OTHER_MOTION)
    return _between(rng, rate, tops, told, _arms(rng))


def _arms(rng: Rng) -> npt.NDArray[np.bool_]:
    """Choose the arms that take part: (2,)."""
    return np.array([(True, True), (True, False), (False, True)][int(rng.integers(3))])


def _between(rng: Rng, rate: float, tops: Path, told: Labels, taking: npt.NDArray[np.bool_]) -> list[_Part]:
    """Put what is done up there, (N, 2), between a rise and a fall."""
    rise, fall = (count(rng.uniform(0.3, 0.9), rate) for _ in range(2))
    u, v = smooth(np.linspace(0, 1, rise))[:, None], smooth(np.linspace(0, 1, fall))[:, None]
    ways = (HANGING + (tops[0] - HANGING) * u, tops, tops[-1] + (HANGING - tops[-1]) * v)
    answers = (np.full(rise, IGNORE), told, np.full(fall, IGNORE))
    return [
        _Part(np.stack([way if taken else np.tile(HANGING, (len(way), 1)) for taken in taking]), answer)
        for way, answer in zip(ways, answers, strict=True)
    ]
