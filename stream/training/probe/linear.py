"""The linear probe: how well a ridge regression on frozen features tells the clips of recordings that it never saw.

It takes seconds, so it comes before any training: where it is no better than guessing, training seldom is.

Source: Alain and Bengio 2016, arXiv:1610.01644 (linear probes); Saunders et al. 1998 (ridge regression, dual form).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stream.intervals import Figure, Values, bootstrap
from stream.training import splits
from stream.types import Array

RIDGE = 0.3
"""Weight of the penalty, where features have a mean squared length of one. Chosen on gestures of real hands."""

MOST_FOLDS = 10
"""Count: parts that the groups are dealt to; each is told by a regression on the others."""

MARGIN = 0.1
"""Share of the way from guessing to all right that the interval must lie above: with few groups it is too narrow."""

FEWEST = 5
"""Count: recordings for an interval; a bootstrap of fewer draws the same few again and is far too narrow."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Probe:
    """What a linear probe found."""

    name: str
    """The card whose features they are."""
    clips: int
    """Count: clips that were told."""
    groups: int
    """Count: recordings they are of."""
    classes: int
    """Count."""
    right: Figure
    """Mean over the classes of the share of clips that were right; its interval by bootstrap over groups."""
    lone: tuple[str, ...] = ()
    """Classes of one recording only, which cannot be told once it is held out: not in the figure."""

    @property
    def has_interval(self) -> bool:
        """Say whether there are recordings enough for the interval to mean something."""
        return self.groups >= FEWEST and math.isfinite(self.right.low)

    @property
    def chance(self) -> float:
        """What guessing gives."""
        return 1 / self.classes

    def __str__(self) -> str:
        if not self.clips:
            return f"linear probe on {self.name}: every class is of one recording only, so nothing can be held out"
        ends = f" ({100 * self.right.low:.0f} to {100 * self.right.high:.0f})" if self.has_interval else ""
        what = f"{self.groups} recordings" if self.groups > 1 else "one recording"
        few = "" if self.has_interval else " (too few for an interval)"
        return (
            f"linear probe on {self.name}: {100 * self.right.value:.1f} %{ends} right, classes weighing the same, "
            f"{self.clips} clips of {what}{few} held out in turn; guessing has {100 * self.chance:.0f} %"
            + (f"; of one recording only, so not judged: {', '.join(self.lone)}" if self.lone else "")
        )

    @property
    def verdict(self) -> str:
        """Say whether the data can be learned, in a sentence."""
        if self.groups < 2 or not self.clips:
            return "of other recordings nothing is known: record each class a second time, elsewhere"
        least = self.chance + MARGIN * (1 - self.chance)
        if self.has_interval and self.right.low > least:
            return "so the data can be learned"
        if not self.has_interval and self.right.value > least:
            return (
                f"that is more than guessing has, but {self.groups} recordings are too few to tell whether another one "
                f"would be known: record {FEWEST} or more"
            )
        return (
            "that is no more than guessing may have: look whether the classes differ in what the picture shows, and "
            "add recordings, before you train"
        )

    def story(self) -> dict[str, object]:
        """Say it for the card and for programs."""
        found: dict[str, object] = {"card": self.name, "clips": self.clips, "recordings": self.groups}
        if self.clips:
            found |= {"balanced_accuracy": round(self.right.value, 4), "chance": round(self.chance, 4)}
        if self.has_interval:
            found["interval_95"] = [round(self.right.low, 4), round(self.right.high, 4)]
        return found


def probe(name: str, features: Array, labels: Sequence[str], groups: Sequence[str], seed: int = 0) -> Probe:
    """Tell every clip by a regression on the clips of other groups; with one group, on the other clips.

    Args:
        name: of the card.
        features: (N, C), a row a clip.
        labels: (N,) what each shows; two classes or more.
        groups: (N,) the recording of each.
        seed: decides how groups are dealt to folds, and the draws.
    """
    known = sorted(set(labels))
    truth = np.array([known.index(label) for label in labels], np.int64)
    folds = dealt(groups, truth, seed)
    said, kernel = np.full(len(truth), -1, np.int64), _kernel(features)
    for fold in range(folds.max() + 1):
        held = folds == fold
        said[held] = _told(kernel, truth, held, len(known))
    lone = unlearnt(folds, truth)
    judged = ~np.isin(truth, lone)
    [right] = bootstrap(lambda weights: _balanced(truth, said == truth, weights * judged), groups, seed=seed)
    names = tuple(known[place] for place in lone)
    return Probe(name, int(judged.sum()), len(set(groups)), len(known), right, names)


def unlearnt(folds: Indices, truth: Indices) -> list[int]:
    """List the classes that lie in one fold: of them nothing is left to learn from once it is held out."""
    return [int(label) for label in np.unique(truth) if len(np.unique(folds[truth == label])) < 2]


def dealt(groups: Sequence[str], truth: Indices, seed: int, most: int = MOST_FOLDS) -> Indices:
    """Deal the groups to folds, the largest first to the fold with the fewest clips: (N,) the fold of each clip.

    With one group every class's clips are dealt one by one.
    """
    names, places = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    if len(names) < 2:
        found = np.empty(len(truth), np.int64)
        for label in np.unique(truth):
            mine = rng.permutation(np.flatnonzero(truth == label))
            found[mine] = np.arange(len(mine)) % most
        return np.asarray(np.unique(found, return_inverse=True)[1].reshape(-1), np.int64)
    sizes, loads = np.bincount(places), np.zeros(min(most, len(names)), np.int64)
    fold_of = np.empty(len(names), np.int64)
    for group in sorted(rng.permutation(len(names)), key=lambda index: -sizes[index]):
        fold_of[group] = loads.argmin()
        loads[fold_of[group]] += sizes[group]
    return np.asarray(fold_of[places], np.int64)


def _balanced(truth: Indices, is_right: npt.NDArray[np.bool_], weights: Values) -> Values:
    """Return the mean share that is right over the classes that weigh something; not a number where none does."""
    counts, right = np.bincount(truth, weights), np.bincount(truth, weights * is_right)
    return np.array([(right[counts > 0] / counts[counts > 0]).mean() if counts.any() else math.nan])


def _kernel(features: Array) -> npt.NDArray[np.float64]:
    """Return how alike the clips are, (N, N): products of features brought to one scale, and a constant."""
    centred = features.astype(np.float64) - features.mean(0)
    spread = centred.std(0)
    centred /= np.maximum(spread, 0.1 * spread.mean() + 1e-9)
    kernel = centred @ centred.T
    return np.asarray(kernel / max(kernel.trace() / len(kernel), 1e-12) + 1.0)


def _told(kernel: npt.NDArray[np.float64], truth: Indices, held: npt.NDArray[np.bool_], classes: int) -> Indices:
    """Return what the clips held out are said to be by a regression on the others, each class weighing the same."""
    weights = splits.balanced(np.bincount(truth[~held], minlength=classes))[truth[~held]]
    targets = 2 * np.eye(classes)[truth[~held]] - 1
    solved = np.linalg.solve(kernel[np.ix_(~held, ~held)] + RIDGE * np.diag(1 / weights), targets)
    scores = kernel[np.ix_(held, ~held)] @ solved
    scores[:, np.bincount(truth[~held], minlength=classes) == 0] = -np.inf
    return np.asarray(scores.argmax(1), np.int64)
