"""The page for phones, as stream-serve plans it and shows where it is."""

import importlib
import io
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import typer

from stream import cache, rooms
from stream.errors import UsageError
from stream.server.access.listening import Tls, is_loopback

PORT = 8443
"""Of the page, where none is given."""


def plan(host: str, port: int | None, model: Path | None, *, has_bridge: bool, is_wished: bool) -> Any:
    """Return what is to be served, None where no page is; what is missing is said here, before anything is loaded.

    Raises:
        UsageError: the page was not built, or there is no model for it: says how to make it; or flags are of no page.
        MissingDependency: a package is missing.
    """
    if not is_wished:
        flags = {"--web-port": port is not None, "--web-model": model is not None, "--no-web-bridge": not has_bridge}
        if given := [flag for flag, is_given in flags.items() if is_given]:
            raise UsageError(f"{' and '.join(given)} without --web: there is no page; accepted: with --web")
        return None
    page = _needing("stream.server.web.page")
    page.files(model)
    return page.Page(host=host, port=PORT if port is None else port, model=model, has_bridge=has_bridge)


def self_signed(wish: str, host: str) -> Tls:
    """Return a certificate of this machine's own, kept in the cache folder.

    Raises:
        UsageError: something else was asked for, or it cannot be kept.
        MissingDependency: a package is missing.
    """
    if wish != "self-signed":
        raise UsageError(
            f"--tls is {wish!r}; accepted: self-signed; for a certificate of yours, --tls-cert and --tls-key"
        )
    maker = _needing("stream.server.web.selfsigned")
    found: Tls = maker.tls(cache.home() / "tls", [*maker.addresses(host), "127.0.0.1", "localhost"])
    return found


def show(page: str, *, is_self_signed: bool) -> None:
    """Say where the page is; show it to a phone's camera if a phone can come here.

    The code is white on black whatever the terminal's colours are: not every camera reads the other way round.
    """
    place = urlsplit(page)
    reached = _needing("stream.server.web.selfsigned").addresses(str(place.hostname))[0]
    address = urlunsplit(place._replace(netloc=f"{reached}:{place.port}"))
    typer.echo(f"page at {address}")
    if is_loopback(reached):
        typer.echo("No phone reaches this address: --host 0.0.0.0 lets one come here.")
    elif place.scheme == "https":
        code = io.StringIO()
        _needing("segno").make(address, error="l").terminal(code, compact=True)
        for line in code.getvalue().splitlines():
            typer.echo(typer.style(line, fg="bright_white", bg="black"))  # a file gets no colours
    if is_self_signed:
        typer.echo("The browser will warn once: this machine has signed the certificate itself.")


def _needing(name: str) -> Any:
    with rooms.needing("the page for phones", "web"):
        return importlib.import_module(name)
