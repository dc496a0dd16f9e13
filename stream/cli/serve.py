"""stream-serve: the gRPC server."""

import asyncio
import functools
import math
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from stream import engines
from stream.cli import _page, logs
from stream.cli import limitflags as flags
from stream.cli.console import ENGINE, Version, program
from stream.cli.entry import INTERRUPTED
from stream.cli.notify import notify
from stream.errors import UsageError
from stream.recogniser import load
from stream.server.access import clients, descriptors
from stream.server.access.admission import Limits
from stream.server.access.listening import Tls
from stream.server.configuration import settings
from stream.server.serve import Plan
from stream.server.serve import serve as run

DEFAULT = "gestures-a0"
LISTENING, PAGE, TRACES = "Who is let in", "A page for phones", "Traces"

Config = Annotated[
    Path | None,
    typer.Option(help="A stream.toml: sources to keep open and serve to all who watch; read again when it changes."),
]
Host = Annotated[
    str,
    typer.Option(
        help="Address to listen at; 0.0.0.0 lets other machines in, with TLS or --insecure.", rich_help_panel=LISTENING
    ),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 lets the system choose.", rich_help_panel=LISTENING)]
HttpPort = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help="Port of a page with every source, /metrics, /healthz and /readyz; 0 lets the system choose.",
        rich_help_panel=LISTENING,
        show_default="none",
    ),
]
HttpHost = Annotated[
    str,
    typer.Option(
        help="Address of these; one that lets other machines in is encrypted where --tls-cert is given.",
        rich_help_panel=LISTENING,
    ),
]
Certificate = Annotated[
    Path | None, typer.Option("--tls-cert", help="Certificate, PEM; with --tls-key.", rich_help_panel=LISTENING)
]
SelfSigned = Annotated[
    str | None,
    typer.Option(
        "--tls",
        metavar="self-signed",
        help="self-signed: make a certificate for this machine and use it; --web then shows its address as a QR code.",
        rich_help_panel=LISTENING,
        show_default="none",
    ),
]
Web = Annotated[
    bool,
    typer.Option(
        "--web",
        help="Serve a page that runs the model on the phone itself, over HTTP(S) at --host.",
        rich_help_panel=PAGE,
    ),
]
WebPort = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help="Port of the page; 0 lets the system choose.",
        rich_help_panel=PAGE,
        show_default=str(_page.PORT),
    ),
]
WebModel = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder of the model that the page runs, as stream-export --to onnx-int8 writes it.",
        rich_help_panel=PAGE,
        show_default="the default's",
    ),
]
WebBridge = Annotated[
    bool,
    typer.Option(
        "--web-bridge/--no-web-bridge",
        help="Let the page's second tab send frames to this server, within the limits of any client.",
        rich_help_panel=PAGE,
    ),
]
Key = Annotated[Path | None, typer.Option("--tls-key", help="Its key, PEM.", rich_help_panel=LISTENING)]
Authority = Annotated[
    Path | None,
    typer.Option(
        "--tls-client-ca", help="Who signs the certificates that clients must show, PEM.", rich_help_panel=LISTENING
    ),
]
Tokens = Annotated[
    Path | None,
    typer.Option(
        help="File of the tokens that clients must show; read again when it changes.", rich_help_panel=LISTENING
    ),
]
CheckpointKey = Annotated[
    Path | None,
    typer.Option(
        help="File with a key of 32 bytes or more, the same on all servers: resume streams only from what it signed.",
        rich_help_panel=LISTENING,
        show_default="none: checkpoints are not signed",
    ),
]
NewToken = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Make a token, add it to the file of --tokens or say what that is to have, and leave.",
        rich_help_panel=LISTENING,
    ),
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Let other machines in without TLS.", rich_help_panel=LISTENING)
]
Reflection = Annotated[
    bool, typer.Option("--reflection/--no-reflection", help="Tell clients the protocol.", rich_help_panel=LISTENING)
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Name or card of a model to load; may be given again.", show_default=DEFAULT),
]
Engine = Annotated[str, typer.Option(help=ENGINE)]
Threads = Annotated[int, typer.Option(min=1, help="Count of threads per step.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Count of frames in work at once.", show_default="one per processor")
]
TraceTo = Annotated[
    str | None,
    typer.Option(
        envvar="STREAM_TRACE_TO",
        metavar="URL",
        help="Collector of OpenTelemetry traces, OTLP over HTTP, as http://127.0.0.1:4318; needs the extra otel.",
        rich_help_panel=TRACES,
        show_default="none: nothing is traced",
    ),
]
TraceShare = Annotated[
    float,
    typer.Option(
        envvar="STREAM_TRACE_SHARE", min=0, max=1, help="Share of the frames that are traced.", rich_help_panel=TRACES
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Log warnings and errors only.")]
LogJson = Annotated[bool, typer.Option("--log-json", help="Log an object a line, with the stream it is about.")]


def serve(
    *,
    config: Config = None,
    model: Models = None,
    runtime: Engine = engines.AUTO,
    threads: Threads = 1,
    workers: Workers = None,
    host: Host = "127.0.0.1",
    port: Port = 50051,
    web: Web = False,
    web_port: WebPort = None,
    web_model: WebModel = None,
    web_bridge: WebBridge = True,
    tls: SelfSigned = None,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    tls_client_ca: Authority = None,
    tokens: Tokens = None,
    new_token: NewToken = None,
    checkpoint_key: CheckpointKey = None,
    insecure: Insecure = False,
    reflection: Reflection = True,
    http_port: HttpPort = None,
    http_host: HttpHost = "127.0.0.1",
    max_streams: flags.Streams = 128,
    max_streams_per_client: flags.PerClient = 128,
    max_message_mb: flags.Megabytes = 16,
    max_megapixels: flags.Megapixels = 16.8,
    max_decode_mb: flags.DecodeMegabytes = 2000,
    max_waiting_frames: flags.WaitingFrames = 64,
    max_waiting_mb: flags.WaitingMegabytes = 16,
    max_age_s: flags.FrameAge = 0.0,
    max_fps: flags.FrameRate = 1000.0,
    idle_timeout_s: flags.Idle = 0.0,
    max_connections: flags.Connections = 0,
    max_connections_per_client: flags.ConnectionsEach = 0,
    max_connection_age_s: flags.Age = 0.0,
    drain_s: flags.Drain = 10.0,
    trace_to: TraceTo = None,
    trace_share: TraceShare = 0.01,
    log_json: LogJson = False,
    quiet: Quiet = False,
    version: Version = False,  # noqa: ARG001  # answered before this runs
) -> None:
    """Recognise actions in frames that clients send over gRPC, and in sources that stream.toml names.

    Prints "listening on HOST:PORT" once streams are taken; the log goes to stderr. Ends on SIGTERM or Ctrl-C, when the
    open streams have ended or had their time. SIGHUP reads stream.toml and the tokens again.
    """
    if new_token is not None:
        _make(new_token, tokens)
        return
    logs.configure(is_json=log_json, is_quiet=quiet)
    page = _page.plan(host, web_port, web_model, has_bridge=web_bridge, is_wished=web)
    ports = (http_port is not None) + (page is not None)
    connections, web_connections = descriptors.connections(max_connections or None, ports)
    plan = Plan(
        models=tuple(dict.fromkeys(model or [DEFAULT])),
        host=host,
        port=port,
        tls=_tls(tls, host, tls_cert, tls_key, tls_client_ca),
        page=page,
        is_insecure=insecure,
        http_host=http_host,
        http_port=http_port,
        has_reflection=reflection,
        workers=workers,
        limits=Limits(
            max_streams=max_streams,
            max_streams_per_client=max_streams_per_client,
            max_message_bytes=max_message_mb * 2**20,
            max_pixels=int(max_megapixels * 1e6),
            max_decode_bytes=max_decode_mb * 10**6,
            max_waiting_frames=max_waiting_frames,
            max_waiting_bytes=max_waiting_mb * 10**6,
            max_age_s=max_age_s or math.inf,
            max_fps=max_fps,
            idle_timeout_s=idle_timeout_s or math.inf,
            max_connections=connections,
            max_connections_per_client=max_connections_per_client or max(1, connections // 2),
            max_web_connections=web_connections,
            max_connection_age_s=max_connection_age_s or math.inf,
        ),
        drain_s=drain_s,
        trace_to=trace_to,
        trace_share=trace_share,
        tokens=tokens,
        checkpoint_key=checkpoint_key,
        configure=functools.partial(settings.load, config, os.environ) if config else None,
    )
    say = functools.partial(_say, is_self_signed=tls is not None)
    if asyncio.run(run(plan, lambda name: load(name, runtime, threads), say)) is signal.SIGINT:
        raise typer.Exit(INTERRUPTED)


def _say(address: str, http: str | None, page: str | None, *, is_self_signed: bool) -> None:
    typer.echo(f"listening on {address}")  # flushes
    if http:
        typer.echo(f"metrics, health and a page at {http}")
    if page:
        _page.show(page, is_self_signed=is_self_signed)
    notify("READY=1")


def _tls(wish: str | None, host: str, certificate: Path | None, key: Path | None, authority: Path | None) -> Tls | None:
    if wish:
        if given := "--tls-cert" if certificate else "--tls-key" if key else None:
            raise UsageError(f"--tls {wish} and {given} were both given; accepted: one of them, with --tls-client-ca")
        return replace(_page.self_signed(wish, host), client_authority=authority)
    if certificate and key:
        return Tls(certificate, key, authority)
    if certificate or key or authority:
        raise UsageError("TLS needs --tls-cert and --tls-key, or --tls self-signed; --tls-client-ca can be added")
    return None


def _make(name: str, path: Path | None) -> None:
    if path:
        typer.echo(f"token: {clients.add_token(name, path)}\n\n{path} has its SHA-256; it is kept nowhere else.")
        return
    token, words = clients.new_token(name)
    typer.echo(f"token: {token}\n\nAdd to the file of --tokens; the token itself is kept nowhere:\n\n{words}", nl=False)


main = program(serve)

if __name__ == "__main__":
    main()
