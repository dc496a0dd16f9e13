"""A page for people: every configured source with its picture, its labels and its last hour.

Who may see it is who may watch: with tokens, what is shown needs one, and shows the sources that it may watch. The page
itself is public and holds nothing. Without tokens a request must name this machine by an address, or as it was told to
listen: a name that somebody else's page made to mean this machine is refused.
"""

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import cache, partial
from importlib import resources
from typing import Any, TypeVar

from aiohttp import web

from stream import threads
from stream.server.access.clients import Access, Client
from stream.server.access.leash import Ended
from stream.server.watched.hub import Hub, Kept

FILES = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Nothing from elsewhere, nothing for elsewhere."""
HIDDEN = (
    "The page is not shown where other machines could read along; accepted: --http-host 127.0.0.1, "
    "--tls-cert and --tls-key, or --insecure\n"
)

AT_ONCE = 4
"""Count of pictures that are encoded at once, whoever asks."""

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gallery:
    """Answers what the page asks."""

    def __init__(self, hub: Hub, access: Access, host: str, *, is_shown: bool) -> None:
        """Prepare; `host` is what the server listens at, `is_shown` whether nobody can read along."""
        self._hub, self._access, self._host, self._is_shown = hub, access, host, is_shown
        self._room = asyncio.Semaphore(AT_ONCE)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer from now on."""
        for path in FILES:
            router.add_get(path, self._guarded(self._file))
        router.add_get("/sources", self._guarded(self._sources))
        router.add_get("/sources/{name}.jpg", self._guarded(self._picture))

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self._is_shown:
                return _answer(403, HIDDEN)
            if self._access.is_open and not is_ours(request.headers.get("Host", ""), self._host):
                return _answer(421, "ask for this machine by its address\n")
            return await handler(request)

        return guarded

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name, kind = FILES[request.path]
        return _answer(200, _read(name), kind)

    async def _sources(self, request: web.Request) -> web.StreamResponse:
        try:
            client = self._client(request)
        except Ended as end:
            return _answer(401, f"{end}\n")
        found = [await self._aside(partial(_told, kept)) for kept in self._hub.kept() if _may(client, kept)]
        return web.json_response({"sources": found}, headers=HEADERS)

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        try:
            client = self._client(request)
        except Ended as end:
            return _answer(401, f"{end}\n")
        name = request.match_info["name"]
        for kept in self._hub.kept():
            if kept.keeper.settings.name == name and _may(client, kept):
                jpeg = await self._aside(kept.diary.jpeg)
                return _answer(200 if jpeg else 404, jpeg or "no picture yet\n", "image/jpeg" if jpeg else "text/plain")
        return _answer(404, "no such source\n")

    async def _aside(self, work: Callable[[], T]) -> T:
        async with self._room:
            return await threads.aside("page", work)

    def _client(self, request: web.Request) -> Client:
        if self._access.is_open:
            return Client(request.remote or "")
        return self._access.shown(request.headers.get("Authorization", ""))


async def guarded(_: web.Request, response: web.StreamResponse) -> None:
    """Let no other page use an answer, whatever it is: an error's, too."""
    for name in ("Cross-Origin-Resource-Policy", "Referrer-Policy", "X-Content-Type-Options"):
        response.headers.setdefault(name, HEADERS[name])


def is_ours(host: str, listens_at: str) -> bool:
    """Say whether a Host header names this machine by an address, as localhost, or as what it listens at."""
    name = re.sub(r":\d+$", "", host[:300]).strip("[]").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in ("localhost", listens_at.lower())
    return True


def _may(client: Client, kept: Kept) -> bool:
    return client.may_watch(kept.keeper.settings.name)


def _told(kept: Kept) -> dict[str, Any]:
    now = kept.keeper.standing()
    return {
        "name": now.name,
        "model": now.model,
        "state": now.state.value,
        "since": now.since_s,
        "error": now.error,
        "fps_in": round(now.fps_in, 1),
        "fps_out": round(now.fps_out, 1),
        "drops": asdict(now.drops),
        "reconnects": now.reconnect_count,
        "watchers": len(kept.audience),
        **kept.diary.told(),
    }


@cache
def _read(name: str) -> str:
    return resources.files("stream.server.web").joinpath("static", name).read_text("utf-8")


def _answer(status: int, body: str | bytes, kind: str = "text/plain") -> web.Response:
    data = body.encode() if isinstance(body, str) else body
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    return web.Response(status=status, body=data, headers={**HEADERS, "Content-Type": kind + charset})
