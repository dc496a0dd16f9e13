"""The server process: listens, loads models, serves, drains. Health tells the truth all the while."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from stream.errors import SourceError
from stream.recogniser import Recogniser
from stream.server.service import NAME, Limits, RecognitionService
from stream.v1 import recognition_pb2_grpc as rpc

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

OPTIONS = (
    ("grpc.so_reuseport", 0),  # a second server on the port is told so, instead of taking half of the streams
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # without it a frozen peer is never found
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),  # clients may ask as often as this
)

DEFAULT_LIMITS = Limits()

_log = logging.getLogger(__name__)


async def serve(
    load: Callable[[], Sequence[Recogniser]],
    *,
    host: str = "127.0.0.1",
    port: int = 50051,
    workers: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    drain_s: float = 10.0,
    ready: Callable[[str], None] = _log.info,
) -> signal.Signals:
    """Listen, load, serve until SIGTERM or SIGINT, drain; a second signal ends what is left at once.

    Args:
        load: gives the models, the default first; called once, in a worker.
        host: address to listen at.
        port: 0 lets the system choose.
        workers: count of threads that decode and step, 1 or more; by default as many as there are processors.
        limits: what is allowed.
        drain_s: seconds, 0 or more: how long open streams are given to end by themselves.
        ready: called with HOST:PORT when streams are taken.

    Returns:
        The signal that ended it.

    Raises:
        SourceError: nothing can listen at that address.
        StreamError: a model cannot be loaded.
    """
    loop, caught = asyncio.get_running_loop(), asyncio.Queue[signal.Signals]()
    with ThreadPoolExecutor(workers or processors(), "worker") as pool:
        service, state = RecognitionService(pool, limits), health.aio.HealthServicer()
        server = _server(service, state, limits)
        address = _listen(server, host, port)
        await _say(state, NOT_SERVING)
        await server.start()
        try:
            service.open(await loop.run_in_executor(pool, _loaded, load))
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, caught.put_nowait, number)
            await _say(state, SERVING)
            ready(address)
            first = await caught.get()
            _log.info("%s: %d streams have %g s to end", first.name, service.open_count, drain_s)
            await _say(state, NOT_SERVING)
            await _drain(service, drain_s, caught)
        finally:
            await server.stop(1.0)
    return first


def processors() -> int:
    """Count the processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _server(service: RecognitionService, state: health.aio.HealthServicer, limits: Limits) -> grpc.aio.Server:
    server = grpc.aio.server(
        options=(*OPTIONS, ("grpc.max_receive_message_length", limits.max_message_bytes)),
    )
    rpc.add_RecognitionServiceServicer_to_server(service, server)  # type: ignore[no-untyped-call]
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    reflection.enable_server_reflection((NAME, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    return server


def _listen(server: grpc.aio.Server, host: str, port: int) -> str:
    wanted = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        found = server.add_insecure_port(wanted)
    except RuntimeError as error:
        raise SourceError(f"nothing can listen at {wanted}: it is taken, or not an address of this machine") from error
    return f"{wanted.rpartition(':')[0]}:{found}"


def _loaded(load: Callable[[], Sequence[Recogniser]]) -> Sequence[Recogniser]:
    """Load, and step each model once: what cannot run does not start."""
    models = load()
    for model in models:
        for member in model.members:
            side_px = member.card.side_px
            member.step(np.zeros((1, 3, 1, side_px, side_px), np.float32), member.init_state())
        _log.info("%s: %s, %d labels, %g fps", model.card.name, model.runtime.name, len(model.labels), model.card.fps)
    return models


async def _say(state: health.aio.HealthServicer, status: int) -> None:
    for service in ("", NAME):
        await state.set(service, status)


async def _drain(service: RecognitionService, drain_s: float, caught: asyncio.Queue[signal.Signals]) -> None:
    """Wait for the streams, for `drain_s` or for a second signal; then end them."""
    impatient = asyncio.ensure_future(caught.get())
    ended = asyncio.ensure_future(service.drain(drain_s))
    await asyncio.wait((impatient, ended), return_when=asyncio.FIRST_COMPLETED)
    service.end()
    await ended
    impatient.cancel()
