"""How a client gets in: what it shows, and whom it trusts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
        """Open a channel to HOST:PORT.

        Raises:
            UsageError: a file cannot be read, or a certificate has no authority or no key with it.
        """
        if self.authority is None:
            if self.certificate or self.key:
                raise UsageError("a certificate needs --tls-ca: without it nothing is encrypted")
            return grpc.insecure_channel(target, OPTIONS)
        if bool(self.certificate) != bool(self.key):
            raise UsageError("--tls-cert and --tls-key go together")
        authority, key, certificate = (path and _read(path) for path in (self.authority, self.key, self.certificate))
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(authority, key, certificate), OPTIONS)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
