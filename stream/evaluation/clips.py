"""The clip protocol: every clip by itself, from a blank memory, judged by its last frame."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.config import SessionSettings
from stream.evaluation import reading
from stream.intervals import Figure, Values, bootstrap, trusted
from stream.recogniser import Recogniser
from stream.training.datasets import Sample
from stream.types import Array, Update

BIN_COUNT = 15
"""Count: bins of the calibration error; Guo et al. 2017 take as many."""
TOP = 5
"""Count: a clip is right among the top 5 when its label is one of that many; all of them where there are fewer."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cell:
    """Clips of one label that were said to be another, or the same."""

    shown: str
    """What they show."""
    said: str
    """What was said."""
    clips: int
    """Count."""
    share: Figure
    """Of the clips that show this."""


@dataclass(frozen=True, slots=True)
class Clips:
    """What was said of clips."""

    labels: tuple[str, ...]
    """The K labels."""
    counts: Indices
    """(K, K): a row for what was shown, a column for what was said."""
    groups: int
    """Count: groups that the intervals are drawn from."""
    top1: Figure
    """Share of the clips that were right."""
    top5: Figure
    """Share of the clips whose label was among the TOP most probable."""
    ece: Figure
    """Expected calibration error, in [0, 1], over BIN_COUNT bins of equal width."""
    recall: dict[str, Figure]
    """Label -> share of its clips that were right; labels without clips are left out."""
    confusion: tuple[Cell, ...]
    """The cells of the matrix that are not empty."""


def score(recogniser: Recogniser, samples: Sequence[Sample], settings: SessionSettings) -> Iterator[Array]:
    """Yield the (K,) probabilities at the last frame of each clip, from a real session without smoothing.

    Raises:
        SourceError: a clip cannot be read.
    """
    plain = replace(settings, top_k=len(recogniser.labels), smoothing_s=0.0, allow=None, deny=None)
    for sample in samples:
        session, last = recogniser.session(plain), None
        for frame in reading.film(sample):
            last = session.feed(frame) or last
        yield _probabilities(recogniser.labels, last)


def measure(labels: tuple[str, ...], truth: Sequence[str], said: Array, groups: Sequence[str], seed: int = 0) -> Clips:
    """Measure what was said of N clips.

    Args:
        labels: the K labels.
        truth: (N,) what each clip shows.
        said: (N, K) probabilities.
        groups: (N,) what is drawn together in the bootstrap.
        seed: of the bootstrap.
    """
    shown = np.array([labels.index(label) for label in truth])
    present = np.unique(shown)
    cells, places = np.unique(shown * len(labels) + said.argmax(1), return_inverse=True)
    parts = (_shares(shown, said), _calibration(shown, said), _recalls(shown, said, present), _cells(shown, places))
    figures = bootstrap(lambda weights: np.concatenate([part(weights) for part in parts]), groups, seed=seed)
    top1, top5, ece, *rest = figures
    counts = np.bincount(shown * len(labels) + said.argmax(1), minlength=len(labels) ** 2)
    counts = counts.reshape(len(labels), len(labels))
    recall = {
        labels[index]: trusted(figure, shown == index, groups) for index, figure in zip(present, rest, strict=False)
    }
    confusion = tuple(
        Cell(labels[cell // len(labels)], labels[cell % len(labels)], int(counts.flat[cell]), figure)
        for cell, figure in zip(cells, rest[len(present) :], strict=True)
    )
    return Clips(labels, counts, len(set(groups)), top1, top5, ece, recall, confusion)


Statistic = Callable[[Values], Values]
"""(N,) weights -> (M,) values."""


def _shares(shown: Indices, said: Array) -> Statistic:
    """Return top-1 and top-5. Among equals the first label goes first."""
    ranks = np.argsort(-said, axis=1, kind="stable")
    hits = np.stack([(ranks[:, :depth] == shown[:, None]).any(1) for depth in (1, TOP)])  # (2, N)
    return lambda weights: np.asarray(hits @ weights / weights.sum())


def _calibration(shown: Indices, said: Array) -> Statistic:
    """Return the expected calibration error of the top label: Guo et al. 2017, arXiv:1706.04599."""
    confidence, right = said.max(1).astype(np.float64), said.argmax(1) == shown
    bins = np.clip(np.ceil(confidence * BIN_COUNT).astype(int) - 1, 0, BIN_COUNT - 1)  # (low, high], as they define it

    def error(weights: Values) -> Values:
        gaps = np.bincount(bins, weights * (right - confidence), BIN_COUNT)
        return np.array([np.abs(gaps).sum() / weights.sum()])

    return error


def _recalls(shown: Indices, said: Array, present: Indices) -> Statistic:
    right, size = said.argmax(1) == shown, said.shape[1]

    def recalls(weights: Values) -> Values:
        return _ratio(np.bincount(shown, weights * right, size), np.bincount(shown, weights, size))[present]

    return recalls


def _cells(shown: Indices, places: Indices) -> Statistic:
    """Return the share of every cell in its row."""
    rows = np.zeros(places.max() + 1, np.int64)
    rows[places] = shown

    def shares(weights: Values) -> Values:
        return _ratio(np.bincount(places, weights, len(rows)), np.bincount(shown, weights)[rows])

    return shares


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Values:
    """Divide; where there is nothing to divide by the share is not a number."""
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, math.nan), where=whole > 0))


def _probabilities(labels: tuple[str, ...], update: Update | None) -> Array:
    found = np.zeros(len(labels), np.float32)
    for label in update.labels if update else ():
        found[labels.index(label.name)] = label.probability
    return found
