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
from grpc_health.v1 import health_pb2_grpc

from stream import threads
from stream.errors import MissingDependency
from stream.recogniser import Recogniser
from stream.server import allocator, health
from stream.server.access import clients, reflection
from stream.server.access.admission import Limits
from stream.server.access.clients import Access
from stream.server.access.crowds import Crowds
from stream.server.access.guard import Guard
from stream.server.access.listening import Tls, is_loopback, listen
from stream.server.configuration.reload import Reloader, Stamps, stamp
from stream.server.configuration.settings import Configuration
from stream.server.health import NOT_SERVING, SERVING, Health
from stream.server.models import Models
from stream.server.operations.metrics import Metrics
from stream.server.operations.tracing import Tracing
from stream.server.pushed import seal
from stream.server.service import NAME, RecognitionService
from stream.server.shutdown import Shutdown
from stream.server.turns import Turns
from stream.server.watched.desk import Desk
from stream.server.watched.hub import Hub
from stream.server.web.gauges import Gauges
from stream.v1 import recognition_pb2_grpc as rpc

if TYPE_CHECKING:
    from stream.server.web.page import Page  # its packages come with an extra

OPTIONS = (
    ("grpc.so_reuseport", 0),  # a second server on the port is told so, instead of taking half of the streams
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # without it a frozen peer is never found
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),  # clients may ask as often as this
    ("grpc.server_handshake_timeout_ms", 10_000),  # for TLS, and the first words of HTTP/2
    ("grpc.max_connection_idle_ms", 60_000),  # without a call: clients connect again by themselves
)
LONGEST_MS = 2**31 - 1
"""Milliseconds: what gRPC takes for ever."""
STOP_S = 1.0
"""Seconds that calls have to go when the streams have ended."""
AROUND_STREAMS = 32
"""Count of calls that one connection may have open beside the streams of one client."""
LAST_S = 15.0
"""Seconds after the streams' time by which the process has gone, whatever hangs."""

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
    models, tracing = Models(load), _tracing(plan)
    metrics = Metrics(tracing)
    reloader = Reloader(metrics.reloaded)
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.ask)
    with Shutdown() as shutdown, Turns(plan.workers or processors()) as pool:
        allocator.begin(shutdown.is_over)
        desk = Desk()
        hub = Hub(pool, models.get, metrics, desk)
        try:
            tokens = Access(clients.load(plan.tokens) if plan.tokens else None)
            service = RecognitionService(
                pool, plan.limits, models, hub, tokens, metrics, seal.load(plan.checkpoint_key)
            )
            state = Health(("", NAME))
            metrics.read(Gauges(service.admission, hub.standings, desk.standings))
            guard = Guard(tokens, service.admission.refuse)
            server = _server(service, state, plan, guard)
            address = listen(server, plan.host, plan.port, plan.tls, plan.is_insecure)
            async with AsyncExitStack() as stack:
                http = await stack.enter_async_context(_http(plan, metrics, service, hub, desk, tokens))
                page = await stack.enter_async_context(_page(plan, service, tokens))
                await server.start()
                stack.push_async_callback(server.stop, STOP_S)
                port = int(address.rpartition(":")[2])
                Crowds(port, plan.limits.max_connections_per_client).begin(shutdown.is_over)
                prepared = _prepare(plan, models, hub, desk, tokens, reloader)
                if (first := await shutdown.unless_asked(prepared)) is None:
                    await stack.enter_async_context(_reloading(reloader))
                    service.open()
                    state.say(SERVING)
                    ready(address, http, page)
                    first = await shutdown.asked()
                shutdown.gone_within(plan.drain_s + LAST_S)
                _log.info("%s: %d streams have %g s to end", first.name, service.admission.open_count, plan.drain_s)
                state.say(NOT_SERVING)
                await _drain(service, plan.drain_s, shutdown)
        finally:
            for name, close in (("sources", hub.close), ("outputs", desk.close), ("traces", tracing.close)):
                await threads.aside(f"end {name}", close)
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


def _server(service: RecognitionService, state: Health, plan: Plan, guard: Guard) -> grpc.aio.Server:
    age_ms = min(plan.limits.max_connection_age_s * 1000, LONGEST_MS)
    options = (
        *OPTIONS,
        ("grpc.max_receive_message_length", plan.limits.max_message_bytes),
        ("grpc.max_connection_age_ms", int(age_ms)),
        ("grpc.max_connection_age_grace_ms", LONGEST_MS),  # its streams end by themselves
        ("grpc.max_concurrent_streams", plan.limits.max_streams_per_client + AROUND_STREAMS),
        ("grpc.max_allowed_incoming_connections", plan.limits.max_connections),
    )
    server = grpc.aio.server(options=options, interceptors=(guard,))
    rpc.add_RecognitionServiceServicer_to_server(service, server)  # type: ignore[no-untyped-call]
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    if plan.has_reflection:
        reflection.tell((NAME, health.NAME), server)
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

    def failing() -> dict[str, float]:
        dead = {f"thread {name}": since_s for name, since_s in threads.BOARD.failing().items()}
        return {**{f"output {name}": since_s for name, since_s in desk.failing().items()}, **dead}

    ready = http.Readiness(is_ready, failing)
    most = plan.limits.max_web_connections
    async with http.listening(plan.http_host, plan.http_port, most, metrics, ready, shown, tls) as address:
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
    async with page.serving(plan.page, plan.tls, made, plan.limits.max_web_connections) as address:
        yield address


async def _prepare(plan: Plan, models: Models, hub: Hub, desk: Desk, tokens: Access, reloader: Reloader) -> None:
    """Load the models, begin the configured sources and outputs; say what to read again when files change."""
    await threads.aside("load models", lambda: [models.get(name) for name in plan.models])
    if configure := plan.configure:

        def read() -> Stamps:
            wanted = configure()
            hub.apply(wanted.sources, lambda: desk.apply(wanted.outputs))
            return wanted.files

        reloader.add(read, await threads.aside("begin sources", read))
    if path := plan.tokens:

        def let_in() -> Stamps:
            files = {path: stamp(path)}
            tokens.replace(clients.load(path))
            return files

        reloader.add(let_in, await threads.aside("read tokens", let_in))


@asynccontextmanager
async def _reloading(reloader: Reloader) -> AsyncIterator[None]:
    """Read files again when they change, or on SIGHUP, while the block runs."""
    task = asyncio.create_task(reloader.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _drain(service: RecognitionService, drain_s: float, shutdown: Shutdown) -> None:
    """Wait for the streams, for `drain_s` or for a second signal; then end them."""
    impatient = asyncio.ensure_future(shutdown.asked())
    ended = asyncio.ensure_future(service.drain(drain_s))
    await asyncio.wait((impatient, ended), return_when=asyncio.FIRST_COMPLETED)
    service.end()
    await ended
    impatient.cancel()
