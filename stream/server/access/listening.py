"""Where the server listens, and who can read along: loopback only, unless TLS or the operator says otherwise."""

import ipaddress
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import grpc

from stream.errors import SourceError, UsageError
from stream.server.configuration.reload import stamp


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM; they are read again when they are renewed, so that a renewed certificate needs no restart."""

    certificate: Path
    """The server's, with those that lead to its authority."""
    key: Path
    """The key of the certificate."""
    client_authority: Path | None = None
    """Whose certificates clients must show; None: they show none."""

    def credentials(self) -> grpc.ServerCredentials:
        """Return what gRPC listens with.

        Raises:
            UsageError: a file cannot be read.
        """
        initial = self._configuration()
        return grpc.dynamic_ssl_server_credentials(initial, self._renewed, self.client_authority is not None)

    def context(self) -> ssl.SSLContext:
        """Return what HTTP listens with.

        Raises:
            UsageError: a file cannot be read, or is not what it should be.
        """
        first, seen = self._context(), self._look()
        newest = first

        def renew(line: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
            nonlocal newest, seen
            if (now := self._look()) != seen:
                with suppress(UsageError):  # half written: the old ones hold
                    newest, seen = self._context(), now
            line.context = newest

        first.sni_callback = renew  # called for every connection, whether it names a server or not
        return first

    def _look(self) -> list[tuple[int, int, int] | None]:
        """Return what changes when a file does."""
        return [stamp(path) for path in (self.certificate, self.key, self.client_authority) if path]

    def _context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            made.load_cert_chain(self.certificate, self.key)
            if self.client_authority:
                made.load_verify_locations(self.client_authority)
                made.verify_mode = ssl.CERT_REQUIRED
        except OSError as error:
            raise UsageError(f"{self.certificate} and {self.key} do not serve HTTP: {error.strerror}") from error
        return made

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        roots = _read(self.client_authority) if self.client_authority else None
        return grpc.ssl_server_certificate_configuration([(_read(self.key), _read(self.certificate))], roots)

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        try:
            return self._configuration()
        except UsageError:  # half written: the old ones hold
            return None


def listen(server: grpc.aio.Server, host: str, port: int, tls: Tls | None = None, is_insecure: bool = False) -> str:
    """Open the port; return HOST:PORT.

    Raises:
        UsageError: other machines could read along, and that was not asked for.
        SourceError: nothing can listen there.
    """
    if not (tls or is_insecure or is_loopback(host)):
        raise UsageError(
            f"{host} lets other machines in, and nothing would be encrypted; accepted: --tls-cert and --tls-key, "
            "--tls self-signed, --host 127.0.0.1, or --insecure where the network can be trusted"
        )
    wanted = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        found = server.add_secure_port(wanted, tls.credentials()) if tls else server.add_insecure_port(wanted)
    except RuntimeError as error:
        raise SourceError(f"nothing can listen at {wanted}: it is taken, or not an address of this machine") from error
    return f"{wanted.rpartition(':')[0]}:{found}"


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
