"""What a peer offers: `build(card, file, threads) -> Contestant`."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from stream.bench.meter import Contestant
from stream.cards import Card
from stream.errors import ModelError
from stream.types import Array


class Build(Protocol):
    """The one function of a peer."""

    def __call__(self, card: Card, file: Path, threads: int) -> Contestant:
        """Load the peer's own model file, which has the card's weights.

        Raises:
            ModelError: the file is not what the peer needs.
        """
        ...


@contextmanager
def reading(file: Path, owner: str) -> Iterator[None]:
    """Load a peer's file.

    Raises:
        ModelError: whatever the library raises, in one sentence, and what is said of a graph, after the file's name.
    """
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from error
    except Exception as error:  # libraries have classes of their own, which share no other root
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{file} is no model of {owner}'s: {line}") from error


def check_pictures(card: Card, found: Iterable[object], accepted: tuple[int, ...]) -> None:
    """Compare the shape of what a graph takes with that of the card's pictures.

    Raises:
        ModelError: they differ; says both.
    """
    shape = tuple(size if isinstance(size, (str, type(None))) else int(size) for size in found)  # type: ignore[call-overload]
    if shape != accepted:
        raise ModelError(f"the graph takes {shape}; accepted for {card.name}: {accepted}")


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
