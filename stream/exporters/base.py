"""What an export target offers: `export(net, card, path, footage)` and what stands beside it, see `Export`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from stream.cards import Card
from stream.types import Array

if TYPE_CHECKING:
    from stream.nets.base import Net  # with it comes torch


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a written file may be from `net`: more is an error, and nothing is written."""

    difference: float
    """Largest difference of a logit or of a state; where they are beyond 1, relative to their size."""
    agreement: float = 1.0
    """Least share of the frames of real footage with the same first label, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Parity:
    """What the comparison of a written file with `net` found."""

    difference: float
    """Largest difference of a logit, over random frames and footage."""
    agreement: float | None
    """Share of the frames of footage with the same first label, in [0, 1]; None: there was no footage."""
    frames: int
    """Count of the frames of footage."""


class Export(Protocol):
    """An exporter's function.

    Beside it stand `SUFFIX` (of the file), `BOUND`, and whether the file `IS_LOADABLE` by `stream.load` and `IS_FOLDED`
    (see `Card`).
    """

    def __call__(self, net: "Net", card: Card, path: Path, footage: Sequence[Array] = ()) -> Parity:
        """Write the model to `path`, whole or not at all, and compare it with `net`.

        Args:
            net: a stream net.
            card: what it was built for.
            path: the file to write; what belongs to it is named by its name and a suffix.
            footage: real frames in their order, (1, 3, 1, S, S) each, to be compared over besides 50 random ones.

        Raises:
            ExportError: the net cannot leave in this format, or a file cannot be written.
            ParityError: what was written does not agree; says by how much.
            ModelError: the net was built for another card.
        """
        ...
