"""What an export target offers: `export(net, card, path)`."""

from pathlib import Path
from typing import Protocol

from stream.cards import Card
from stream.nets.base import Net


class Export(Protocol):
    """The one function of an exporter."""

    def __call__(self, net: Net, card: Card, path: Path) -> float:
        """Write the model to `path` and compare it with `net` over a run of frames.

        Returns:
            The largest difference of the logits between what was written and `net`.

        Raises:
            ExportError: the net cannot leave in this format.
            ParityError: what was written does not agree; says by how much.
        """
        ...
