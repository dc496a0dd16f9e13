"""HTTP, for what does not speak gRPC: /metrics, /healthz, /readyz, and the page of gallery.py.

On the event loop of the service, so that an answer says that the loop answers.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from stream.server.access.listening import Tls, is_loopback
from stream.server.operations.metrics import Metrics
from stream.server.web.accept import served
from stream.server.web.gallery import Gallery, Handler, guarded, is_ours

PLAIN = "text/plain; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' own type of text."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether streams are taken, and what does not work beside them."""

    is_ready: Callable[[], bool]
    """Says whether streams are taken."""
    failing: Callable[[], Mapping[str, float]]
    """Gives what does not work, such as outputs that cannot deliver, and since when: seconds of the wall's clock."""

    def answer(self) -> tuple[int, str]:
        """Return a status and a line: who fails is no reason to send streams elsewhere, so that it stays 200."""
        if not self.is_ready():
            return 503, "not ready\n"
        failing = [f"{name} fails since {_utc(since_s)}" for name, since_s in self.failing().items()]
        return 200, f"degraded: {', '.join(failing)}\n" if failing else "ready\n"


@asynccontextmanager
async def listening(
    host: str, port: int, most: int, metrics: Metrics, ready: Readiness, page: Gallery, tls: Tls | None = None
) -> AsyncIterator[str]:
    """Answer while the block runs, on `most` connections at once; give the address.

    Raises:
        UsageError: a file of `tls` is not what it should be.
        SourceError: nothing can listen there.
    """
    app = web.Application(client_max_size=1024)
    is_here = is_loopback(host)
    app.router.add_get("/metrics", _ours(is_here, host, lambda: (200, metrics.text().decode(), TEXT)))
    app.router.add_get("/healthz", _ours(is_here, host, lambda: (200, "alive\n", PLAIN)))
    app.router.add_get("/readyz", _ours(is_here, host, lambda: (*ready.answer(), PLAIN)))
    page.add_to(app.router)
    app.on_response_prepare.append(guarded)
    async with served(app, host, port, most, tls.context() if tls else None) as found:
        yield f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{found}"


def _utc(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _ours(is_here: bool, host: str, answer: Callable[[], tuple[int, str, str]]) -> Handler:
    """Return a handler; on loopback it answers those alone who name this machine by an address, as the page does."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if is_here and not is_ours(request.headers.get("Host", ""), host):
            return _text(421, "ask for this machine by its address\n", PLAIN)
        return _text(*answer())

    return handle


def _text(status: int, text: str, kind: str) -> web.Response:
    return web.Response(status=status, body=text.encode(), headers={"Content-Type": kind, "Cache-Control": "no-store"})
