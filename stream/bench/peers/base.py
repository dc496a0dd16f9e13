"""What a peer offers: `build(card, file, threads) -> Contestant`."""

from pathlib import Path
from typing import Protocol

from stream.bench.meter import Contestant
from stream.cards import Card


class Build(Protocol):
    """The one function of a peer."""

    def __call__(self, card: Card, file: Path, threads: int) -> Contestant:
        """Load the peer's own model file, which has the card's weights.

        Raises:
            ModelError: the file is not what the peer needs.
        """
        ...
