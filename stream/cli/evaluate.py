"""stream-eval: measure a model, on generated gestures or on a data set."""

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from stream import cards, engines, rooms
from stream.cards import Card
from stream.cli.console import ENGINE, Version, program
from stream.cli.readflags import Begin, End, MinDuration
from stream.config import SessionSettings
from stream.errors import UsageError
from stream.recogniser import load

if TYPE_CHECKING:
    from stream.cli.protocols import Outcome

CLIP, EVENTS, STREAM, MEMORY, FOOTAGE = "clip", "events", "stream", "memory", "footage"
ON_DATA = "On a data set"
ON_GENERATED = "On generated gestures"

Name = Annotated[str, typer.Argument(help="Name of a model, or path of its card.", metavar="MODEL")]
DataPath = Annotated[
    Path | None,
    typer.Argument(
        help="What to measure on: a folder of CLASS/CLIP.mp4, a CSV (path,label,start,end), or ActivityNet's JSON.",
        metavar="DATA",
        show_default="generated gestures",
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="clip: every clip by itself. events: every clip by itself, by the events that come of it, false ones a "
        "minute too (on DATA only). stream: clips joined to one long stream. memory: memories of different length "
        "compared, in a stream that has just begun and in one that has lasted long (generated: half an hour; of DATA: "
        "an hour). footage: gestures in sample videos of real scenes, which DATA holds, mirrored, turned, backwards.",
        show_default="clip; without DATA clip and stream",
    ),
]
Background = Annotated[
    Path | None,
    typer.Option(help="Folder of footage without any of the actions: every event on it is false.", show_default="none"),
]
Memory = Annotated[
    float | None,
    typer.Option(
        help="Seconds, more than 0: time constant of forgetting; inf never.",
        rich_help_panel=ON_DATA,
        show_default="the card's",
    ),
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        help="Regular expression on the path below DATA; clips with the same first group belong together, and "
        "intervals are drawn from groups.",
        rich_help_panel=ON_DATA,
        show_default="the data's own groups, else clips",
    ),
]
Map = Annotated[
    Path | None,
    typer.Option(
        "--map",
        help="CSV with the header path,label: a pattern on the clips' paths, and which of the model's labels they "
        "have, such as people/wave_*,wave; the first pattern that fits counts; a blank label leaves them out.",
        rich_help_panel=ON_DATA,
        show_default="DATA's own labels",
    ),
]
Videos = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the videos that a CSV or JSON names.", rich_help_panel=ON_DATA, show_default="beside it"
    ),
]
Part = Annotated[
    str, typer.Option(help="Part of DATA: all, train, validation or test.", rich_help_panel=ON_DATA, metavar="PART")
]
Cuts = Annotated[
    bool | None,
    typer.Option(
        "--cuts/--no-cuts",
        help="Clear the memory where the scene is cut.",
        rich_help_panel=ON_DATA,
        show_default="on; off where clips are joined, since a camera would show no cut there",
    ),
]
Others = Annotated[
    bool,
    typer.Option(
        "--others",
        help="Where clips are joined: those of labels that the model does not know, or gives no event of, are "
        "something else, and any event on them is false.",
        rich_help_panel=ON_DATA,
    ),
]
Count = Annotated[
    int,
    typer.Option(
        "--clips", min=12, help="Count of single actions, 12 or more, classes in turn.", rich_help_panel=ON_GENERATED
    ),
]
Minutes = Annotated[
    int,
    typer.Option(
        min=1, help="Minutes of stream, 1 or more, for events matched and false.", rich_help_panel=ON_GENERATED
    ),
]
Scenes = Annotated[
    int, typer.Option(min=2, help="Count of scenes of the memory study, 2 or more.", rich_help_panel=ON_GENERATED)
]
Seed = Annotated[
    int, typer.Option(min=0, help="Decides what is generated, the order and the draws: a whole number, 0 or more.")
]
Engine = Annotated[str, typer.Option("--runtime", help=ENGINE)]
Threads = Annotated[int, typer.Option(min=1, help="Count of threads per step, 1 or more.")]
JsonTo = Annotated[
    Path | None, typer.Option("--json", help="Write the figures here; - is stdout, instead of the tables.")
]
PlotTo = Annotated[
    Path | None,
    typer.Option("--plot", help="Draw the confusion matrix, the delays, or memories and ages; a .png."),
]
Update = Annotated[bool, typer.Option("--update-card", help="Write the figures into the model's card.")]


def evaluate(
    *,
    model: Name,
    data: DataPath = None,
    protocol: Protocol = None,
    background: Background = None,
    memory_s: Memory = None,
    begin: Begin = None,
    end: End = None,
    min_duration: MinDuration = None,
    group_by: GroupBy = None,
    table: Map = None,
    videos: Videos = None,
    part: Part = "all",
    cuts: Cuts = None,
    others: Others = False,
    clips: Count = 1200,
    minutes: Minutes = 10,
    scenes: Scenes = 8,
    seed: Seed = 1,
    runtime: Engine = engines.AUTO,
    threads: Threads = 1,
    json_to: JsonTo = None,
    plot: PlotTo = None,
    update_card: Update = False,
    version: Version = False,  # noqa: ARG001  # answers by itself
) -> None:
    """Measure a model on generated gestures whose shapes, textures and backgrounds training never saw, or on DATA.

    Every figure has a 95 % interval. Of clips: top-1, top-5, recall, confusion, calibration error. Of streams: share of
    time right, delay from a change of action to its label. Of --background: false events an hour.
    """
    _check(protocol, data, background, memory_s, plot, has_others=others)
    protocols = _protocols()
    settings = SessionSettings(memory_s=memory_s, begin_threshold=begin, end_threshold=end, min_duration_s=min_duration)
    recogniser = load(model, runtime, threads)
    outcomes: dict[str, Outcome] = {}
    if protocol == MEMORY and data:
        chosen = protocols.Data(data, videos, part, group_by, others, seed, table, is_joined=True)
        outcomes[MEMORY] = protocols.on_joined_memory(recogniser, chosen)
    elif protocol == MEMORY:
        outcomes[MEMORY] = protocols.on_memory(recogniser, scenes, seed)
    elif protocol == FOOTAGE:
        outcomes[FOOTAGE] = protocols.on_footage(recogniser, data, settings, seed)
    elif data is None and not (background and protocol is None):
        counts = {CLIP: (clips, 0), STREAM: (0, minutes), None: (clips, minutes)}[protocol]
        outcomes["generated"] = protocols.on_generated(recogniser, *counts, seed, settings)
    elif data is not None:
        is_joined = protocol == STREAM
        chosen = protocols.Data(data, videos, part, group_by, others, seed, table, is_joined)
        watched = replace(settings, is_cut_aware=not is_joined if cuts is None else cuts)
        name = data.resolve().stem + (f"_{protocol}" if protocol in (STREAM, EVENTS) else "")
        measure = {STREAM: protocols.on_streams, EVENTS: protocols.on_events}.get(protocol or CLIP, protocols.on_clips)
        outcomes[name] = measure(recogniser, chosen, watched)
    if background:
        outcomes["background"] = protocols.on_background(recogniser, background, settings)
    _report(recogniser.card, outcomes, json_to, plot, update_card=update_card)


def _protocols() -> ModuleType:
    """Import what measures.

    Raises:
        MissingDependency: a serving install lacks what it needs.
    """
    with rooms.needing("stream-eval", "train"):
        from stream.cli import protocols  # noqa: PLC0415
    return protocols


def _check(
    protocol: str | None, data: Path | None, background: Path | None, memory_s: float | None, plot: Path | None,
    *, has_others: bool,
) -> None:  # fmt: skip
    """Refuse what does not go together, before anything is measured."""
    if protocol not in (None, CLIP, EVENTS, STREAM, MEMORY, FOOTAGE):
        raise UsageError(f"--protocol is {protocol!r}; accepted: {CLIP}, {EVENTS}, {STREAM}, {MEMORY} or {FOOTAGE}")
    if protocol == EVENTS and not data:
        raise UsageError(f"--protocol {EVENTS} needs DATA, the clips to watch")
    if protocol == EVENTS and plot:
        raise UsageError(f"--protocol {EVENTS} has tables and no picture; accepted: no --plot")
    if protocol == FOOTAGE and not data:
        raise UsageError(
            f"--protocol {FOOTAGE} needs DATA, the folder of the sample videos that docs/training.md names"
        )
    if has_others and (data is None or protocol not in (STREAM, MEMORY)):
        raise UsageError(f"--others is for clips of DATA that are joined; accepted: --protocol {STREAM} or {MEMORY}")
    if memory_s is not None and protocol == MEMORY:
        raise UsageError(f"--memory-s is one memory, and --protocol {MEMORY} compares several; accepted: one of them")
    if memory_s is not None and data is None and background is None:
        raise UsageError(f"--memory-s is for DATA and --background; accepted here: --protocol {MEMORY}, which compares")
    if plot and data is None and protocol == STREAM:
        raise UsageError("generated streams give two numbers and no picture; accepted: no --plot, or DATA")
    if plot and (plot.suffix.lower() != ".png" or not plot.parent.is_dir()):
        raise UsageError(f"cannot plot to {plot}; accepted: a name ending in .png, in a folder that exists")


def _report(
    card: Card, outcomes: dict[str, "Outcome"], json_to: Path | None, plot: Path | None, *, update_card: bool
) -> None:
    """Say, write and draw what was found."""
    command = shlex.join(["stream-eval", *sys.argv[1:]])
    figures = {name: {"command": command, **outcome.figures} for name, outcome in outcomes.items()}
    said = next(iter(figures.values())) if len(figures) == 1 else figures
    if str(json_to) == "-":
        typer.echo(json.dumps(said))
    else:
        for outcome in outcomes.values():
            outcome.show(Console(highlight=False))
    if json_to and str(json_to) != "-":
        _write(json_to, json.dumps(said, indent=1) + "\n")
    if plot and (drawn := [outcome.draw for outcome in outcomes.values() if outcome.draw]):
        drawn[0](plot)
    if update_card:
        _update(card, figures)


def _update(card: Card, figures: dict[str, dict[str, Any]]) -> None:
    from stream.evaluation.figures import brief  # noqa: PLC0415  # as above

    if card.path is None:
        raise UsageError(f"the card of {card.name} is not in a file; accepted: the path of a .toml")
    _write(card.path, cards.dump(replace(card, measured=card.measured | brief(figures))))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


main = program(evaluate)

if __name__ == "__main__":
    main()
