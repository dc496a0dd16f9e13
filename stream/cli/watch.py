"""stream-watch: what happens in a video, live."""

import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from stream import engines
from stream.cli import sources
from stream.cli.console import ENGINE, Version, log_to_stderr, program
from stream.cli.outputs import Outputs
from stream.cli.readflags import USUAL, Allow, Begin, Cuts, Deny, End, MaxGap, Memory, MinDuration, Smoothing, TopK
from stream.config import SessionSettings
from stream.errors import UsageError
from stream.pipeline import run
from stream.recogniser import Recogniser, load
from stream.sources import open_source, scheme
from stream.sources.base import Source

DEFAULT = "gestures-a0"
OUTPUT, SERVER = "Where it goes", "How the server is reached"

Uri = Annotated[
    str | None,
    typer.Argument(
        help="What to watch: synthetic://gestures, camera://0, rtsp://HOST/PATH, or the path of a video file.",
        metavar="SOURCE",
        show_default=False,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        envvar="STREAM_MODEL",
        help="Name of a model, or path of its card.",
        show_default=f"{DEFAULT}; with --server the server's first",
    ),
]
Engine = Annotated[str, typer.Option(envvar="STREAM_RUNTIME", help=ENGINE)]
Threads = Annotated[int, typer.Option(envvar="STREAM_THREADS", min=1, help="Count of threads per step, 1 or more.")]
Server = Annotated[
    str | None,
    typer.Option(
        envvar="STREAM_SERVER",
        metavar="HOST[:PORT]",
        help="Let this server compute; frames are sent to it, unencrypted unless --tls-ca is given. Several with "
        "commas between: another goes on when one is gone.",
        show_default="compute here",
    ),
]
Followed = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help="Follow this source, which the server keeps open, instead of sending frames.",
        rich_help_panel=SERVER,
        show_default="none",
    ),
]
Authority = Annotated[
    Path | None,
    typer.Option(
        "--tls-ca", help="Who signs the server's certificate, PEM.", rich_help_panel=SERVER, show_default="none"
    ),
]
Certificate = Annotated[
    Path | None,
    typer.Option("--tls-cert", help="A certificate to show, PEM; with --tls-key.", rich_help_panel=SERVER),
]
Key = Annotated[Path | None, typer.Option("--tls-key", help="Its key, PEM.", rich_help_panel=SERVER)]
Token = Annotated[
    Path | None,
    typer.Option(envvar="STREAM_TOKEN_FILE", help="File with the token to show.", rich_help_panel=SERVER),
]
Patience = Annotated[
    float,
    typer.Option(
        "--patience-s",
        min=0.0,
        help="Seconds for which a server that has gone is tried again; the stream goes on where it was. 0: not at all.",
        rich_help_panel=SERVER,
    ),
]
Packets = Annotated[
    bool | None,
    typer.Option(
        "--packets/--pictures",
        help="Send the video's own packets, or a JPEG of each frame that the model needs.",
        rich_help_panel=SERVER,
        show_default="packets, unless there is none, --save wants pictures, or they are more than 250 kB/s",
    ),
]
Realtime = Annotated[
    bool | None,
    typer.Option(
        "--realtime/--no-realtime",
        help="Take files at their own pace, as a camera would give them, or as fast as can be.",
        show_default="as fast as can be; drawn sources live in a terminal",
    ),
]
Fps = Annotated[
    float | None,
    typer.Option(
        "--fps",
        min=0.0,
        help="Frames per second, more than 0, of a file whose pictures have no times: a bare .h264, MJPEG, images://.",
        show_default="as it says itself",
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option(min=0.0, help="Seconds of the stream, 0 or more, after which to stop.", show_default="its end"),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="Write an object a line, updates and events, instead of a table.", rich_help_panel=OUTPUT
    ),
]
Save = Annotated[
    Path | None,
    typer.Option(
        help="Write the video with its labels drawn in; an .mp4.", rich_help_panel=OUTPUT, show_default="no video"
    ),
]
PlotTo = Annotated[
    Path | None,
    typer.Option("--plot", help="Draw the labels over time; a .png.", rich_help_panel=OUTPUT, show_default="no plot"),
]
Vtt = Annotated[
    Path | None,
    typer.Option("--vtt", help="Write actions as subtitles; a .vtt.", rich_help_panel=OUTPUT, show_default="none"),
]
Ranges = Annotated[
    Path | None,
    typer.Option(
        "--activitynet",
        help="Write actions as detected ranges, in ActivityNet's JSON.",
        rich_help_panel=OUTPUT,
        show_default="none",
    ),
]


def watch(
    *,
    source: Uri = None,
    model: Model = None,
    runtime: Engine = engines.AUTO,
    threads: Threads = 1,
    server: Server = None,
    followed: Followed = None,
    tls_ca: Authority = None,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    token_file: Token = None,
    patience_s: Patience = 60.0,
    packets: Packets = None,
    realtime: Realtime = None,
    fps: Fps = None,
    seconds: Seconds = None,
    json: Json = False,
    save: Save = None,
    plot: PlotTo = None,
    vtt: Vtt = None,
    activitynet: Ranges = None,
    memory_s: Memory = None,
    top_k: TopK = USUAL.top_k,
    begin: Begin = None,
    end: End = None,
    min_duration: MinDuration = None,
    smoothing: Smoothing = USUAL.smoothing_s,
    max_gap: MaxGap = USUAL.max_gap_s,
    cuts: Cuts = USUAL.is_cut_aware,
    allow: Allow = None,
    deny: Deny = None,
    version: Version = False,  # noqa: ARG001 - its callback does the work
) -> None:
    """Say what happens in a video: labels for every frame, and when actions begin and end.

    With --server and nothing else it says how the sources are that the server keeps open. Results go to stdout,
    everything else to stderr. Ctrl-C ends it; what was to be saved is complete then, too.

    Leaves with 0 where the source was seen to its end, 1 where not one frame could be used or it broke off, 2 where you
    can mend it, 3 where a file ended before the length that it claims.
    """
    settings = SessionSettings(
        memory_s=memory_s,
        top_k=top_k,
        begin_threshold=begin,
        end_threshold=end,
        min_duration_s=min_duration,
        smoothing_s=smoothing,
        allow=tuple(allow) if allow else None,
        deny=tuple(deny) if deny else None,
        max_gap_s=max_gap,
        is_cut_aware=cuts,
    )
    outputs = Outputs(settings, json, save, plot, vtt, activitynet)
    stop_s = math.inf if seconds is None else seconds
    shown = {"authority": tls_ca, "certificate": tls_cert, "key": tls_key}
    if followed is not None:
        log_to_stderr()
        _follow(followed, source, outputs, server, stop_s, shown | {"token": _token(token_file)})
        return
    if source is None:
        _list(server, shown | {"token": _token(token_file)}, is_json=json)
        return
    pictures = open_source(source, realtime=_is_live(source, json) if realtime is None else realtime, fps=fps)
    log_to_stderr()
    if server:
        asked = {"model": model or "", "stop_s": stop_s, "patience_s": patience_s, "is_encoded": packets}
        _watch_there(pictures, outputs, server, asked, shown | {"token": _token(token_file)})
    else:
        _watch_here(pictures, outputs, load(model or DEFAULT, runtime, threads), stop_s)


def _watch_here(source: Source, outputs: Outputs, recogniser: Recogniser, stop_s: float) -> None:
    session = recogniser.session(outputs.asked)
    title = f"{source.uri}   {recogniser.card.name}   {recogniser.runtime.name}"
    limits = None if recogniser.card.label_thresholds else session.thresholds  # else each label has its own
    with outputs.opened(title, limits, lambda: session.untold) as send, source:
        run(source, session, send, stop_s=stop_s)


def _watch_there(source: Source, outputs: Outputs, target: str, asked: dict[str, Any], shown: dict[str, Any]) -> None:
    from stream.server.client import pusher  # noqa: PLC0415 - grpc takes longer to import than all the rest
    from stream.server.client.entry import Entry  # noqa: PLC0415

    title = "   ".join(filter(None, (source.uri, asked["model"], target)))
    with outputs.opened(title) as send, source:
        entry = Entry(**shown)
        asked |= {"settings": outputs.asked, "needs_pictures": outputs.video is not None}
        trips = pusher.watch(source, target, send, entry=entry, **asked)
    sys.stderr.write(f"{trips}\n")


def _follow(
    name: str, source: str | None, outputs: Outputs, target: str | None, stop_s: float, shown: dict[str, Any]
) -> None:
    from stream.server.client.entry import Entry  # noqa: PLC0415 - as above
    from stream.server.client.follower import follow  # noqa: PLC0415

    if target is None or source is not None or outputs.video:
        raise UsageError(
            "--source names a source of --server HOST:PORT; it goes with no SOURCE and, as no picture comes, no --save"
        )
    with outputs.opened(f"{name}   {target}") as send:
        follow(name, target, send, entry=Entry(**shown), stop_s=stop_s)


def _list(target: str | None, shown: dict[str, Any], *, is_json: bool) -> None:
    if target is None:
        raise UsageError("nothing to watch; accepted: a SOURCE, or --server HOST:PORT with --source NAME")
    from stream.server.client import listing  # noqa: PLC0415 - as above
    from stream.server.client.entry import Entry  # noqa: PLC0415

    sources.show(listing.sources(target, Entry(**shown)), is_json=is_json)


def _token(path: Path | None) -> str:
    try:
        return path.read_text("utf-8").strip() if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}") from error


def _is_live(uri: str, is_json: bool) -> bool:
    """Say whether to take a drawn source at its own pace: yes where someone watches."""
    return scheme(uri) == "synthetic" and sys.stdout.isatty() and not is_json


main = program(watch)

if __name__ == "__main__":
    main()
