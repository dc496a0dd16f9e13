"""How a model leaves for a phone, or for the engines: one file a format."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stream import cards, rooms
from stream.cards import Card
from stream.errors import ExportError

if TYPE_CHECKING:
    from stream.nets.base import Net


def publish(net: "Net", card: Card, folder: Path, target: str = "onnx") -> tuple[Card, float]:
    """Write `folder/NAME.target` and beside it the card that names it, ready for `stream.load`.

    Returns:
        The card with the file's name and hash, and the largest difference of the logits over the comparison.

    Raises:
        UnknownPart: no such target; lists the known ones.
        ExportError: the net cannot leave in this format, or a file cannot be written.
        ParityError: what was written computes something else.
    """
    if card.name in ("", ".", "..") or Path(card.name).name != card.name:
        raise ExportError(f"card {card.name!r}: its name cannot name a file")
    file = folder / f"{card.name}.{target}"
    difference: float = rooms.find("exporters", target).export(net, card, file)
    path = folder / f"{card.name}.toml"
    written = replace(card, weights=file.name, sha256=hashlib.sha256(file.read_bytes()).hexdigest(), path=path)
    try:
        path.write_text(cards.dump(written), "utf-8")
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
    return written, difference
