"""stream-train record: clips of your own classes from a camera, a prompt for each."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from stream import rooms
from stream.errors import StreamError, UsageError
from stream.sources import open_source

if TYPE_CHECKING:
    from stream.training.takes import Prompt

From = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="Where frames come from: camera://0, an RTSP or HTTP address, a file.",
        show_default=False,
    ),
]
Labels = Annotated[
    str,
    typer.Option(
        metavar="A,B,C",
        help="The classes, with commas between. Named as a model's own labels ('swipe left'), they are taught to it; "
        "others are added to it.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(help="Folder of the clips, and of clips.csv, which stream-train teach takes.")]
Takes = Annotated[int, typer.Option(min=1, max=99, help="Clips of each class, 1 to 99.")]
Negatives = Annotated[
    int,
    typer.Option(
        min=0, max=99, help="Clips of standing still and of doing anything else, each: what means nothing; 0 for none."
    ),
]
Seconds = Annotated[float, typer.Option(min=0.5, max=30.0, help="Seconds of a clip, 0.5 to 30.")]
Countdown = Annotated[float, typer.Option(min=0.0, max=30.0, help="Seconds before each clip, 0 to 30.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]


def record(
    *,
    source: From,
    labels: Labels,
    out: Out = Path("clips"),
    takes: Takes = 4,
    negatives: Negatives = 4,
    seconds: Seconds = 2.5,
    countdown: Countdown = 3.0,
    as_json: Json = False,
) -> None:
    """Record clips of your own classes, class after class in turn, each after a countdown.

    A session that was broken off, by Ctrl-C or otherwise, goes on with the same command; once it is complete, the same
    command records the next session, best in other light or before another wall. What stream-train teach reports
    is of sessions that were not learned from, so record two or more.
    """
    with rooms.needing("stream-train record", "train"):
        from stream.training import takes as recorder  # noqa: PLC0415
    names = tuple(name.strip() for name in labels.split(",") if name.strip())
    plan = recorder.Plan(
        out=out, labels=names, takes=takes, negatives=negatives, seconds=seconds, countdown_s=countdown
    )
    console = Console(stderr=True, highlight=False, markup=False)
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is no folder; accepted: a folder, or a name that is free")
    screen = _Screen(console, recorder.NEGATIVES)
    try:
        with open_source(source) as opened:
            session, added = recorder.record(opened, plan, screen.show)
    except (KeyboardInterrupt, StreamError) as error:
        screen.end()
        if isinstance(error, KeyboardInterrupt):
            console.print(f"stopped: {len(recorder.read(out))} clips are in {out}; the same command goes on")
        raise
    screen.end()
    _tell(out, session, added, len(recorder.read(out)), as_json)


class _Screen:
    """Says what to do: one line that changes on a terminal, a line for each step elsewhere."""

    def __init__(self, console: Console, negatives: dict[str, str]) -> None:
        self._console, self._negatives = console, negatives
        self._last = ""

    def show(self, prompt: "Prompt") -> None:
        """Say a prompt, if anything about it is new."""
        what = self._negatives.get(prompt.label, f"do: {prompt.label}")
        state = "RECORDING" if prompt.is_recording else "get ready"
        line = f"{prompt.number} of {prompt.total}  {state}  {what}"
        if not self._console.is_terminal:
            if line != self._last:
                self._console.print(line, soft_wrap=True)
            self._last = line
            return
        bar = "#" * round(4 * prompt.left_s) if prompt.is_recording else f"{prompt.left_s + 0.999:.0f}"[:2]
        if (said := f"{line}  {bar}") != self._last:
            self._console.file.write(f"\r\x1b[K{said[: self._console.width - 1]}")
            self._console.file.flush()
            self._last = said

    def end(self) -> None:
        """Leave the line."""
        if self._console.is_terminal and self._last:
            self._console.file.write("\n")


def _tell(out: Path, session: str, added: int, total: int, as_json: bool) -> None:
    table = out / "clips.csv"
    if as_json:
        typer.echo(json.dumps({"table": str(table), "session": session, "added": added, "clips": total}))
        return
    Console(highlight=False, soft_wrap=True, markup=False).print(
        f"{table}: {added} clips of {session}, {total} in all; the same command records another session; "
        f"learn: stream-train teach {table}"
    )
