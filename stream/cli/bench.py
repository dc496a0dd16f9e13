"""stream-bench: what things cost on this machine, side by side in one run."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from stream import cards, rooms
from stream.bench.meter import CLOCKS, Plan
from stream.bench.step import SINGLE, Report, contestants, run
from stream.cli import benchfiles
from stream.cli.benchfiles import JsonFile, PlotFile
from stream.cli.benchload import serve, soak
from stream.cli.console import FAILED, Version, fail, suite
from stream.engines import choose
from stream.errors import UsageError

Model = Annotated[str, typer.Argument(help="Name of a model, or path of its card.", metavar="NAME", show_default=False)]
Engines = Annotated[
    str | None,
    typer.Option(
        help=f"Engines, parted by commas: {', '.join(rooms.names('runtimes'))}.",
        show_default="fused where it was built and can run the model, and onnxruntime",
    ),
]
Peers = Annotated[
    list[str] | None,
    typer.Option(
        "--peer",
        metavar="NAME=FILE",
        help=f"A peer ({', '.join(rooms.names('bench.peers'))}) and its file with the same weights; again for more.",
    ),
]
Rounds = Annotated[int, typer.Option(min=1, help="Count: in each, everybody has a turn.")]
Burst = Annotated[int, typer.Option(min=2, help="Count of steps in a turn; the first is not counted.")]
Threads = Annotated[int, typer.Option(min=1, help="Count of threads per step; fused always has one.")]
ClockName = Annotated[
    str,
    typer.Option("--clock", help=f"{', '.join(CLOCKS)}: what passes; processor time of the calling thread; of all."),
]
AtMost = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        help="Fail where the first one named takes more than this many times as long as the last one; the lower end of "
        "its interval counts, so that noise alone fails nothing.",
        show_default="no limit",
    ),
]


def step(
    *,
    name: Model,
    engines: Engines = None,
    peer: Peers = None,
    rounds: Rounds = 60,
    burst: Burst = 5,
    threads: Threads = 1,
    clock: ClockName = "wall",
    at_most: AtMost = None,
    json_file: JsonFile = None,
    plot: PlotFile = None,
    version: Version = False,  # noqa: ARG001  # answered before this runs
) -> None:
    """Time one step of every engine and peer, interleaved in one run, after comparing their answers.

    Ratios are to the last one named, with a 95 % interval.
    """
    benchfiles.check(json_file, plot)
    plan = Plan(rounds=rounds, burst=burst, clock=clock, threads=threads)
    if clock == "cpu" and threads > 1:
        raise UsageError("--clock cpu counts the calling thread only: take --threads 1")
    card = cards.load(name)
    who = contestants(card, _engines(engines, card), _peers(peer or []), threads)
    if at_most is not None and len(who) < 2:
        raise UsageError(f"--at-most compares the first one with the last one; only {', '.join(who)} is named")
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("measuring", total=plan.warmup + plan.rounds)
        report = run(card, who, plan, lambda: progress.advance(task))
    _show(report)
    benchfiles.write(json_file, report.plain())
    if plot:
        from stream.bench.plot import draw  # noqa: PLC0415  # an extra

        benchfiles.save(plot, draw(report))
    _hold(report, at_most)


def _engines(given: str | None, card: cards.Card) -> list[str]:
    """Read the names of engines; those that run the card here where none is given."""
    if given is None:
        return list(dict.fromkeys((choose(card), "onnxruntime")))
    return [name for item in given.split(",") if (name := item.strip())]


def _hold(report: Report, at_most: float | None) -> None:
    """Leave with an error where the first contestant is slower than it may be."""
    if at_most is None:
        return
    first, *_, last = report.ratios
    found = report.ratios[first]
    if found.low > at_most:
        fail(f"{first} takes {found.value:.2f}x {last} ({found.low:.2f} to {found.high:.2f}); accepted: {at_most:g}x")
        raise typer.Exit(FAILED)


def _peers(given: list[str]) -> dict[str, Path]:
    found = {}
    for item in given:
        name, separator, file = item.partition("=")
        if not separator or not file:
            raise UsageError(f"--peer is {item!r}; NAME=FILE is needed")
        found[name] = Path(file)
    return found


def _show(report: Report) -> None:
    last = list(report.times)[-1]
    table = Table(title=f"{report.model}: ms a step, {report.plan.clock} time", title_justify="left")
    compared = (f"ratio to {last}", "95 %", "logits differ by") if report.ratios else ()
    for heading in ("", "min", "p50", "p95", "p99", *compared):
        table.add_column(heading, justify="right" if heading else "left")
    for name, found in report.times.items():
        times = (f"{value:.2f}" for value in (found.min_ms, found.p50_ms, found.p95_ms, found.p99_ms))
        table.add_row(report.names[name], *times, *_compared(report, name))
    console = Console(width=None if Console().is_terminal else 120)
    console.print(table)
    if report.stages:
        console.print(_stages(report))
    console.print(f"{report.plan.rounds} rounds of {report.plan.burst - 1} counted steps, one stream, one frame a step")
    console.print(f"threads a step: {_threads(report)}", highlight=False)
    for key, value in report.machine.items():
        console.print(f"{key}: {value}", highlight=False)


def _compared(report: Report, name: str) -> tuple[str, ...]:
    share = report.ratios.get(name)
    if share is None:
        return ()
    return f"{share.value:.2f}", f"{share.low:.2f} to {share.high:.2f}", f"{report.differences[name]:.0e}"


def _threads(report: Report) -> str:
    return ", ".join(f"{name} {n}{' (always)' if name in SINGLE else ''}" for name, n in report.threads.items())


def _stages(report: Report) -> Table:
    table = Table(title=f"ms a frame in Session.feed, p50 (p99), {report.plan.clock} time", title_justify="left")
    stages = list(next(iter(report.stages.values())))
    for heading in ("", *stages):
        table.add_column(heading, justify="right" if heading else "left")
    for name, taken in report.stages.items():
        table.add_row(report.names[name], *(f"{taken[one].p50_ms:.2f} ({taken[one].p99_ms:.2f})" for one in stages))
    return table


main = suite("Measure what things cost on this machine, side by side in one run.", step=step, serve=serve, soak=soak)

if __name__ == "__main__":
    main()
