"""95 % intervals: how far a figure may be from what more data would give."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Chosen = npt.NDArray[np.bool_]

RESAMPLES = 1000
"""Count: resamples of a bootstrap."""
FEWEST = 3
"""Count: groups for an interval; two can be drawn in three ways only."""
Z = 1.96
"""Standard deviations on either side that hold 95 % of a normal distribution."""
TAIL = 0.025
"""Probability outside the interval, on either side."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value and its 95 % interval."""

    value: float
    """As measured; not a number where there is nothing to measure, inf for a delay that does not end."""
    low: float
    """Lower end; not a number where the data says nothing of it."""
    high: float
    """Upper end, likewise."""


def bootstrap(
    statistic: Callable[[Values], Values], groups: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> list[Figure]:
    """Measure, and say how the measure varies when the groups are drawn anew, with replacement: percentile intervals.

    Args:
        statistic: (N,) weights -> (M,) values; a weight says how often a sample counts.
        groups: (N,) what belongs together and is drawn together; all different where every sample is drawn by itself.
        resamples: count.
        seed: decides the draws.

    Returns:
        M figures; with fewer than FEWEST groups little is known of how they vary, and their ends are not numbers.

    Source: Efron 1979; drawing clusters, Davison and Hinkley 1997, section 3.8.
    """
    names, places = np.unique(np.asarray(groups), return_inverse=True)
    values = statistic(np.ones(len(places)))
    if len(names) < FEWEST:
        return [Figure(float(value), math.nan, math.nan) for value in values]
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), resamples)  # (resamples, groups)
    found = np.stack([statistic(draw[places].astype(np.float64)) for draw in draws])
    return [Figure(float(value), *_ends(column)) for value, column in zip(values, found.T, strict=True)]


def shares(counted: Sequence[tuple[Chosen, Chosen]], groups: Sequence[str], seed: int = 0) -> list[Figure]:
    """Measure shares of samples, all in the same draws of groups.

    Args:
        counted: M pairs of (N,): which samples are right, and which of all are counted.
        groups: (N,) what is drawn together.
        seed: decides the draws.

    Returns:
        M figures; not a number where none is counted, and without ends where what is counted is of fewer than FEWEST
        groups, however many there are of others.
    """

    def measure(weights: Values) -> Values:
        return np.array([_share(weights * chosen, right) for right, chosen in counted])

    found = bootstrap(measure, groups, seed=seed)
    return [trusted(one, chosen, groups) for one, (_, chosen) in zip(found, counted, strict=True)]


def trusted(figure: Figure, chosen: Chosen, groups: Sequence[str]) -> Figure:
    """Return a figure without its ends where the (N,) samples that it counts are of fewer than FEWEST groups."""
    is_known = len(np.unique(np.asarray(groups)[chosen])) >= FEWEST
    return figure if is_known else replace(figure, low=math.nan, high=math.nan)


def wilson(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share: Wilson 1927."""
    share = right / max(1, count)
    middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    return middle - half, middle + half


def rate(count: int, hours: float) -> Figure:
    """Return events per hour with the exact 95 % interval of a Poisson count: Garwood 1936.

    Events count as independent; where they come in bursts the interval is too narrow.
    """
    low = _solve(lambda mean: 1 - _at_most(count - 1, mean) - TAIL, count) if count else 0.0
    high = _solve(lambda mean: TAIL - _at_most(count, mean), count)
    return Figure(count / hours, low / hours, high / hours)


def _share(weights: Values, right: Chosen) -> float:
    return float(weights @ right / weights.sum()) if weights.any() else math.nan


def _ends(values: Values) -> tuple[float, float]:
    """Return the percentiles without interpolation, so that a delay without end stays one."""
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return math.nan, math.nan
    last = len(known) - 1
    return float(known[math.floor(TAIL * last)]), float(known[math.ceil((1 - TAIL) * last)])


def _at_most(count: int, mean: float) -> float:
    """Return the probability of `count` events or fewer where `mean` are expected."""
    if mean == 0:
        return float(count >= 0)
    return math.fsum(math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(count + 1))


def _solve(rises: Callable[[float], float], count: int) -> float:
    """Return where a rising function crosses zero, between 0 and well above `count`."""
    low, high = 0.0, 2.0 * count + 20.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) < 0 else (low, middle)
    return (low + high) / 2
