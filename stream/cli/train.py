"""stream-train: make a model."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stream import rooms
from stream.cli.console import Version, program

Kind = Annotated[str, typer.Argument(help="Kind of data to learn from: gestures (generated).", metavar="KIND")]
Out = Annotated[Path, typer.Option(help="Card to write, a .toml; the weights go beside it, as .onnx.")]
Streams = Annotated[
    int | None,
    typer.Option("--samples", min=1, help="Count of streams to learn from.", show_default="what the recipe says"),
]
Rate = Annotated[
    float | None, typer.Option(min=1e-6, max=1.0, help="Learning rate at its highest.", show_default="0.002")
]
Easy = Annotated[
    float | None,
    typer.Option("--easy-share", min=0.0, max=1.0, help="Share of the streams that grow harder.", show_default="0.35"),
]
Seed = Annotated[int, typer.Option(min=0, help="Decides weights and data: a whole number, 0 or more.")]
Threads = Annotated[int, typer.Option(min=1, help="Count of processor threads that compute, 1 or more.")]
Runs = Annotated[Path, typer.Option(help="Folder for the log, the curve and checkpoints.")]
Begin = Annotated[
    str | None,
    typer.Option("--from", help="Name or card of a model of this kind to begin with.", show_default="from scratch"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")]


def train(
    *,
    kind: Kind,
    out: Out = Path("gestures.toml"),
    samples: Streams = None,
    rate: Rate = None,
    easy: Easy = None,
    seed: Seed = 1,
    threads: Threads = 2,
    runs: Runs = Path("runs"),
    begin: Begin = None,
    resume: Resume = False,
    version: Version = False,  # noqa: ARG001  # answers by itself
) -> None:
    """Train a model, export it and write its card.

    The same seed, samples and threads give the same model on the same machine. A run that was killed goes on with
    --resume. Measure the result with stream-eval.
    """
    with rooms.needing("stream-train", "train"):
        from stream.training.recipes import Order, train  # noqa: PLC0415  # a serving install lacks what they need

    asked = {"streams": samples, "rate": rate, "easy_share": easy, "seed": seed, "threads": threads}
    changes = {name: value for name, value in asked.items() if value is not None}
    command = shlex.join(["stream-train", *sys.argv[1:]])
    order = Order(kind=kind, out=out, runs=runs, changes=changes, command=command, begin=begin, is_resumed=resume)
    card = train(order)
    Console().print(
        f"{out}: {card.name}, SHA-256 {card.sha256[:12]}; measure it with: stream-eval {out}", highlight=False
    )


main = program(train)

if __name__ == "__main__":
    main()
