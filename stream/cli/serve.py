"""stream-serve: the gRPC server."""

import asyncio
import logging
import math
import signal
from typing import Annotated

import typer

from stream import rooms
from stream.cli.console import Version, program
from stream.cli.entry import INTERRUPTED
from stream.recogniser import Recogniser, load
from stream.server.serve import serve as run
from stream.server.service import Limits

DEFAULT = "gestures-a0"

Host = Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 lets other machines in, unencrypted.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 lets the system choose.")]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Name or card of a model to load; may be given again.", show_default=DEFAULT),
]
Engine = Annotated[str, typer.Option(help=f"Engine that computes the steps: {', '.join(rooms.names('runtimes'))}.")]
Threads = Annotated[int, typer.Option(min=1, help="Count of threads per step.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Count of frames in work at once.", show_default="one per processor")
]
Streams = Annotated[int, typer.Option(min=1, help="Count of streams open at once; more are refused.")]
Megabytes = Annotated[int, typer.Option(min=1, max=1024, help="Megabytes: largest message taken.")]
Megapixels = Annotated[float, typer.Option(min=0.001, max=1000, help="Millions of pixels: largest picture taken.")]
Idle = Annotated[float, typer.Option(min=0, help="Seconds: streams without a frame for this long are ended; 0: never.")]
Drain = Annotated[float, typer.Option(min=0, help="Seconds that open streams have to end after SIGTERM or Ctrl-C.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Log warnings and errors only.")]


def serve(
    *,
    host: Host = "127.0.0.1",
    port: Port = 50051,
    model: Models = None,
    runtime: Engine = "onnxruntime",
    threads: Threads = 1,
    workers: Workers = None,
    max_streams: Streams = 128,
    max_message_mb: Megabytes = 16,
    max_megapixels: Megapixels = 16.8,
    idle_timeout_s: Idle = 0.0,
    drain_s: Drain = 10.0,
    quiet: Quiet = False,
    version: Version = False,  # noqa: ARG001  # answered before this runs
) -> None:
    """Recognise actions in streams of frames sent over gRPC (protos/stream/v1/recognition.proto).

    Prints "listening on HOST:PORT" once streams are taken; the log goes to stderr. Ends on SIGTERM or Ctrl-C, when the
    open streams have ended or had their time.
    """
    logging.basicConfig(
        level=logging.WARNING if quiet else logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    limits = Limits(
        max_streams=max_streams,
        max_message_bytes=max_message_mb * 2**20,
        max_pixels=int(max_megapixels * 1e6),
        idle_timeout_s=idle_timeout_s or math.inf,
    )

    def load_all() -> list[Recogniser]:
        return [load(name, runtime, threads) for name in dict.fromkeys(model or [DEFAULT])]

    def ready(address: str) -> None:
        typer.echo(f"listening on {address}")  # flushes

    service = run(load_all, host=host, port=port, workers=workers, limits=limits, drain_s=drain_s, ready=ready)
    if asyncio.run(service) is signal.SIGINT:
        raise typer.Exit(INTERRUPTED)


main = program(serve)

if __name__ == "__main__":
    main()
