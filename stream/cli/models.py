"""stream-models: which models there are, how they come here, and whether they are what they should be."""

import importlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from stream import cache, cards, ensemble, rooms, shelf
from stream.cards import CHOICES, Card
from stream.cli._arrival import Arrival, tell
from stream.cli.console import suite
from stream.errors import UsageError

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a model.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON object a line.")]
Dtype = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(CHOICES["dtype"]),
        help="How to store the weights: float16 takes half the room, int8 a quarter; what that changes is measured.",
        show_default="as the file has them; float32 where it does not say",
    ),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="The file, fetched by hand; it must pass the same check.",
        show_default="fetch it",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Another address of the same file, such as a mirror.", show_default="the catalogue's"
    ),
]
Sha256 = Annotated[
    str | None,
    typer.Option(metavar="HEX", help="SHA-256 of the file.", show_default="the catalogue's, where it knows one"),
]
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A TensorFlow Lite file, SavedModel folder, TensorFlow Hub handle, checkpoint, .weights.h5, state dict or "
        ".safetensors (the PyTorch port's or ours), or an ONNX file of stream-export.",
        show_default=False,
    ),
]
As = Annotated[
    str, typer.Option("--as", metavar="NAME", help="What to call it: letters, digits, - and _.", show_default=False)
]
Labels = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="The labels in the order of the outputs, one a line; or kinetics-600.",
        show_default="what the file carries; kinetics-600 for 600 classes",
    ),
]
Gate = Annotated[
    str | None,
    typer.Option(metavar="relu6|clip", help="Gate of a stream net's weights.", show_default="what comparing shows"),
]
Head = Annotated[
    str | None,
    typer.Option(
        "--classifier-activation",
        metavar="swish|hard_swish|relu6",
        help="Activation of the dense layer.",
        show_default="what comparing shows, else swish",
    ),
]
Side = Annotated[
    int | None,
    typer.Option(
        min=32, max=1024, help="Pixels: side of the square it sees, 32 to 1024.", show_default="the variant's"
    ),
]
Fps = Annotated[
    float | None,
    typer.Option(min=0.1, max=120, help="Frames per second it was trained at.", show_default="the variant's"),
]
Memory = Annotated[
    float | None,
    typer.Option(
        "--memory-s",
        min=0.01,
        help="Seconds: time constant of forgetting; inf never forgets.",
        show_default="what the file carries; 1 for Kinetics-600 without squeeze-excitation; else inf",
    ),
]
Licence = Annotated[str | None, typer.Option(help="SPDX identifier of the weights' licence.", show_default="none")]
Force = Annotated[bool, typer.Option("--force", help="Replace a model of that name.")]
Members = Annotated[list[str], typer.Argument(metavar="MEMBER...", help="Two models or more.", show_default=False)]

COLUMNS, STATE_WIDTH = ("name", "classes", "px", "fps", "MB", "licence", "state"), 18
"""Of the list, and letters that the last one takes at least on a line."""


def list_(*, as_json: Json = False) -> None:
    """List the models: those that ship, those that are here, and those that can be pulled."""
    rows = shelf.rows()
    if as_json:
        for row in rows:
            typer.echo(json.dumps(asdict(row)))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    texts = [COLUMNS, *map(_texts, rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for name, width in zip(COLUMNS, widths, strict=True):  # a name cut short is none: only the state takes more lines
        is_last, is_number = name == COLUMNS[-1], name in ("classes", "px", "fps", "MB")
        table.add_column(
            name, min_width=min(width, STATE_WIDTH) if is_last else width, no_wrap=not is_last, overflow="fold",
            justify="right" if is_number else "left",
        )  # fmt: skip
    for text in texts[1:]:
        table.add_row(*text)
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, sum(widths[:-1]) + len(widths) + STATE_WIDTH)
    console.print(table)
    console.print(
        "MB: of the weights as they lie here. clips: a base net, for whole clips, not for streams.", soft_wrap=True
    )


def _texts(row: shelf.Row) -> tuple[str, ...]:
    size = "?" if row.megabytes is None else f"{row.megabytes:.1f}"
    return row.name, str(row.classes), str(row.side_px), f"{row.fps:g}", size, row.licence, row.state


def pull(*, name: Name, dtype: Dtype = None, file: From = None, address: Address = None, sha256: Sha256 = None) -> None:
    """Fetch a model, check it against its known id, and import it."""
    _check("dtype", dtype)
    with Arrival() as arrival:
        pulling = _quietly("pulling")
        way = pulling.Way(dtype or "", file, address or "", sha256 or "", arrival.progress, arrival.say)
        card = pulling.pull(name, way)
    tell(card)


def import_(
    *,
    source: Source,
    name: As,
    labels: Labels = "",
    gate: Gate = None,
    classifier_activation: Head = None,
    side: Side = None,
    fps: Fps = None,
    memory_s: Memory = None,
    licence: Licence = None,
    dtype: Dtype = None,
    force: Force = False,
) -> None:
    """Import weights from elsewhere, after comparing what they compute there and here, frame by frame."""
    for field, value in (("dtype", dtype), ("gate", gate), ("classifier_activation", classifier_activation)):
        _check(field, value)
    asked = {
        "gate": gate,
        "classifier_activation": classifier_activation,
        "side_px": side,
        "fps": fps,
        "memory_s": memory_s,
        "licence": licence,
    }
    given = {field: value for field, value in asked.items() if value is not None}
    intake = _quietly("intake")
    with Arrival() as arrival:
        order = intake.Order(cache.check_name(name), given, labels, dtype or "", force)
        card = intake.bring(source, order, arrival.say)
    tell(card)


def join(*, name: Name, members: Members, force: Force = False) -> None:
    """Make an ensemble: a model whose logits are the mean of its members', each at its own side and rate."""
    tell(ensemble.join(cache.check_name(name), [cards.load(member) for member in members], is_forced=force))


def show(*, name: Name, as_json: Json = False) -> None:
    """Show a model's card, and where it was found."""
    card = cards.load(name)
    facts = shelf.facts(card)
    if as_json:
        typer.echo(json.dumps(facts))
        return
    table = Table("", Column(overflow="fold"), box=None, show_header=False, pad_edge=False)
    for field, value in facts.items():
        table.add_row(field, shelf.brief(value))
    Console().print(table)


def verify(*, name: Name, as_json: Json = False) -> None:
    """Compare weights with their hash, load them, and compare 50 frames with PyTorch, or with the fused engine."""
    card = cards.load(name)
    for part in [cards.load(member) for member in card.members] or [card]:
        found = _verified(part)
        row = {"name": part.name, "sha256": part.sha256, "difference": found.difference if found else None}
        if as_json:
            typer.echo(json.dumps(row | {"reference": found.reference if found else None}))
        elif found is None:
            typer.echo(f"{part.name}: the hash is right; not compared: nothing else that is installed runs it")
        else:
            difference = f"largest difference from {found.reference} {found.difference:.1e}"
            typer.echo(f"{part.name}: the hash is right; {difference}")


def remove(*, name: Name) -> None:
    """Take a model away that was pulled or imported."""
    if name in cards.shipped():
        raise UsageError(f"{name} ships with the package and stays")
    if name not in cache.names():
        cards.load(name)  # says what there is
    if holders := shelf.holders(name):
        raise UsageError(f"{name} is a member of {', '.join(holders)}; accepted: remove what it is a member of first")
    with cache.locked(name):
        cache.remove(name)
    typer.echo(f"{name} is gone")


def _verified(card: Card) -> Any:
    """Return what comparing a model's file found, None where nothing was there to compare with."""
    content = card.read_weights()
    if card.kind == "base":
        return None
    rooms.find("runtimes", "onnxruntime").build(card)
    return _quietly("proof").compare(card, content)


def _check(field: str, value: str | None) -> None:
    if value is not None and value not in CHOICES[field]:
        raise UsageError(f"{field} is {value!r}; accepted: {', '.join(CHOICES[field])}")


def _quietly(module: str) -> Any:
    """Import what may load TensorFlow, which says at every start what it found."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # else it says at every start that it is on
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # Google's own code needs it
    return importlib.import_module(f"stream.{module}")


main = suite(
    "Which models there are, how they come here, and whether they are what they should be.",
    list_=list_,
    pull=pull,
    import_=import_,
    join=join,
    verify=verify,
    show=show,
    remove=remove,
)

if __name__ == "__main__":
    main()
