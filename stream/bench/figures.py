"""From times to figures: percentiles, and how many times as long one takes as another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
"""(rounds, steps) nanoseconds."""

RESAMPLES = 2000
"""Count of bootstrap samples."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How long a step takes."""

    min_ms: float
    """Milliseconds: the shortest."""
    p50_ms: float
    """Milliseconds: half of the steps are shorter."""
    p95_ms: float
    """Milliseconds."""
    p99_ms: float
    """Milliseconds."""
    count: int
    """Steps that were counted."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long one takes as another."""

    value: float
    """Median over the rounds of the quotient of the two medians of a round."""
    low: float
    """Lower end of the 95 % interval, by bootstrap over the rounds."""
    high: float
    """Upper end."""


def spread(times: Times) -> Spread:
    """Summarise the steps of one contestant."""
    ms = times.ravel() / 1e6
    p50, p95, p99 = np.percentile(ms, (50, 95, 99))
    return Spread(float(ms.min()), float(p50), float(p95), float(p99), ms.size)


def ratio(ours: Times, theirs: Times, seed: int = 0) -> Ratio:
    """Compare two contestants round by round: what slows the machine down for a while slows both in those rounds."""
    quotients = np.median(ours, axis=1) / np.median(theirs, axis=1)
    drawn = np.random.default_rng(seed).choice(quotients, (RESAMPLES, quotients.size))
    low, high = np.percentile(np.median(drawn, axis=1), (2.5, 97.5))
    return Ratio(float(np.median(quotients)), float(low), float(high))


def stack(rounds: Sequence[Sequence[int]]) -> Times:
    """Return rounds of nanoseconds as one table."""
    return np.asarray(rounds, np.int64)
