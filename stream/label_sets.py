"""From a network's classes to the labels that people see: each a set of classes, whose probabilities are added."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stream.errors import ModelError
from stream.types import Array

REST = "other"
"""What the classes of no set are called, where a card does not say."""

Sets = Mapping[str, Sequence[str]]
"""Label shown -> the classes it is the sum of."""


@dataclass(frozen=True, slots=True)
class LabelSets:
    """Which of a network's K classes are added up to which of the labels shown; the rest is the last label."""

    sets: Sets
    """Label -> its classes. Empty: every class is a label of its own, and there is no rest."""
    rest: str = REST
    """The label of all other classes."""

    def shown(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """List the labels that people see: the sets, then the rest; without sets the K classes."""
        return (*self.sets, self.rest) if self.sets else classes

    def check(self, name: str, classes: tuple[str, ...], output: str) -> None:
        """Hold them to the classes of the card `name`.

        Raises:
            ModelError: a set is empty, names no class or one that another set has, or is called as the rest is; or the
                probabilities are not shares of one whole.
        """
        if not self.sets:
            return
        members = Counter(one for found in self.sets.values() for one in found)
        twice = sorted(one for one, count in members.items() if count > 1)
        if output != "softmax":
            raise ModelError(f"card {name!r}: output is {output!r}; accepted with label_sets: softmax")
        if empty := sorted(label for label, found in self.sets.items() if not found or not label):
            raise ModelError(f"card {name!r}: label_sets {empty[0]!r} is empty; accepted: one class or more")
        if unknown := sorted(set(members) - set(classes)):
            raise ModelError(f"card {name!r}: label_sets names no class: {', '.join(unknown)}")
        if twice:
            raise ModelError(f"card {name!r}: label_sets names twice: {', '.join(twice)}; accepted: each class once")
        if not self.rest or self.rest in self.sets:
            raise ModelError(f"card {name!r}: rest_label is {self.rest!r}; accepted: a name that no set has")

    def places(self, classes: tuple[str, ...]) -> dict[str, list[int]]:
        """Say for each set where its classes are among the K."""
        at = {name: index for index, name in enumerate(classes)}
        return {label: [at[one] for one in found] for label, found in self.sets.items()}


class Summing:
    """Adds the probabilities of K classes up to those of the labels shown."""

    def __init__(self, sets: LabelSets, classes: tuple[str, ...]) -> None:
        places = sets.places(classes)
        self._places = np.array([index for found in places.values() for index in found], np.intp)
        self._begins = np.cumsum([0, *map(len, places.values())])[:-1]

    def __call__(self, probabilities: Array) -> Array:
        """Return what the labels shown have of (K,) probabilities that add up to 1; those themselves without sets."""
        if not len(self._places):
            return probabilities
        sums = np.add.reduceat(probabilities[self._places], self._begins).clip(0, 1)
        return np.append(sums, max(0.0, 1.0 - float(sums.sum()))).astype(np.float32)
