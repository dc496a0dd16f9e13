"""What a peer offers: `build(card, file, threads) -> Contestant`."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from stream.bench.meter import Contestant
from stream.cards import Card
from stream.types import Array


class Build(Protocol):
    """The one function of a peer."""

    def __call__(self, card: Card, file: Path, threads: int) -> Contestant:
        """Load the peer's own model file, which has the card's weights.

        Raises:
            ModelError: the file is not what the peer needs.
        """
        ...


class Streaming(ABC):
    """A contestant that keeps a state and answers by the very steps that are timed; see `meter.Contestant`."""

    @abstractmethod
    def begin(self) -> None:
        """Forget all that was seen."""

    @abstractmethod
    def prepare(self, clip: Array) -> None:
        """Take the next picture; not timed."""

    @abstractmethod
    def advance(self) -> Array:
        """Compute, and keep the states for the next step; return the (1, K) logits."""

    def answers(self, clips: Sequence[Array]) -> Array:
        """Step a fresh stream."""
        self.begin()
        logits = []
        for clip in clips:
            self.prepare(clip)
            logits.append(self.advance())
        return np.concatenate(logits)

    def step(self) -> None:
        """Do what is timed."""
        self.advance()
