"""stream-eval: measure a model on generated gestures that training never saw."""

import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from stream import cards, rooms
from stream.cards import Card
from stream.cli.console import Version, program
from stream.errors import UsageError
from stream.recogniser import load

if TYPE_CHECKING:
    from stream.training.evaluate import Clips, Sessions

Name = Annotated[str, typer.Argument(help="Name of a model, or path of its card.", metavar="MODEL")]
Count = Annotated[int, typer.Option("--clips", min=12, help="Count of single actions, 12 or more, classes in turn.")]
Minutes = Annotated[int, typer.Option(min=1, help="Minutes of stream, 1 or more, for events matched and false.")]
Seed = Annotated[int, typer.Option(min=0, help="Decides the clips: a whole number, 0 or more.")]
Engine = Annotated[str, typer.Option("--runtime", help="Engine that computes the steps.")]
JsonTo = Annotated[
    Path | None, typer.Option("--json", help="Write the figures here; - is stdout, instead of the tables.")
]
PlotTo = Annotated[Path | None, typer.Option("--plot", help="Draw the confusion matrix; a .png.")]
Update = Annotated[bool, typer.Option("--update-card", help="Write the figures into the model's card.")]

T = TypeVar("T")


def evaluate(
    *,
    model: Name,
    clips: Count = 1200,
    minutes: Minutes = 10,
    seed: Seed = 1,
    runtime: Engine = "onnxruntime",
    json_to: JsonTo = None,
    plot: PlotTo = None,
    update_card: Update = False,
    version: Version = False,  # noqa: ARG001  # answers by itself
) -> None:
    """Measure a model on generated gestures whose shapes, textures and backgrounds training never saw.

    Single actions give the accuracy, with Wilson's 95 % interval, and the confusion matrix. Long streams with pauses,
    read with the default settings, say how many gestures came out as events and how many events were false.
    """
    with rooms.needing("stream-eval", "train"):
        from stream.training import evaluate, plots  # noqa: PLC0415  # a serving install lacks what they need

    recogniser = load(model, runtime)
    evaluate.check(recogniser)
    tally = _last(evaluate.clips(recogniser, clips, seed), clips, "clips")
    events = _last(evaluate.sessions(recogniser, minutes, seed), minutes, "minutes of stream")
    figures = _figures(tally, events, shlex.join(["stream-eval", *sys.argv[1:]]))
    if str(json_to) == "-":
        typer.echo(json.dumps(figures))
    else:
        _show(tally, events)
    if json_to and str(json_to) != "-":
        json_to.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    if plot:
        title = f"{recogniser.card.name}: {100 * tally.accuracy:.1f} % of {clips} unseen clips"
        plots.confusion(tally.counts, tally.labels, title, plot)
    if update_card:
        _update(recogniser.card, figures)


def _last(tallies: Iterator[T], count: int, what: str) -> T:
    """Run a measurement with a bar; return its last tally."""
    return list(track(tallies, what, total=count, console=Console(stderr=True)))[-1]


def _figures(clips: "Clips", sessions: "Sessions", command: str) -> dict[str, Any]:
    low, high = clips.interval
    return {
        "command": command,
        "clips": int(clips.counts.sum()),
        "accuracy": round(clips.accuracy, 4),
        "interval_95": [round(low, 4), round(high, 4)],
        "recall": {label: round(value, 3) for label, value in clips.recall.items()},
        "stream_minutes": sessions.minutes,
        "events_played": sessions.played,
        "events_recognised": round(sessions.recall, 4),
        "false_events_per_minute": round(sessions.false_per_minute, 2),
    }


def _show(clips: "Clips", sessions: "Sessions") -> None:
    low, high = clips.interval
    table = Table("played", "clips", "right", "said instead", title="Single actions", title_justify="left")
    for row, (label, recall) in zip(clips.counts, clips.recall.items(), strict=True):
        others = sorted(
            ((int(n), name) for name, n in zip(clips.labels, row, strict=True) if n and name != label), reverse=True
        )
        table.add_row(
            label, str(row.sum()), f"{100 * recall:.0f} %", ", ".join(f"{name} {n}" for n, name in others[:3])
        )
    console = Console()
    console.print(table)
    console.print(
        f"accuracy {100 * clips.accuracy:.1f} % ({100 * low:.1f} to {100 * high:.1f}) of {clips.counts.sum()} clips"
    )
    console.print(
        f"streams: {sessions.hits} of {sessions.played} gestures recognised ({100 * sessions.recall:.1f} %), "
        f"{sessions.false_per_minute:.2f} false events per minute over {sessions.minutes:g} minutes"
    )


def _update(card: Card, figures: dict[str, Any]) -> None:
    if card.path is None:
        raise UsageError(f"the card of {card.name} is not in a file; accepted: the path of a .toml")
    card.path.write_text(cards.dump(replace(card, measured={"generated": figures})), "utf-8")


main = program(evaluate)

if __name__ == "__main__":
    main()
