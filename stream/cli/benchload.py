"""`stream-bench serve` and `stream-bench soak`: a server under streams."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from stream import engines, rooms
from stream.bench import machine
from stream.cli import benchfiles
from stream.cli.benchfiles import JsonFile, PlotFile
from stream.cli.console import ENGINE, Version, warn
from stream.cli.entry import INTERRUPTED
from stream.errors import UsageError

STAGES = ("decode", "preprocess", "step", "smooth")
LONG_MIN = 10.0
"""Minutes: a process that is new grows for as long until all has been used, so that an hour is no multiple of less."""
CODECS = "H.264, HEVC, VP9, AV1 or MJPEG"
"""Video whose packets a server takes."""
DEFAULT_FILM = "synthetic://gestures?seconds=6&seed=1&fps=10&size=640x480"

Input = Annotated[str, typer.Option("--input", metavar="SOURCE", help="Video whose frames every stream sends.")]
Model = Annotated[str, typer.Option(help="Name of a model, or path of its card; with --server one it has loaded.")]
OwnModel = Annotated[str, typer.Option("--model", help="Name of a model, or path of its card.")]
Runtime = Annotated[str, typer.Option(help=ENGINE)]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Threads of our own server that decode and step.", show_default="one per processor"),
]
Counts = Annotated[
    str,
    typer.Option(
        "--streams",
        metavar="N,N,...",
        help="Counts of streams, 1 or more each: taken in order until one is not fresh, then searched between.",
    ),
]
Every = Annotated[bool, typer.Option("--all", help="Measure every count, fresh or not, and search nothing.")]
Fps = Annotated[
    float | None,
    typer.Option(min=0.1, max=120, help="Frames per second of each stream.", show_default="the model's own"),
]
Limit = Annotated[
    float | None,
    typer.Option(
        "--limit-ms",
        min=0.1,
        help="Milliseconds: the age that 99 of 100 frames must stay under; a dropped frame is older.",
        show_default="one frame's interval",
    ),
]
Seconds = Annotated[float, typer.Option(min=1, help="Seconds for which each count of streams is measured.")]
ServerAt = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="HOST:PORT", help="A server that runs, without TLS.", show_default="one of our own"
    ),
]
MetricsAt = Annotated[
    str | None,
    typer.Option("--metrics", metavar="HOST:PORT", help="With --server: its --http-port.", show_default="none"),
]
Packets = Annotated[
    bool,
    typer.Option(
        "--packets",
        help=f"Send the video's own packets at its own rate, not JPEGs: needs --input FILE, {CODECS}. A frame that the "
        "model's rate does not need counts as neither fresh nor dropped.",
    ),
]
FullSize = Annotated[
    bool, typer.Option("--full-size", help="Send pictures at the video's own size, not at the model's.")
]
SoakStreams = Annotated[int, typer.Option("--streams", min=1, help="Count of streams open at once.")]
Minutes = Annotated[float, typer.Option(min=0.01, help="Minutes to go on for.")]
Round = Annotated[float, typer.Option(min=1, help="Seconds after which all streams end and others begin.")]


def serve(
    *,
    streams: Counts = "1,2,4,8,16,32,64,128",
    every: Every = False,
    fps: Fps = None,
    limit_ms: Limit = None,
    seconds: Seconds = 10.0,
    input_: Input = DEFAULT_FILM,
    full_size: FullSize = False,
    packets: Packets = False,
    model: Model = "gestures-a0",
    runtime: Runtime = engines.AUTO,
    workers: Workers = None,
    server: ServerAt = None,
    metrics: MetricsAt = None,
    json_file: JsonFile = None,
    plot: PlotFile = None,
    version: Version = False,  # noqa: ARG001  # answered before this runs
) -> None:
    """Find the most streams whose frames stay fresh on a server, and what each costs.

    Every stream sends real frames at its own moments, whatever the answers do; ages count from when a frame was due.
    """
    from stream.bench import streams as bench  # noqa: PLC0415  # grpc takes longer to import than all the rest

    benchfiles.check(json_file, plot)
    if packets and (fps or full_size):
        raise UsageError("--packets goes as they are: accepted without --fps and --full-size")
    if packets and input_ == DEFAULT_FILM:
        raise UsageError(f"--packets needs --input FILE, {CODECS} video: the generated default has no packets")
    counts = _counts(streams)
    with _serving(server, metrics, model, runtime, workers, max(counts)) as serving:
        load = _load(serving, model, input_, fps, seconds, is_full=full_size, is_packets=packets)
        rate = load.film.fps
        limit = limit_ms or 1e3 / rate
        meter = bench.Bench(serving, load, limit)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("measuring", total=None)

            def measure(count: int) -> bench.Level:
                progress.update(task, description=f"{count} streams")
                return meter.measure(count)

            levels = [*map(measure, sorted(set(counts)))] if every else bench.search(measure, counts)
    late_ms = max(level.late_ms for level in levels)
    is_late = late_ms > limit / 4
    found: dict[str, Any] = {"most_streams": bench.most(levels), "late_ms": late_ms, "is_late": is_late}
    found |= {"fps": rate, "limit_ms": limit, "model": model, "input": input_}
    about = machine.describe()
    _show_levels(levels, limit)
    if is_late:
        warn(
            f"frames were sent up to {late_ms:.0f} ms late, as this machine was too busy: the verdict is a lower bound"
        )
    typer.echo(f"{found['most_streams']} streams at {rate:g} fps stay under {limit:.0f} ms (p99 of age)")
    _show_machine(about)
    benchfiles.write(json_file, found | {"machine": about, "levels": [level.plain() for level in levels]})
    if plot:
        from stream.bench.plot import draw_levels  # noqa: PLC0415  # an extra

        title = f"{model}, {rate:g} fps   {about.get('processor', '')}, {about['cores']} cores"
        benchfiles.save(plot, draw_levels(levels, limit, title))


def soak(
    *,
    minutes: Minutes = 10.0,
    streams: SoakStreams = 4,
    fps: Fps = None,
    round_s: Round = 20.0,
    input_: Input = DEFAULT_FILM,
    model: OwnModel = "gestures-a0",
    runtime: Runtime = engines.AUTO,
    workers: Workers = None,
    json_file: JsonFile = None,
    plot: PlotFile = None,
    version: Version = False,  # noqa: ARG001  # answered before this runs
) -> None:
    """Let streams come and go for minutes, and say whether a server of our own holds more or answers later.

    Ctrl-C reports the rounds that are done.
    """
    from stream.bench import soak as bench  # noqa: PLC0415  # as above

    benchfiles.check(json_file, plot)
    with _serving(None, None, model, runtime, workers, streams) as serving:
        load = _load(serving, model, input_, fps, round_s)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("soaking", total=minutes)
            found = bench.run(serving, load, streams, minutes, lambda one: progress.update(task, completed=one.minutes))
    last = found.samples[-1]
    typer.echo(f"{last.frame_count} frames, {streams * len(found.samples)} streams in {last.minutes:.1f} min")
    short = f" (little is said by less than {LONG_MIN:g} min)" if last.minutes < LONG_MIN else ""
    typer.echo(f"{bench.growth(found.samples)}; {found.slope_mb_per_hour:+.1f} MB an hour in the second half{short}")
    for name, one in (("first", found.samples[0]), ("last", last)):
        typer.echo(f"{name} round: frame age p50 {one.ages.p50_ms:.1f} ms, p99 {one.ages.p99_ms:.1f} ms")
    about = machine.describe()
    _show_machine(about)
    benchfiles.write(
        json_file, found.plain() | {"machine": about, "model": model, "fps": load.film.fps, "streams": streams}
    )
    if plot:
        from stream.bench.plot import draw_soak  # noqa: PLC0415  # an extra

        title = f"{model}: {streams} streams at {load.film.fps:g} fps, new ones every {round_s:g} s"
        benchfiles.save(plot, draw_soak(found, title))
    if not found.is_complete:
        raise typer.Exit(INTERRUPTED)


def _counts(text: str) -> list[int]:
    try:
        return [int(item) for item in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--streams is {text!r}; accepted: counts of 1 or more, parted by commas") from error


@contextmanager
def _serving(
    server: str | None, metrics: str | None, model: str, runtime: str, workers: int | None, streams: int
) -> Iterator[Any]:
    """Give the server that was named, or one of our own."""
    if metrics and not server:
        raise UsageError("--metrics goes with --server; our own server's are known")
    from stream.bench.serving import Serving, running  # noqa: PLC0415  # grpc, as above

    if server:
        yield Serving(server, metrics or "")
        return
    with rooms.needing("a server of stream-bench's own", "http"):
        import aiohttp  # noqa: F401, PLC0415  # what it says its metrics with
    flags = ["--model", model, "--runtime", runtime, *(["--workers", str(workers)] if workers else [])]
    with running(flags, streams + 1) as own:
        yield own


def _load(
    serving: Any,
    model: str,
    uri: str,
    fps: float | None,
    seconds: float,
    *,
    is_full: bool = False,
    is_packets: bool = False,
) -> Any:
    from stream.bench import film  # noqa: PLC0415  # grpc, as above
    from stream.bench.load import Load  # noqa: PLC0415
    from stream.server.client import pusher  # noqa: PLC0415

    cards = {card.name: card for card in pusher.describe(serving.address)}
    card = cards.get(model) or next(iter(cards.values()))
    shown = film.packets(uri) if is_packets else film.pictures(uri, card, fps or card.fps, is_full=is_full)
    return Load(shown, seconds, model=card.name)


def _show_levels(levels: Any, limit_ms: float) -> None:
    ages = _table(f"age, ms; fresh: p99 within {limit_ms:.0f} ms")
    costs = _table("a frame, ms; memory, MB")
    for heading in ("fresh", "p50", "p95", "p99", "in the server p50", "p99", "dropped"):
        ages.add_column(heading, justify="right")
    for heading in (*STAGES, "server's CPU", "sender's CPU", "memory", "more, a stream"):
        costs.add_column(heading, justify="right")
    for level in levels:
        here, there = level.ages, level.server_ages
        found = map(_ms, (here.p50_ms, here.p95_ms, here.p99_ms, there.p50_ms, there.p99_ms))
        drops = ", ".join(f"{cause} {count}" for cause, count in level.drops.items()) or "0"
        ages.add_row(str(level.streams), "yes" if level.is_fresh else "no", *found, drops)
        spent = [*(level.stages_ms.get(name) for name in STAGES), level.server_cpu_ms, level.client_cpu_ms]
        costs.add_row(
            str(level.streams), *(_ms(value, 2) for value in (*spent, level.memory_mb, level.stream_memory_mb))
        )
    console = Console(width=None if Console().is_terminal else 120)
    console.print(ages, costs)


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("streams", justify="right")
    return table


def _ms(value: float | None, digits: int = 1) -> str:
    if value is None:
        return "-"
    return f"{value:.{digits}f}" if math.isfinite(value) else "never"


def _show_machine(about: dict[str, str]) -> None:
    for key, value in about.items():
        typer.echo(f"{key}: {value}")
