"""How a model leaves for a phone, or for the engines: one file a format."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stream import cache, cards, rooms
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
    file = _file(card, folder, target)
    difference: float = rooms.find("exporters", target).export(net, card, file)
    return _write_card(card, file), difference


def store(net: "Net", card: Card, folder: Path) -> Card:
    """Write the weights of a net that has no step, and beside them the card that names them; the torch engine runs it.

    Raises:
        ExportError: a file cannot be written.
    """
    file = _file(card, folder, "onnx")
    try:
        cache.write(file, rooms.find("exporters", "onnx").encode_weights(net, card))
    except OSError as error:
        raise ExportError(f"cannot write {file}: {error.strerror}") from error
    return _write_card(card, file)


def _file(card: Card, folder: Path, target: str) -> Path:
    if card.name in ("", ".", "..") or Path(card.name).name != card.name:
        raise ExportError(f"card {card.name!r}: its name cannot name a file")
    return folder / f"{card.name}.{target}"


def _write_card(card: Card, file: Path) -> Card:
    path = file.with_name(f"{card.name}.toml")
    written = replace(card, weights=file.name, sha256=hashlib.sha256(file.read_bytes()).hexdigest(), path=path)
    try:
        path.write_text(cards.dump(written), "utf-8")
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
    return written
