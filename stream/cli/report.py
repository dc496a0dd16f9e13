"""stream-report: how long each label was on in a video."""

import json as jsons
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from stream import engines
from stream.cli.console import FAILED, INCOMPLETE, Version, fail, program, warn
from stream.cli.entry import INTERRUPTED
from stream.cli.readflags import READING, USUAL, Allow, Begin, Cuts, Deny, End, MaxGap, Memory, MinDuration, Smoothing
from stream.cli.watch import DEFAULT, Engine, Fps, Threads
from stream.config import SessionSettings
from stream.errors import CutShort, SourceError, UsageError
from stream.pipeline import Session, run
from stream.recogniser import load
from stream.report import files, tables
from stream.report.lanes import clock
from stream.report.record import EVENTS, LABELS, Recorder, Report, Row, Total, total
from stream.sinks import open_sink
from stream.sinks.base import Sink
from stream.sources import open_source
from stream.sources.base import Source
from stream.spans import VIEWS
from stream.types import Frame, Update
from stream.words import of_file

REFRESH_S = 1.0
"""Seconds of the video between two steps of the progress bar."""
STOPPED = "stopped before its end"
"""What is said of a video when Ctrl-C came."""
BAR_WIDTH = 12
"""Characters of a full bar."""

Videos = Annotated[
    list[str],
    typer.Argument(help="Video files, or other sources that end.", metavar="VIDEO...", show_default=False),
]
Model = Annotated[str, typer.Option(envvar="STREAM_MODEL", help="Name of a model, or path of its card.")]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Folder to write files to, made when it is not there: NAME.html, NAME.png ...; with several videos "
        "all.html ... besides.",
        show_default="tables in the terminal only",
    ),
]
Forms = Annotated[
    str | None,
    typer.Option(
        "--form",
        metavar="FORM,...",
        help=f"What to write into the folder, commas between: {','.join(files.FORMS)}.",
        show_default="all; png where the extra 'plot' is",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write an object a video to stdout, a line each, not tables.")]
Ranges = Annotated[
    str, typer.Option(metavar="VIEW", help="What the subtitles and ActivityNet's JSON hold: labels or events.")
]
MinProbability = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Probability in [0, 1]: where the top label is less probable, no label is on.",
        rich_help_panel=READING,
    ),
]


def report(
    *,
    videos: Videos,
    model: Model = DEFAULT,
    out: Out = None,
    forms: Forms = None,
    json: Json = False,
    ranges: Ranges = LABELS,
    runtime: Engine = engines.AUTO,
    threads: Threads = 1,
    fps: Fps = None,
    memory_s: Memory = None,
    min_probability: MinProbability = 0.0,
    begin: Begin = None,
    end: End = None,
    min_duration: MinDuration = None,
    smoothing: Smoothing = USUAL.smoothing_s,
    max_gap: MaxGap = USUAL.max_gap_s,
    cuts: Cuts = USUAL.is_cut_aware,
    allow: Allow = None,
    deny: Deny = None,
    version: Version = False,  # noqa: ARG001  # its callback does the work
) -> None:
    """Say how long each label was on in a video: seconds, share, how often, first and last.

    A label is ON from a frame in which it is the most probable one until the next frame that is used, at the model's
    rate. Ranges are half-open, so the seconds of all labels add up to the video's length exactly. EVENTS are a second
    view: actions that pass the thresholds; they leave time between them, and may overlap.

    Memory use does not grow with the video. Ctrl-C reports what was seen so far, and leaves with 130. Of several videos
    one that cannot be read is named at the end, exit code 1; one that ends before the length that it claims is reported
    and named, exit code 3.
    """
    settings = SessionSettings(
        memory_s=memory_s,
        top_k=1,
        begin_threshold=begin,
        end_threshold=end,
        min_duration_s=min_duration,
        smoothing_s=smoothing,
        allow=tuple(allow) if allow else None,
        deny=tuple(deny) if deny else None,
        max_gap_s=max_gap,
        is_cut_aware=cuts,
    )
    if ranges not in VIEWS:
        raise UsageError(f"--ranges is {ranges!r}; accepted: {' or '.join(VIEWS)}")
    shelf = _Shelf(out, _forms(forms), ranges, files.stems(videos)) if out else None
    recogniser, bad = load(model, runtime, threads), dict[str, str]()
    sources = {place: source for place, video in enumerate(videos) if (source := _found(video, fps, bad))}
    made: dict[int, Report] = {}
    with _progress() as progress:
        for place, source in sources.items():
            recorder, bar = Recorder(min_probability), _Bar(progress, source)
            sinks = shelf.sinks(place) if shelf else []
            try:
                note = _read(source, recogniser.session(settings), [recorder, bar], sinks)
            except SourceError as error:
                bad[source.uri] = str(error)
                if shelf:
                    shelf.forget(place)
                continue
            made[place] = recorder.finish(of_file(source.uri), recogniser.card, note)
            if shelf:
                shelf.write(made)
            if note == STOPPED:
                break
    _say(list(made.values()), bad, is_json=json)
    _leave({report.video: report.note for report in made.values() if report.note}, bad)


def _forms(asked: str | None) -> tuple[str, ...]:
    if asked is not None:
        return files.choose(asked)
    found = files.usual()
    if "png" not in found:
        typer.echo("no png: pip install 'movinet-stream[plot]' brings what draws it", err=True)
    return found


def _found(video: str, fps: float | None, bad: dict[str, str]) -> Source | None:
    """Prepare a source; None, and noted, where there is nothing to read."""
    try:
        return open_source(video, fps=fps)
    except SourceError as error:
        bad[video] = str(error)
        return None


class Taker(Protocol):
    """What is sent what a session says."""

    def send(self, frame: Frame, update: Update | None) -> None: ...


def _read(source: Source, session: Session, takers: Sequence[Taker], sinks: Sequence[Sink]) -> str:
    """Pull a video through a session; say why it was not seen to its end, where it was not.

    Raises:
        SourceError: it cannot be read, or not one frame of it could be used.
    """

    def send(frame: Frame, update: Update | None) -> None:
        for taker in (*takers, *sinks):
            taker.send(frame, update)

    with ExitStack() as stack:
        for sink in sinks:
            stack.enter_context(sink)
        try:
            with source:
                run(source, session, send)
        except KeyboardInterrupt:
            return STOPPED
        except CutShort as error:
            return str(error).removeprefix(f"{source.uri} is ")
    return ""


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Where the files go."""

    folder: Path
    forms: tuple[str, ...]
    ranges: str
    stems: list[str]

    def sinks(self, place: int) -> list[Sink]:
        """Make the sinks that write while a video is read; makes the folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make the folder {self.folder}: {error.strerror}") from error
        options = {"vtt": {}, "activitynet": {"video": self.stems[place]}}
        return [
            open_sink(form, str(files.place(self.folder, self.stems[place], form)), view=self.ranges, **options[form])
            for form in files.STREAMED
            if form in self.forms
        ]

    def forget(self, place: int) -> None:
        """Remove what was begun of a video that could not be read."""
        for form in files.STREAMED:
            files.place(self.folder, self.stems[place], form).unlink(missing_ok=True)

    def write(self, made: Mapping[int, Report]) -> None:
        """Write the files of the last video; after several, those of all together."""
        last = max(made)
        files.write(made[last], self.folder, self.stems[last], self.forms)
        if len(made) > 1:
            files.write_total(list(made.values()), self.folder, [self.stems[place] for place in made], self.forms)


class _Bar:
    """Shows on stderr how far a video has come."""

    def __init__(self, progress: Progress, source: Source) -> None:
        length_s = getattr(source, "length_s", None)  # only files know
        self._task = progress.add_task(source.uri, total=length_s, clock="")
        self._progress, self._shown_s = progress, -math.inf

    def send(self, frame: Frame, _update: Update | None) -> None:
        if frame.offset_s - self._shown_s >= REFRESH_S:
            self._shown_s = frame.offset_s
            self._progress.update(self._task, completed=frame.offset_s, clock=clock(frame.offset_s, 0))


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[clock]}"), TimeRemainingColumn())
    is_shown = Console(stderr=True).is_terminal
    console = Console(stderr=True, force_interactive=None if is_shown else True)  # else rich 13 writes an empty line
    return Progress(*columns, console=console, transient=True, disable=not is_shown)


def _leave(notes: Mapping[str, str], bad: Mapping[str, str]) -> None:
    """Say on stderr what went wrong, and leave with the exit code of the worst."""
    for video, note in notes.items():
        if note != STOPPED:
            warn(f"{video}: {note}; what came is reported")
    for words in bad.values():
        fail(words)
    if STOPPED in notes.values():
        raise typer.Exit(INTERRUPTED)
    if bad:
        raise typer.Exit(FAILED)
    if notes:
        raise typer.Exit(INCOMPLETE)


def _say(made: Sequence[Report], bad: Mapping[str, str], *, is_json: bool) -> None:
    """Write what was found to stdout."""
    if is_json:
        for report in made:
            typer.echo(jsons.dumps(tables.to_json(report)))
        for video, words in bad.items():
            typer.echo(jsons.dumps({"video": video, "error": words}))
        return
    console = Console(highlight=False)
    for report in made:
        seen = f", {report.note}" if report.note else ""
        console.print(Text(f"{report.video}  {clock(report.length_s, 2)}{seen}", "bold"))
        _table(console, "on top", report.rows(LABELS), ("first", "last"))
        _table(console, "events", report.rows(EVENTS), ("first", "last"))
    if len(made) > 1:
        length_s = sum(report.length_us for report in made) / 1e6
        console.print(Text(f"all {len(made)} videos  {clock(length_s, 2)}", "bold"))
        _table(console, "on top", total(made, LABELS), ("videos",))
        _table(console, "events", total(made, EVENTS), ("videos",))


def _table(console: Console, title: str, rows: Sequence[Row] | Sequence[Total], more: tuple[str, ...]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(title, no_wrap=True)
    for name in ("time", "share", "", "times", "longest", *more):
        is_bar = not name  # gives way where the terminal is narrow
        table.add_column(
            name, justify="left" if is_bar else "right", no_wrap=not is_bar, overflow="crop" if is_bar else "fold"
        )
    for row in rows:
        bar = "█" * round(BAR_WIDTH * row.share)
        last = (str(row.videos),) if isinstance(row, Total) else (clock(row.first_s), clock(row.last_s))
        share = f"{100 * row.share:.1f} %"
        table.add_row(
            Text(row.label), clock(row.seconds, 2), share, bar, str(row.occurrences), clock(row.longest_s), *last
        )
    console.print(table if rows else f"{title}: none\n")


main = program(report)

if __name__ == "__main__":
    main()
