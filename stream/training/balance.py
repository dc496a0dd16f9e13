"""Of a model with two labels: the threshold at which as large a share of either is right, from the clips held out.

A network that saw both labels equally often need not say them equally often elsewhere; a threshold mends that
and costs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stream.cards import Card
from stream.config import USUAL
from stream.intervals import Figure, shares
from stream.types import Array

HYSTERESIS = USUAL.end_threshold / USUAL.begin_threshold
"""An end threshold over its begin threshold."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A threshold, and what it gives."""

    label: str
    """The label whose probability is compared: the one that is not background, else the first."""
    other: str
    """The other one."""
    threshold: float
    """Probability of `label` in (0, 1): from here on a clip is said to show it."""
    recall: Figure
    """Share of the clips of `label` that are told with it."""
    specificity: Figure
    """Share of the clips of `other` that are."""
    usual: tuple[float, float]
    """Both with the usual threshold, one half."""

    def __str__(self) -> str:
        told = " and ".join(
            f"{100 * figure.value:.0f} %{_ends(figure)} of {name!r}"
            for figure, name in ((self.recall, self.label), (self.specificity, self.other))
        )
        usual = " and ".join(f"{100 * share:.0f} %" for share in self.usual)
        return (
            f"{self.label!r} from probability {self.threshold:.3f} on balances the clips held out: {told} right; "
            f"from 0.5 on {usual}. It was chosen by these clips, and stands in the card"
        )

    def story(self) -> dict[str, object]:
        """Say it for the card."""
        return {
            "label": self.label,
            "threshold": self.threshold,
            "recall": round(self.recall.value, 4),
            "specificity": round(self.specificity.value, 4),
        }

    def thresholds(self) -> dict[str, dict[str, float]]:
        """Return what the card says of either label: each begins where the other is no longer said."""
        begins = {self.label: self.threshold, self.other: round(1 - self.threshold, 4)}
        return {
            label: {"begin_threshold": begin, "end_threshold": round(HYSTERESIS * begin, 4)}
            for label, begin in begins.items()
        }


def balance(card: Card, probabilities: Array, truth: npt.NDArray[np.int64], groups: Sequence[str]) -> Balance | None:
    """Choose the threshold of a model with two labels; None of any other, or where the clips show one label only.

    Args:
        card: its labels and background.
        probabilities: (N, 2) of the clips held out.
        truth: (N,) what each shows.
        groups: (N,) the recording of each, for the intervals.
    """
    if len(card.labels) != 2 or len(np.unique(truth)) != 2:
        return None
    place = next((place for place, label in enumerate(card.labels) if label not in card.background), 0)
    said, is_shown = probabilities[:, place].astype(np.float64), truth == place
    threshold = _threshold(said, is_shown)

    hits = (said >= threshold, is_shown), (said < threshold, ~is_shown)
    recall, specificity = shares(hits, groups)
    usual = float((said[is_shown] >= 0.5).mean()), float((said[~is_shown] < 0.5).mean())
    return Balance(card.labels[place], card.labels[1 - place], threshold, recall, specificity, usual)


def _threshold(said: npt.NDArray[np.float64], is_shown: npt.NDArray[np.bool_]) -> float:
    """Return where both shares are nearest to each other; among equals where they are highest, then nearest to 0.5."""
    known = np.unique(said)
    found = np.clip(np.concatenate([(known[1:] + known[:-1]) / 2, [0.5]]), 0.001, 0.999).round(4)
    recall = (said[is_shown][None] >= found[:, None]).mean(1)
    specificity = (said[~is_shown][None] < found[:, None]).mean(1)
    order = np.lexsort((abs(found - 0.5), -(recall + specificity).round(9), abs(recall - specificity).round(9)))
    return float(found[order[0]])


def _ends(figure: Figure) -> str:
    return f" ({100 * figure.low:.0f} to {100 * figure.high:.0f})" if np.isfinite(figure.low) else ""
