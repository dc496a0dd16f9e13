"""The page that runs the model on the phone itself: its files over HTTP or HTTPS, and the bridge of its second tab.

The page's own rules (`POLICY`) let it talk to this address alone, where only the bridge takes pictures: when somebody
has pressed start, and not at all where the bridge is shut. The two headers of isolation are what a browser asks for
before it lends a page threads.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web

from stream import manifest
from stream.errors import UsageError
from stream.server.access.listening import Tls
from stream.server.web.accept import served
from stream.server.web.bridge import GOODBYE_S, Bridge
from stream.server.web.gallery import guarded

PACKAGE = Path(__file__).parents[2]
FOLDER = next((d for d in (PACKAGE / "web", PACKAGE.parent / "web") if d.is_dir()), PACKAGE / "web")
"""Where the page is: beside the code in a wheel, beside the package in a checkout."""

WIRE = "wire/protocol.js"
"""The protocol's messages, generated from protos/."""
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
"""What is served, and as what."""

POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; "
    "img-src 'self' blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; connect-src 'self'"
)
"""What the page may do; `_policy` adds its bridge."""
HOST = re.compile(r"[\w.:\[\]-]+")
HEADERS = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",  # asks whether it is the newest, every time
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where the page is served, and with which model."""

    host: str = "127.0.0.1"
    """Address to listen at."""
    port: int = 8443
    """Port; 0 lets the system choose."""
    model: Path | None = None
    """Folder with a model.json, as `stream-export` writes it; None: the one that the page was built with."""
    has_bridge: bool = True
    """Let its second tab send frames to this server."""


def files(model: Path | None, folder: Path = FOLDER) -> dict[str, Path]:
    """Say what is served: path of the address -> file.

    Raises:
        UsageError: the page was not built, or there is no model that it can run; says how to make it.
    """
    for made in ("ort", WIRE):
        if not (folder / made).exists():
            words = "make web, in a checkout, fetches what the page runs on; a wheel that is built after it has it, too"
            raise UsageError(f"{folder} has no {made}: {words}")
    model = model or folder / "model"
    _check(model)
    own = {path.name: path for path in folder.iterdir() if path.suffix in KINDS and not path.name.startswith("package")}
    runtime = {f"ort/{path.name}": path for path in (folder / "ort").iterdir() if path.suffix in KINDS}
    shown = {f"model/{path.name}": path for path in model.iterdir() if path.suffix in (".json", ".onnx")}
    return {"": folder / "index.html", **own, WIRE: folder / WIRE, **runtime, **shown}


def _check(model: Path) -> None:
    """Refuse a folder whose model the page cannot run."""
    about, made = model / manifest.NAME, f"as stream-export NAME --to onnx-int8 --out {model} writes it"
    if not about.is_file():
        raise UsageError(f"{model} has no {manifest.NAME}; accepted: a folder with one, {made}")
    try:
        found = json.loads(about.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{about} cannot be read as JSON; accepted: one {made}") from error
    name = found.get("file") if isinstance(found, dict) else None
    if not isinstance(name, str):
        raise UsageError(f"{about} is no JSON object that names a file; accepted: one {made}")
    if not name.endswith(".onnx"):
        raise UsageError(f"{about} names {name}; the page runs .onnx, {made}")
    if Path(name).name != name or not (model / name).is_file():
        raise UsageError(f"{about} names {name}, which is not in {model}; accepted: a file beside it, {made}")


@asynccontextmanager
async def serving(page: Page, tls: Tls | None, bridge: Bridge, most: int) -> AsyncIterator[str]:
    """Serve while the block runs, on `most` connections at once; give the address.

    Raises:
        UsageError: the page was not built, or there is no model for it.
        SourceError: nothing can listen there.
    """
    app = web.Application(client_max_size=1024)
    for name, file in files(page.model).items():
        app.router.add_get(f"/{name}", _handler(file))
    bridge.add_to(app.router)
    app.on_response_prepare.append(guarded)
    context = replace(tls, client_authority=None).context() if tls else None  # a phone has no certificate
    async with served(app, page.host, page.port, most, context, GOODBYE_S) as port:
        host = f"[{page.host}]" if ":" in page.host else page.host
        yield f"{'https' if tls else 'http'}://{host}:{port}/"


def _handler(file: Path):  # type: ignore[no-untyped-def]  # aiohttp's own type of a handler is private
    async def answer(request: web.Request) -> web.FileResponse:
        policy = {"Content-Security-Policy": _policy(request)}
        return web.FileResponse(file, headers={**HEADERS, **policy, "Content-Type": KINDS[file.suffix]})

    return answer


def _policy(request: web.Request) -> str:
    """Name the bridge's address, too: not every browser counts a WebSocket among 'self'."""
    host = request.headers.get("Host", "")
    scheme = "wss" if request.secure else "ws"
    return f"{POLICY} {scheme}://{host}" if HOST.fullmatch(host) else POLICY
