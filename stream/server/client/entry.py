"""How a client gets in: what it shows, and whom it trusts."""

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc

from stream.errors import UsageError

OPTIONS = (
    ("grpc.keepalive_time_ms", 2_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.ping_timeout_ms", 3_000),  # without it a frozen server is never found
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.use_local_subchannel_pool", 1),  # every channel has a connection of its own
    ("grpc.max_receive_message_length", 128 * 2**20),  # a checkpoint has the size of the model's state
)


PORT = 50051
"""Where a server listens if nothing else is said."""

PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
"""Variables by which gRPC's library goes through a proxy, the first that is set."""


def address(target: str) -> tuple[str, bool]:
    """Return HOST:PORT of what people write, and whether they ask for encryption: `localhost`, `http://host:50051/`.

    Raises:
        UsageError: it has a path, a login or no host.
    """
    scheme, separator, rest = target.rpartition("://")
    try:
        parts = urlsplit(f"//{rest.removesuffix('/')}")
        port = parts.port or PORT
    except ValueError:
        parts, port = urlsplit("//"), PORT
    if not separator and target.startswith(("unix:", "dns:", "ipv4:", "ipv6:")):
        return target, False  # gRPC's own names
    if scheme.lower() not in ("", "http", "https", "grpc") or not parts.hostname or parts.path or "@" in rest:
        raise UsageError(f"the server is {target!r}; accepted: HOST:PORT, such as localhost:{PORT}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{port}", scheme.lower() == "https"


def is_here(target: str) -> bool:
    """Say whether HOST:PORT is this machine itself."""
    host = target.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def proxy(target: str) -> str:
    """Name the variable that has calls to a server go through a proxy, as gRPC does; blank where none does."""
    there = next((name for name in PROXIES if os.environ.get(name)), "")
    return "" if is_here(address(target)[0]) else there


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a client shows to a server; by default nothing, in plain."""

    authority: Path | None = None
    """Who signs the server's certificate, PEM; None: nothing is encrypted."""
    certificate: Path | None = None
    """The client's own, PEM; with `key`, where the server asks for one."""
    key: Path | None = None
    """Its key, PEM."""
    token: str = field(default="", repr=False)
    """What the operator gave; empty: none."""

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every call."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def channel(self, target: str) -> Any:
        """Open a channel to HOST:PORT, or HOST, whose port is then `PORT`; to this machine itself through no proxy.

        Raises:
            UsageError: a file cannot be read, a certificate has no authority or no key with it, or `target` is none.
        """
        target, is_encrypted = address(target)
        options = (*OPTIONS, ("grpc.enable_http_proxy", 0)) if is_here(target) else OPTIONS
        if self.authority is None:
            if self.certificate or self.key:
                raise UsageError("a certificate needs --tls-ca: without it nothing is encrypted")
            if is_encrypted:
                raise UsageError(f"https://{target} is encrypted; accepted: with --tls-ca, who signs its certificate")
            return grpc.insecure_channel(target, options)
        if bool(self.certificate) != bool(self.key):
            raise UsageError("--tls-cert and --tls-key go together")
        authority, key, certificate = (path and _read(path) for path in (self.authority, self.key, self.certificate))
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(authority, key, certificate), options)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
