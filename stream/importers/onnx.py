"""Reads an ONNX file that `stream-export` wrote: it carries its card and runs by itself."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from stream import cards
from stream.cards import Card
from stream.errors import ModelError, UsageError
from stream.importers.base import Reading, Reference, floats, step_all
from stream.onnxfile import OnnxFile
from stream.runtimes.onnxruntime import OnnxRuntime

KIND = "an ONNX file that stream-export wrote"
PACKAGES: tuple[str, ...] = ()
FIRST = b"\x08"
"""How an ONNX file begins: the field with the version of the format."""
OWN = ("name", "path", "weights", "sha256", "measured")
"""Fields of a card that are about the file, or about another name."""


def recognises(source: str) -> bool:
    """Say whether its name ends with .onnx, or it reads as a graph with weights; see `importers.base.Importer`."""
    file = Path(source)
    if not file.is_file():
        return False
    if file.suffix == ".onnx":
        return True
    with file.open("rb") as content:
        return content.read(1) == FIRST and _reads(file)


def read(source: str, given: Mapping[str, Any]) -> Reading:
    """Return the weights, all that its card says, and the file itself as the reference."""
    try:
        content = Path(source).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}") from error
    card = _card(source, content)
    if given.get("side_px", card.side_px) != card.side_px:
        raise UsageError(
            f"the graph in {source} takes pictures of {card.side_px} px, {given['side_px']} px were asked for: "
            "it could not be compared"
        )
    facts = {item.name: getattr(card, item.name) for item in fields(Card) if item.name not in OWN}
    found = {name: floats(name, value) for name, value in OnnxFile(content).weights().items()}
    if card.kind == "base":
        return Reading(found, facts, note="a file of weights alone has nothing to run: not compared")
    engine = OnnxRuntime(card, content)
    return Reading(found, facts, Reference(f"the file itself in {engine.name}", lambda clip: step_all(engine, clip)))


def _reads(file: Path) -> bool:
    try:
        return bool(OnnxFile(file.read_bytes()).weights())
    except (ModelError, OSError):
        return False


def _card(source: str, content: bytes) -> Card:
    try:
        table = tomllib.loads(OnnxFile(content).metadata["card"])
    except ModelError as error:
        raise ModelError(f"{source} is damaged, or no ONNX file: {error}") from error
    except KeyError as error:
        raise ModelError(f"{source} carries no card: only what stream-export wrote can be imported") from error
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{source} carries a card that cannot be read: {error}") from error
    card = cards.parse(table)
    if card.is_folded:
        raise ModelError(
            f"{source} was written for phones, its constants folded into each other: the weights cannot be had back; "
            "accepted: a file of stream-export --to onnx"
        )
    return card
