"""Who a client is, and what it may do: by a token that the operator gave, a certificate, or its address.

[token.kiosk]                   # names: 1 to 64 of A-Z, a-z, 0-9, _ and -
sha256 = "9f86d081884c7d65..."  # of the token, which itself is written nowhere
sources = ["door"]              # what it may watch; absent: all
max_streams = 2                 # at once; absent: the server's limit
"""

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from grpc import StatusCode

from stream.errors import UsageError
from stream.server.access.leash import Ended, Leash, leashed
from stream.server.configuration.tables import NAME, NAMES, Tables

BEARER = "bearer "
"""How a token is announced in the metadata `authorization`."""
DIGEST = re.compile(r"[0-9a-f]{64}")
FIELDS = {"sha256": "a text", "sources": "a list of texts", "max_streams": "a whole number"}
"""What may stand in a token's table -> what it has to be."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who opens a stream."""

    name: str
    """Of its token or certificate, or its address; streams are counted by it."""
    sources: frozenset[str] | None = None
    """Names of the configured sources that it may watch; None: all."""
    max_streams: int | None = None
    """Count of streams it may have open; None: the server's limit."""
    digest: str = field(default="", repr=False)
    """SHA-256 of its token; empty where none is needed."""

    def may_watch(self, source: str) -> bool:
        """Say whether it may watch a configured source."""
        return self.sources is None or source in self.sources


class Access:
    """Knows the tokens; without any, everybody who gets through is let in."""

    def __init__(self, tokens: Mapping[str, Client] | None = None) -> None:
        """Begin with tokens by their SHA-256, or None where none are needed."""
        self._tokens = tokens
        self._leashes: dict[Leash, Client] = {}

    def replace(self, tokens: Mapping[str, Client]) -> None:
        """Take other tokens from now on, and end the streams of those that are gone or may do something else now."""
        self._tokens = tokens
        for leash, client in list(self._leashes.items()):
            if client.digest not in tokens:
                leash.end(Ended(StatusCode.UNAUTHENTICATED, "this stream's token is not one of this server's any more"))
            elif tokens[client.digest] != client:
                leash.end(Ended(StatusCode.UNAVAILABLE, "what this token may do has changed; come again"))

    @asynccontextmanager
    async def leashed(self, client: Client) -> AsyncIterator[None]:
        """Do something for a client for as long as its token holds.

        Raises:
            Ended: it was taken away, or what it may do has changed.
        """
        async with leashed() as leash:
            self._leashes[leash] = client
            try:
                yield
            finally:
                del self._leashes[leash]

    def client(self, context: Any) -> Client:
        """Return who calls.

        Raises:
            Ended: UNAUTHENTICATED, no token of ours; its words do not repeat what was sent.
        """
        if self._tokens is None:
            return Client(_certified(context) or address(context.peer()))
        given = dict(context.invocation_metadata() or ()).get("authorization", "")
        return self.shown(given)

    @property
    def is_open(self) -> bool:
        """Say whether no token is needed."""
        return self._tokens is None

    def shown(self, given: Any) -> Client:
        """Return whose token this is, as `Bearer TOKEN`.

        Raises:
            Ended: as `client`.
        """
        if not isinstance(given, str) or not given.lower().startswith(BEARER):
            raise Ended(StatusCode.UNAUTHENTICATED, "no token; accepted: metadata 'authorization: Bearer TOKEN'")
        found = self._look_up(given[len(BEARER) :].strip())
        if found is None:
            raise Ended(StatusCode.UNAUTHENTICATED, "that token is not one of this server's")
        return found

    def _look_up(self, token: str) -> Client | None:
        """Compare with every token, so that the time tells nothing."""
        digest, found = hashlib.sha256(token.encode("utf-8", "backslashreplace")).hexdigest(), None
        for known, client in (self._tokens or {}).items():
            if hmac.compare_digest(known, digest):
                found = client
        return found


def new_token(name: str) -> tuple[str, str]:
    """Make a token; return it, and what the file of tokens is to say of it.

    Raises:
        UsageError: nothing can be called that.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"a token's name is {name!r}; accepted: {NAMES}")
    token = secrets.token_urlsafe(32)
    return token, f'[token.{name}]\nsha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'


def add_token(name: str, path: Path) -> str:
    """Make a token and add it to a file of tokens, which only its owner may read if it is new; return the token.

    Raises:
        UsageError: nothing can be called that, the file has one of that name, is not accepted, or cannot be written.
    """
    token, words = new_token(name)
    if path.exists() and name in {client.name for client in load(path).values()}:
        raise UsageError(f"{path} has a token {name!r} already; accepted: another name, or take that table out first")
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
            before = file.read()
            file.write(("\n" if before.endswith("\n") else "\n\n") * bool(before) + words)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    return token


def load(path: Path) -> dict[str, Client]:
    """Read a file of tokens: SHA-256 -> client.

    Raises:
        UsageError: it cannot be read, or something in it is not accepted; names what was found and what is accepted.
    """
    tables = Tables(path, {})
    tables.known("", tables.top, ("token",))
    named = tables.table("", tables.top, "token")
    found = dict[str, Client]()
    for name in named:
        client = _client(tables, name, tables.table("token", named, name))
        if other := found.get(client.digest):
            raise tables.wrong(f"token.{name}", "sha256", f"it is that of token.{other.name}; accepted: one of its own")
        found[client.digest] = client
    return found


def _client(tables: Tables, name: str, table: Mapping[str, Any]) -> Client:
    where = f"token.{name}"
    if not NAME.fullmatch(name):
        raise tables.wrong(where, "", f"name is {name!r}; accepted: {NAMES}")
    tables.fields(where, table, FIELDS)
    digest, sources, most = table.get("sha256", ""), table.get("sources"), table.get("max_streams")
    if not DIGEST.fullmatch(digest):
        raise tables.wrong(where, "sha256", "sha256 is not what is accepted: 64 hexadecimal digits in small letters")
    if most is not None and most < 1:
        raise tables.wrong(where, "max_streams", f"max_streams is {most}; accepted: 1 or more")
    return Client(name, None if sources is None else frozenset(sources), most, digest)


def _certified(context: Any) -> str | None:
    """Return the first name in a client's certificate, where it had to show one."""
    names = context.peer_identities() or ()
    return next((name.decode("utf-8", "replace") for name in names), None)


def address(peer: str) -> str:
    """Return a peer's address without its port, which changes with every connection, however it is written."""
    kind, _, rest = unquote(peer).partition(":")
    if kind not in ("ipv4", "ipv6"):
        return peer
    try:
        found = ipaddress.ip_address(rest.rpartition(":")[0].strip("[]").partition("%")[0])
    except ValueError:
        return peer
    plain = getattr(found, "ipv4_mapped", None) or found
    return f"ipv{plain.version}:{plain}"


def network(host: str) -> str:
    """Return what one caller can have many of: an IPv4 address, or the /64 that an IPv6 address lies in."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    plain = getattr(found, "ipv4_mapped", None) or found
    return str(plain) if plain.version == 4 else str(ipaddress.ip_network((plain, 64), strict=False))
