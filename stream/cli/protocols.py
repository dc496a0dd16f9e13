"""How stream-eval measures: each protocol with a bar on stderr, its tables, its picture and its figures."""

import math
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from stream import intervals
from stream.cards import Card
from stream.config import SessionSettings
from stream.errors import UsageError
from stream.evaluation import clips, events, figures, footage, generated, joined, memory, plots, reading, streams
from stream.evaluation.figures import words
from stream.recogniser import Recogniser
from stream.sources import open_source
from stream.training import datasets, seen
from stream.training import plots as matrices
from stream.training.datasets import Sample
from stream.training.record import HELD_OUT
from stream.types import Array

T = TypeVar("T")
C = TypeVar("C", memory.Cell, joined.Row)
"""One memory at one age."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a protocol found."""

    figures: dict[str, Any]
    """For programs."""
    show: Callable[[Console], None]
    """Writes it for people."""
    draw: Callable[[Path], None] | None
    """Draws it; None where there is nothing to draw."""


@dataclass(frozen=True, slots=True)
class Data:
    """What to measure on."""

    path: Path
    """A data set."""
    videos: Path | None
    """Where its videos are, when not beside it."""
    part: str
    """One of `reading.PARTS`."""
    group_by: str | None
    """A pattern on the path: what belongs together."""
    has_others: bool
    """Clips of labels that the model does not know are something else; else they are refused."""
    seed: int
    """Decides the order of a stream, and the draws of a bootstrap."""
    table: Path | None = None
    """Says which of the model's labels the clips have, when not their own."""
    is_joined: bool = False
    """Clips are joined to one stream."""


def on_generated(recogniser: Recogniser, count: int, minutes: int, seed: int, settings: SessionSettings) -> Outcome:
    """Measure on generated gestures: `count` single ones, then `minutes` of stream; 0 leaves one out."""
    generated.check(recogniser)
    rows = list(_track(generated.clips(recogniser, count, seed), count, "clips"))
    tally = clips.measure(*_columns(recogniser, rows), [str(place) for place in range(count)], seed) if count else None
    played = list(_track(generated.sessions(recogniser, minutes, seed, settings), minutes, "minutes of stream"))
    events = generated.measure(played, seed) if minutes else None

    def show(console: Console) -> None:
        if tally:
            _show_clips(console, tally)
        if events:
            console.print(
                f"{events.minutes} minutes of stream, {events.played} gestures: recognised {words(events.recognised)}, "
                f"{words(events.false_per_minute, 1, '', 2)} false events a minute"
            )
            console.print(
                f"label on top within {generated.SOON_S} s of a gesture's end: {words(events.soon)}; after the end: "
                f"median {words(events.delay_s, 1, ' s', 2)}, nineteen in twenty {words(events.late_s, 1, ' s', 2)}"
            )

    def draw(path: Path) -> None:
        if tally:
            title = f"{recogniser.card.name}: {words(tally.top1)} of {count} unseen clips"
            matrices.confusion(tally.counts, tally.labels, title, path)

    return Outcome(figures.of_generated(tally, events), show, draw if tally else None)


def _columns(recogniser: Recogniser, rows: Sequence[tuple[str, Array]]) -> tuple[tuple[str, ...], list[str], Array]:
    """Part what was shown, and what was said of it."""
    return recogniser.labels, [label for label, _ in rows], np.stack([said for _, said in rows])


def on_clips(recogniser: Recogniser, data: Data, settings: SessionSettings) -> Outcome:
    """Measure on the clips of a data set, each by itself."""
    samples = _read(recogniser, data)
    groups = reading.groups(samples, data.path, data.group_by)
    learned = _warn(recogniser.card, samples)
    said = list(_track(clips.score(recogniser, samples, settings), len(samples), "clips"))
    found = clips.measure(recogniser.labels, [sample.label for sample in samples], np.stack(said), groups, data.seed)

    def show(console: Console) -> None:
        _show_clips(console, found)
        _show_groups(console, found.groups, len(samples))

    title = f"{recogniser.card.name}: {words(found.top1)} of {len(samples)} clips of {data.path.name}"
    return Outcome(
        figures.of_clips(found) | learned,
        show,
        lambda path: matrices.confusion(found.counts, found.labels, title, path),
    )


def _read(recogniser: Recogniser, data: Data) -> tuple[Sample, ...]:
    return reading.read(
        data.path, recogniser, videos=data.videos, part=data.part, has_others=data.has_others,
        is_joined=data.is_joined, table=data.table,
    )  # fmt: skip


def on_events(recogniser: Recogniser, data: Data, settings: SessionSettings) -> Outcome:
    """Measure on the clips of a data set, each through a session of its own, by the events that come of it."""
    samples = _read(recogniser, data)
    groups = reading.groups(samples, data.path, data.group_by)
    learned = _warn(recogniser.card, samples)
    watched = list(_track(events.watch(recogniser, samples, settings), len(samples), "clips"))
    found = events.measure(samples, watched, groups, recogniser.card.background, data.seed)

    def show(console: Console) -> None:
        show_events(console, found)
        _show_groups(console, found.groups, len(samples))

    return Outcome(figures.of_events(found) | learned, show, None)


def show_events(console: Console, found: events.Events) -> None:
    """Write a row for each action, one for all, and what came of the background."""
    table = Table("shown", "clips", "right event", "first event right", "likeliest right", "first event instead")
    for label, row in [*found.actions.items(), *([("all", found.every)] if found.every else [])]:
        others = (
            ", ".join(f"{name} {count}" for name, count in row.said.items() if name != label) if label != "all" else ""
        )
        table.add_row(
            label, str(row.clips), *(words(share, places=0) for share in (row.found, row.first, row.likeliest)), others
        )
    if found.every:
        console.print(table)
    if found.background_clips:
        said = ", ".join(f"{label} {count}" for label, count in found.false.items())
        console.print(
            f"false events a minute: {words(found.false_per_minute, 1, '', 2)}, over {found.background_s / 60:.1f} min "
            f"of {found.background_clips} clips; quiet clips: {words(found.quiet)}"
            + (f"; what was said: {said}" if said else "")
        )


def _joined(recogniser: Recogniser, data: Data) -> tuple[tuple[Sample, ...], list[str]]:
    """List the clips of a stream, and the group of each."""
    samples = _read(recogniser, data)
    return samples, reading.groups(samples, data.path, data.group_by)


def on_streams(recogniser: Recogniser, data: Data, settings: SessionSettings) -> Outcome:
    """Measure on the clips of a data set, joined to one long stream."""
    samples, groups = _joined(recogniser, data)
    learned = _warn(recogniser.card, samples)
    places = streams.order([sample.label for sample in samples], data.seed)
    pieces = list(_track(streams.play(recogniser, samples, places, settings), len(places), "clips of the stream"))
    found = streams.measure(pieces, groups, data.seed)

    def show(console: Console) -> None:
        console.print(f"{len(samples)} clips joined to {found.length_s / 60:.1f} minutes, {found.changes} changes")
        console.print(f"time right {words(found.right)}, changes found {words(found.found)}")
        others = "" if math.isnan(found.false.value) else f", any on other clips {words(found.false)}"
        console.print(f"time with an event of the label {words(found.told)}{others}")
        console.print(f"delay from a change to its label: median {words(found.delay_s, 1, ' s', 2)}")
        console.print(f"nine in ten within {words(found.late_s, 1, ' s', 2)}")
        _show_groups(console, found.groups, len(samples))

    title = f"{recogniser.card.name}: {found.changes} changes of action in {data.path.name}"
    return Outcome(figures.of_streams(found) | learned, show, lambda path: plots.delays(found, title, path))


def _warn(card: Card, samples: Sequence[Sample]) -> dict[str, Any]:
    """Say on stderr that a model is judged by what it learned from, and how to judge it by what was held out."""
    split = seen.split_of(card)
    count = seen.learned_from(samples, split) if split else 0
    if not split or not count:
        return {}
    held = split.parent / HELD_OUT
    judge = shlex.join(("stream-eval", str(card.path), str(held)))
    advice = f"what was held out judges it: {judge}" if held.is_file() else "nothing was held out; take other clips"
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"warning: {card.name} learned from {count} of these {len(samples)} clips, so this says how well it knows "
        f"them, not how good it is; {advice}",
        markup=False,
    )
    return {"clips_learned_from": count}


def on_background(recogniser: Recogniser, folder: Path, settings: SessionSettings) -> Outcome:
    """Count events on footage without any of the actions."""
    if not folder.is_dir():
        wrong = "is no folder" if folder.exists() else "does not exist"
        raise UsageError(f"{folder} {wrong}; accepted: a folder of footage without any of the actions")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and datasets.is_video(path))
    if not files:
        raise UsageError(f"{folder} holds no video; accepted: a folder of footage without any of the actions")
    sources = [open_source(str(path)) for path in files]
    found = _last(streams.alarms(recogniser, sources, settings), len(files), "background")

    def show(console: Console) -> None:
        rate = words(found.per_hour, 1, "", 1)
        events = ", ".join(f"{label} {count}" for label, count in found.events.items()) or "none"
        console.print(
            f"false events an hour: {rate}, over {3600 * found.hours:.0f} s of {found.videos} videos: {events}"
        )

    return Outcome(figures.of_alarms(found), show, None)


def on_footage(recogniser: Recogniser, folder: Path, settings: SessionSettings, seed: int) -> Outcome:
    """Show real footage in sixteen ways, and play some without a gesture."""
    generated.check(recogniser)
    paths, total = footage.quiet(folder), 16 * len(footage.SCENES)
    rows = list(_track(footage.score(recogniser, folder), total, "showings"))
    shown = footage.measure(recogniser.labels, rows, seed)
    sources = [open_source(str(path)) for path in paths]
    alarms = _last(streams.alarms(recogniser, sources, settings), len(paths), "without a gesture")

    def show(console: Console) -> None:
        recall = [f"{100 * row[at] / max(1, row.sum()):.0f} %" for at, row in enumerate(shown.counts)]
        _show_matrix(console, recogniser.labels, shown.counts, recall)
        for name, share in shown.scenes.items():
            console.print(f"{16 * share:4.0f} of 16  {name}")
        console.print(f"right {words(shown.accuracy)} of {total} showings of {len(footage.SCENES)} scenes")
        rate = words(alarms.per_hour, 1 / 60, "", 1)
        console.print(f"false events a minute without a gesture: {rate}, over {3600 * alarms.hours:.0f} s")

    title = f"{recogniser.card.name}: {words(shown.accuracy)} of {total} showings of real scenes"
    return Outcome(
        figures.of_footage(shown, alarms),
        show,
        lambda path: matrices.confusion(shown.counts, recogniser.labels, title, path),
    )


def on_memory(recogniser: Recogniser, count: int, seed: int) -> Outcome:
    """Measure what memories of different length are good for in streams of different age."""
    generated.check(recogniser)
    films = list(_track(memory.scenes(count, seed), count, "scenes"))
    actions = sum(len(memory.judged(recogniser, film)) for film in films)
    total = len(memory.MEMORIES_S) * len(memory.AGES_S)
    cells = list(_track(memory.study(recogniser, films, memory.MEMORIES_S, seed), total, "memories and ages"))

    def show(console: Console) -> None:
        console.print(f"{actions} actions in {count} scenes; age: how long the stream had lasted")
        _show_cells(console, cells, "right at their end, %", lambda cell: words(cell.accuracy, unit=""))
        aged = [cell for cell in cells if cell.age_s > memory.SHORT_S]
        _show_cells(console, aged, "the same, less that of a stream 10 s old", lambda cell: words(cell.change, unit=""))
        _show_cells(console, cells, "median from begin to label, s", lambda cell: words(cell.delay_s, 1, "", 2))

    title = f"{recogniser.card.name}: {actions} actions in {count} scenes, {len(films) * 30} minutes of stream a memory"
    found = {"scenes": count, "actions": actions, **figures.of_memory(cells)}
    return Outcome(found, show, lambda path: plots.memory(cells, title, path))


def on_joined_memory(recogniser: Recogniser, data: Data) -> Outcome:
    """Measure what memories of different length are good for in streams of real clips of different age."""
    samples, groups = _joined(recogniser, data)
    total = len(joined.MEMORIES_S) * len(joined.AGES_S)
    study = joined.study(recogniser, samples, groups, joined.MEMORIES_S, data.seed)
    rows = list(_track(study, total, "memories and ages"))

    def show(console: Console) -> None:
        console.print(f"{len(samples)} clips joined; age: how long the stream had lasted before them")
        _show_cells(console, rows, "seconds with the right label on top, %", lambda row: words(row.right, unit=""))
        _show_cells(console, rows, "seconds with an event of it, %", lambda row: words(row.told, unit=""))
        if not math.isnan(rows[0].false.value):
            _show_cells(console, rows, "seconds of other clips with an event, %", lambda row: words(row.false, unit=""))
        _show_cells(console, rows, "median from begin to label, s", lambda row: words(row.delay_s, 1, "", 1))
        _show_groups(console, len(set(groups)), len(samples))

    title = f"{recogniser.card.name}: {len(samples)} real clips, {len(set(groups))} groups, joined"
    found = {"clips": len(samples), "groups": len(set(groups)), **figures.of_joined(rows)}
    return Outcome(found, show, lambda path: plots.joined_memory(rows, title, path))


def _track(steps: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Run a measurement with a bar."""
    console = Console(stderr=True)
    yield from track(steps, what, total=total, console=console) if console.is_terminal else steps


def _last(tallies: Iterable[T], total: int, what: str) -> T:
    """Run a measurement with a bar; return its last tally."""
    return list(_track(tallies, total, what))[-1]


def _show_clips(console: Console, found: clips.Clips) -> None:
    recall = [words(found.recall[name], places=0) if name in found.recall else "" for name in found.labels]
    _show_matrix(console, found.labels, found.counts, recall)
    among = f", top-5 {words(found.top5)}" if len(found.labels) > clips.TOP else ""  # of fewer, all are among them
    console.print(f"top-1 {words(found.top1)}{among} of {found.counts.sum()} clips")
    console.print(f"calibration error {words(found.ece)} over {clips.BIN_COUNT} bins")


def _show_matrix(console: Console, labels: Sequence[str], counts: npt.NDArray[np.int64], recall: Sequence[str]) -> None:
    table = Table("shown", "clips", "right", "said instead", title="Single actions", title_justify="left")
    for label, row, share in zip(labels, counts, recall, strict=True):
        others = sorted(((int(n), name) for name, n in zip(labels, row, strict=True) if n and name != label))[::-1]
        if row.any():
            table.add_row(label, str(row.sum()), share, ", ".join(f"{name} {n}" for n, name in others[:3]))
    console.print(table)


def _show_cells(console: Console, cells: Sequence[C], title: str, pick: Callable[[C], str]) -> None:
    """Write a row a memory and a column an age."""
    ages = sorted({cell.age_s for cell in cells})
    table = Table(
        "memory_s", *map(plots.age, ages), title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD
    )
    for memory_s in sorted({cell.memory_s for cell in cells}):
        row = {cell.age_s: pick(cell) for cell in cells if cell.memory_s == memory_s}
        table.add_row(f"{memory_s:g}", *(row[age_s] for age_s in ages))
    console.print(table)


def _show_groups(console: Console, groups: int, count: int) -> None:
    if groups < intervals.FEWEST:
        what = "one group" if groups == 1 else f"{groups} groups"
        console.print(
            f"{what} only, so no intervals: {intervals.FEWEST} or more give them, by another --group-by perhaps"
        )
    else:
        what = "clips" if groups == count else "groups"
        console.print(f"intervals: 95 %, {intervals.RESAMPLES} resamples of {groups} {what}")
