"""stream-train teach: a model learns somebody's own clips in a minute; what it could before and after is shown."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from stream import rooms
from stream.cli import trainflags as flags
from stream.errors import UsageError

if TYPE_CHECKING:
    from stream.cards import Card
    from stream.training.probe.report import Report

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Your clips: the clips.csv that stream-train record wrote, or any data that stream-train takes.",
        show_default=False,
    ),
]
Begin = Annotated[
    str,
    typer.Option(
        "--from", help="Name or card of a model to teach; auto takes the one here that tells your clips best."
    ),
]
Only = Annotated[
    bool,
    typer.Option(
        "--only", help="Know the classes of the clips alone; else the labels of gestures-a0 stay, where it is taught."
    ),
]


def teach(
    *,
    data: Data,
    out: flags.Out = None,
    begin: Begin = "auto",
    only: Only = False,
    runs: flags.Runs = Path("runs"),
    force: flags.Force = False,
    videos: flags.Videos = None,
    group_by: flags.GroupBy = None,
    how: flags.How = "auto",
    is_lenient: flags.Lenient = False,
    seed: flags.Seed = 1,
    threads: flags.Threads = 2,
    as_json: flags.Json = False,
) -> None:
    """Teach a model your own clips: its last layer alone is learned, with generated gestures mixed in for gestures-a0.

    Each recording is held out once, and told by a layer that learned from the others: that is what is shown, beside
    what the model said before.
    """
    if how not in ("auto", "random"):
        raise UsageError(f"--split is {how!r}; accepted: auto, random")
    chosen = flags.place(out, data, runs)
    with rooms.needing("stream-train teach", "train"):
        from stream.training.probe.teach import Order, train  # noqa: PLC0415  # takes torch with it

        said = Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print
        order = Order(
            data=Path(data), out=chosen, run=runs / chosen.stem, begin=begin, is_only=only, videos=videos,
            command=shlex.join(["stream-train", *sys.argv[1:]]), group_by=group_by, how=how,
            is_lenient=is_lenient, seed=seed, threads=threads, is_forced=force,
        )  # fmt: skip
        before_ns = _changed_ns(chosen)
        try:
            card, report = train(order, said)
        except KeyboardInterrupt:
            said(f"interrupted; {f'{chosen} is' if _changed_ns(chosen) != before_ns else 'no model was'} written")
            raise
    _tell(chosen, card, report, as_json)


def _changed_ns(path: Path) -> int:
    """Return when a file was written; 0 where there is none."""
    return path.stat().st_mtime_ns if path.is_file() else 0


def _tell(out: Path, card: "Card", report: "Report", as_json: bool) -> None:
    if as_json:
        found: dict[str, Any] = {"card": str(out), "sha256": card.sha256, "measured": card.measured}
        typer.echo(json.dumps(found | {"probes": card.training["probes"]}))
        return
    console = Console(highlight=False, soft_wrap=True, markup=False)
    _show(console, report)
    console.print(f"{out}: {card.name}, {len(card.labels)} labels; watch with: stream-watch camera://0 --model {out}")


def _show(console: Console, report: "Report") -> None:
    from stream.evaluation.figures import words  # noqa: PLC0415

    if not report.clips:
        console.print("every class is of one recording only, so nothing could be held out: record a second session")
        return
    table = Table("held out", "before", "after")
    rows = {
        "right": "all clips: the right label",
        "told": "clips that mean something: the right event, and no other",
        "quiet": "clips that mean nothing: no event",
    }
    for row, name in rows.items():
        before, after = (report.trusted(getattr(side, row)) for side in (report.before, report.after))
        if after.value == after.value:  # not a number where there is nothing to measure
            table.add_row(name, words(before), words(after))
    if report.generated:
        before_share, after_share = (f"{100 * share:.1f} %" for share in report.generated)
        table.add_row("frames of generated gestures: right", before_share, after_share)
    console.print(table)
    what = f"{report.groups} recordings" if report.groups > 1 else "one recording, a fifth of its clips"
    known = "intervals: 95 %, bootstrap over recordings" if report.has_intervals else "too few for intervals"
    console.print(f"{report.clips} clips of {what} held out in turn; {known}")
    if report.lone:
        console.print(f"of one recording only, so not judged: {', '.join(report.lone)}")
