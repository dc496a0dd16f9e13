"""stream-export: a model as a file for a phone or an engine."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stream import cards, rooms, shelf
from stream.cards import Card
from stream.cli.console import Version, program
from stream.errors import ModelError
from stream.exporters import publish

Model = Annotated[str, typer.Argument(help="Name of a model, or path of its card.", metavar="NAME", show_default=False)]
Target = Annotated[str, typer.Option("--to", help=f"Format to write: {', '.join(rooms.names('exporters'))}.")]
Folder = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write into; made where it is missing.")]
Weights = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Weights to take: an ONNX file as this command writes it.", show_default="the card's"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Say the result as one JSON object.")]


def export(
    *,
    name: Model,
    to: Target = "onnx",
    out: Folder = Path(),
    weights: Weights = None,
    as_json: Json = False,
    version: Version = False,  # noqa: ARG001  # answered before this runs
) -> None:
    """Write a model as DIR/NAME.onnx, with its card DIR/NAME.toml, after comparing it with PyTorch over 50 frames."""
    card = cards.load(name)
    rooms.find("exporters", to)  # an unknown format, or a package it needs, is said before any work
    with Console(stderr=True).status(f"writing {card.name} and comparing it with PyTorch"):
        written, difference = publish(_net(card, weights), card, out, to)
    file = out / written.weights
    size = file.stat().st_size
    if as_json:
        typer.echo(json.dumps({"file": str(file), "card": str(written.path), "bytes": size, "difference": difference}))
        return
    typer.echo(f"{file}  {size / 1e6:.1f} MB")
    typer.echo(f"{written.path}")
    typer.echo(f"largest difference of the logits from PyTorch over 50 frames: {difference:.1e}")


def _net(card: Card, file: Path | None) -> Any:
    """Build the card's net with the weights of `file`, or its own."""
    return shelf.net(card, _read(file) if file else card.read_weights())


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the weights {file}: {error.strerror}") from error


main = program(export)

if __name__ == "__main__":
    main()
