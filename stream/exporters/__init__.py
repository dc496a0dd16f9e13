"""How a model leaves for a phone, or for the engines: one file a format."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from stream import cards, manifest, rooms
from stream.cards import Card
from stream.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stream.exporters.base import Parity
    from stream.nets.base import Net
    from stream.types import Array


def publish(
    net: "Net", card: Card, folder: Path, target: str = "onnx", footage: "Sequence[Array]" = ()
) -> "tuple[Card, Parity]":
    """Write `folder/NAME.SUFFIX` and beside it model.json, and NAME.toml where `stream.load` can take the file.

    Returns:
        The card with the file's name and hash, and what its comparison with `net` found; see `exporters.base.Export`.

    Raises:
        UnknownPart: no such target; lists the known ones.
        ExportError: the net cannot leave in this format, or a file cannot be written.
        ParityError: what was written computes something else.
    """
    exporter = rooms.find("exporters", target)
    file = _file(card, folder, exporter.SUFFIX)
    parity: Parity = exporter.export(net, card, file, footage)
    written = replace(_named(card, file), is_folded=exporter.IS_FOLDED)
    _write(folder / manifest.NAME, manifest.dump(written, target, net.init_state()))
    return (_write_card(written) if exporter.IS_LOADABLE else written), parity


def encode(card: Card, weights: "Mapping[str, Array]") -> bytes:
    """Return the file that `store` writes; see there."""
    from stream.exporters import _onnxfile  # noqa: PLC0415  # the onnx package takes long to load

    return _onnxfile.encode(card, weights)


def store(card: Card, weights: "Mapping[str, Array]", folder: Path) -> Card:
    """Write weights by name as the file that the engines load, and beside it the card that names it; no torch.

    A base net's file holds the weights alone: the torch engine runs it.

    Raises:
        ModelError: the weights are not exactly those of this net; names the first few.
        ExportError: a file cannot be written.
    """
    from stream.exporters import _onnxfile  # noqa: PLC0415  # the onnx package takes long to load

    file = _file(card, folder, "onnx")
    _onnxfile.write(file, encode(card, weights))
    return _write_card(_named(card, file))


def _file(card: Card, folder: Path, suffix: str) -> Path:
    if card.name in ("", ".", "..") or Path(card.name).name != card.name:
        raise ExportError(f"card {card.name!r}: its name cannot name a file")
    return folder / f"{card.name}.{suffix}"


def _named(card: Card, file: Path) -> Card:
    """Return the card of a file that was written."""
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return replace(card, weights=file.name, sha256=sha256, path=file.with_name(f"{card.name}.toml"))


def _write_card(card: Card) -> Card:
    assert card.path is not None  # noqa: S101  # `_named` gave one
    _write(card.path, cards.dump(card))
    return card


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
