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
    typer.Option("--samples", min=1, help="Count of streams to learn from.", show_default="the recipe's, 6000"),
]
Seed = Annotated[int, typer.Option(min=0, help="Decides weights and data: a whole number, 0 or more.")]
Threads = Annotated[int, typer.Option(min=1, help="Count of processor threads that compute, 1 or more.")]
Runs = Annotated[Path, typer.Option(help="Folder for the log, the curve and checkpoints.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")]


def train(
    *,
    kind: Kind,
    out: Out = Path("gestures.toml"),
    samples: Streams = None,
    seed: Seed = 1,
    threads: Threads = 2,
    runs: Runs = Path("runs"),
    resume: Resume = False,
    version: Version = False,  # noqa: ARG001  # answers by itself
) -> None:
    """Train a model from scratch, export it and write its card.

    The same seed, samples and threads give the same model on the same machine. A run that was killed goes on with
    --resume. Measure the result with stream-eval.
    """
    rooms.find("runtimes", "torch")  # says how to get what is missing, before anything else
    from stream.training.recipes import Order, train  # noqa: PLC0415  # takes torch with it

    changes = {"seed": seed, "threads": threads} | ({} if samples is None else {"streams": samples})
    command = shlex.join(["stream-train", *sys.argv[1:]])
    order = Order(kind=kind, out=out, runs=runs, changes=changes, command=command, is_resumed=resume)
    card = train(order)
    Console().print(
        f"{out}: {card.name}, SHA-256 {card.sha256[:12]}; measure it with: stream-eval {out}", highlight=False
    )


main = program(train)

if __name__ == "__main__":
    main()
