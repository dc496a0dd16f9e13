"""The server process: listens, loads models, serves, drains. Health tells the truth all the while."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from stream.errors import MissingDependency
from stream.recogniser import Recogniser
from stream.server.access import clients, reflection
from stream.server.access.admission import Limits
from stream.server.access.clients import Access
from stream.server.access.listening import Tls, is_loopback, listen
from stream.server.configuration.reload import Job, Reloader
from stream.server.configuration.settings import Configuration
from stream.server.models import Models
from stream.server.operations.metrics import Metrics
from stream.server.operations.tracing import Tracing
from stream.server.pushed import seal
from stream.server.service import NAME, RecognitionService
from stream.server.turns import Turns
from stream.server.watched.desk import Desk
from stream.server.watched.hub import Hub
from stream.server.web.gauges import Gauges
from stream.v1 import recognition_pb2_grpc as rpc

if TYPE_CHECKING:
    from stream.server.web.page import Page  # its packages come with an extra

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
LONGEST_MS = 2**31 - 1
"""Milliseconds: what gRPC takes for ever."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a server is to be."""

    models: tuple[str, ...]
    """Names or cards of the models to load, the default first."""
    host: str = "127.0.0.1"
    """Address to listen at."""
    port: int = 50051
    """Port; 0 lets the system choose."""
    tls: Tls | None = None
    """What encrypts; None: nothing does."""
    is_insecure: bool = False
    """Listen for other machines even without TLS."""
    http_host: str = "127.0.0.1"
    """Address of /metrics, health and the page; another machine's way in is encrypted as gRPC is, if that is."""
    http_port: int | None = None
    """Port of these, 0 lets the system choose; None: there are none."""
    page: "Page | None" = None
    """The page that runs the model on a phone; None: there is none."""
    has_reflection: bool = True
    """Tell clients what the protocol is."""
    workers: int | None = None
    """Count of threads that decode and step, 1 or more; None: as many as there are processors."""
    limits: Limits = field(default_factory=Limits)
    """What is allowed."""
    drain_s: float = 10.0
    """Seconds, 0 or more: how long open streams are given to end by themselves."""
    trace_to: str | None = None
    """Address of a collector of traces, OTLP over HTTP; None: nothing is traced."""
    trace_share: float = 0.01
    """Share of the frames that are traced, 0 to 1."""
    tokens: Path | None = None
    """The file of tokens; None: none are needed."""
    checkpoint_key: Path | None = None
    """The file of the key that signs checkpoints; None: they are not signed."""
    configure: Callable[[], Configuration] | None = None
    """Reads stream.toml; None: no sources are configured."""


async def serve(
    plan: Plan, load: Callable[[str], Recogniser], ready: Callable[[str, str | None, str | None], None]
) -> signal.Signals:
    """Listen, load, serve until SIGTERM or SIGINT, drain; a second signal ends what is left at once.

    SIGHUP reads the configuration and the tokens again, as a change of their files does.

    Args:
        plan: what it is to be.
        load: gives a model by its name or card; called in threads.
        ready: called with HOST:PORT, that of HTTP and the address of the page, if there are, when streams are taken.

    Returns:
        The signal that ended it.

    Raises:
        UsageError: a file of the plan is not accepted, or other machines could read along.
        SourceError: nothing can listen at an address.
        StreamError: a model cannot be loaded.
    """
    caught, models, tracing = asyncio.Queue[signal.Signals](), Models(load), _tracing(plan)
    metrics = Metrics(tracing)
    with Turns(plan.workers or processors()) as pool:
        desk = Desk()
        hub = Hub(pool, models.get, metrics, desk)
        try:
            tokens = Access(clients.load(plan.tokens) if plan.tokens else None)
            service = RecognitionService(
                pool, plan.limits, models, hub, tokens, metrics, seal.load(plan.checkpoint_key)
            )
            state = health.aio.HealthServicer()
            metrics.read(Gauges(service.admission, hub.standings, desk.standings))
            server = _server(service, state, plan)
            address = listen(server, plan.host, plan.port, plan.tls, plan.is_insecure)
            async with AsyncExitStack() as stack:
                http = await stack.enter_async_context(_http(plan, metrics, service, hub, desk, tokens))
                page = await stack.enter_async_context(_page(plan, service, tokens))
                await _say(state, NOT_SERVING)
                await server.start()
                stack.push_async_callback(server.stop, 1.0)
                await asyncio.to_thread(lambda: [models.get(name) for name in plan.models])
                await stack.enter_async_context(_configured(plan, hub, desk, tokens, metrics))
                service.open()
                _listen_for((signal.SIGTERM, signal.SIGINT), caught)
                await _say(state, SERVING)
                ready(address, http, page)
                first = await caught.get()
                _log.info("%s: %d streams have %g s to end", first.name, service.admission.open_count, plan.drain_s)
                await _say(state, NOT_SERVING)
                await _drain(service, plan.drain_s, caught)
        finally:
            await asyncio.to_thread(hub.close)
            await asyncio.to_thread(desk.close)
            await asyncio.to_thread(tracing.close)
    return first


def processors() -> int:
    """Count the processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tracing(plan: Plan) -> Tracing:
    """Trace frames if that is planned."""
    if plan.trace_to is None:
        return Tracing()
    try:
        from stream.server.operations.otlp import Collector  # noqa: PLC0415  # its packages come with an extra
    except ModuleNotFoundError as error:
        raise MissingDependency("--trace-to", "opentelemetry-exporter-otlp-proto-http", "otel") from error
    return Collector(plan.trace_to, plan.trace_share)


def _server(service: RecognitionService, state: health.aio.HealthServicer, plan: Plan) -> grpc.aio.Server:
    age_ms = min(plan.limits.max_connection_age_s * 1000, LONGEST_MS)
    options = (
        *OPTIONS,
        ("grpc.max_receive_message_length", plan.limits.max_message_bytes),
        ("grpc.max_connection_age_ms", int(age_ms)),
        ("grpc.max_connection_age_grace_ms", LONGEST_MS),  # its streams end by themselves
    )
    server = grpc.aio.server(options=options)
    rpc.add_RecognitionServiceServicer_to_server(service, server)  # type: ignore[no-untyped-call]
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    if plan.has_reflection:
        reflection.tell((NAME, health.SERVICE_NAME), server)
    return server


@asynccontextmanager
async def _http(
    plan: Plan, metrics: Metrics, service: RecognitionService, hub: Hub, desk: Desk, tokens: Access
) -> AsyncIterator[str | None]:
    """Answer over HTTP if that is planned; give the address."""
    if plan.http_port is None:
        yield None
        return
    try:
        from stream.server.web import gallery, http  # noqa: PLC0415  # its package comes with an extra
    except ModuleNotFoundError as error:
        raise MissingDependency("--http-port", "aiohttp", "http") from error
    is_here = is_loopback(plan.http_host)
    is_shown = is_here or plan.tls is not None or plan.is_insecure
    shown = gallery.Gallery(hub, tokens, plan.http_host, is_shown=is_shown)
    tls = None if is_here else plan.tls

    def is_ready() -> bool:
        return service.admission.closed is None

    ready = http.Readiness(is_ready, desk.failing)
    async with http.listening(plan.http_host, plan.http_port, metrics, ready, shown, tls) as address:
        yield address


@asynccontextmanager
async def _page(plan: Plan, service: RecognitionService, tokens: Access) -> AsyncIterator[str | None]:
    """Serve the page if that is planned; give its address. Its second tab's streams are streams like any other."""
    if plan.page is None:
        yield None
        return
    from stream.server.web import bridge, page  # noqa: PLC0415  # their package comes with an extra

    shut = "" if plan.page.has_bridge else "this server takes no frames from its page (--no-web-bridge)"
    if plan.tls and plan.tls.client_authority:
        shut = "this server wants a certificate of every client, and a page has none"
    made = bridge.Bridge(
        lambda context: service.Recognize(None, context),
        plan.limits.max_message_bytes,
        plan.page.host,
        is_encrypted=plan.tls is not None,
        needs_token=not tokens.is_open,
        shut=shut,
    )
    async with page.serving(plan.page, plan.tls, made) as address:
        yield address


@asynccontextmanager
async def _configured(plan: Plan, hub: Hub, desk: Desk, tokens: Access, metrics: Metrics) -> AsyncIterator[None]:
    """Begin the configured sources and outputs; read what was read from files again when they change, or on SIGHUP."""
    jobs = []
    if plan.configure:
        sources = _Sources(plan.configure, hub, desk)
        await asyncio.to_thread(sources.read)
        jobs.append(Job(lambda: sources.files, sources.read))
    if path := plan.tokens:
        jobs.append(Job(lambda: (path,), lambda: tokens.replace(clients.load(path))))
    reloader = Reloader(jobs, metrics.reloaded)
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.ask)
    task = asyncio.create_task(reloader.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class _Sources:
    """The configured sources and outputs as they were last read."""

    def __init__(self, configure: Callable[[], Configuration], hub: Hub, desk: Desk) -> None:
        self._configure, self._hub, self._desk = configure, hub, desk
        self.files: tuple[Path, ...] = ()

    def read(self) -> None:
        wanted = self._configure()
        self._hub.apply(wanted.sources, lambda: self._desk.apply(wanted.outputs))
        self.files = wanted.files


def _listen_for(numbers: tuple[signal.Signals, ...], caught: asyncio.Queue[signal.Signals]) -> None:
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, caught.put_nowait, number)


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
