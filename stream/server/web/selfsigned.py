"""A certificate that this machine signs for itself: a phone's browser asks once, and then lends the page its camera."""

import datetime
import ipaddress
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stream.errors import UsageError
from stream.server.access.listening import Tls

DAYS = 397
"""Days it holds: browsers take no longer ones."""


def tls(folder: Path, hosts: Sequence[str]) -> Tls:
    """Return the certificate of these names and addresses, kept in `folder` and made where it is missing, old or other.

    Raises:
        UsageError: it cannot be written.
    """
    certificate, key = folder / "self-signed.pem", folder / "self-signed.key"
    try:
        if not (key.is_file() and _holds(certificate, hosts)):
            folder.mkdir(parents=True, exist_ok=True)
            _make(certificate, key, hosts)
    except OSError as error:
        raise UsageError(f"no certificate can be kept in {folder}: {error.strerror}") from error
    return Tls(certificate, key)


def addresses(host: str) -> list[str]:
    """Return how others reach a server that listens at `host`: for 0.0.0.0 and :: this machine's own address first."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104  # what the operator asked for
        return [host]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it asks which of our addresses would be used
            return [probe.getsockname()[0], socket.gethostname(), "localhost"]
        except OSError:
            return [socket.gethostname(), "localhost"]


def _holds(certificate: Path, hosts: Sequence[str]) -> bool:
    if not certificate.is_file():
        return False
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        named = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    return set(_names(hosts)) <= set(named) and found.not_valid_after_utc > soon


def _names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    return [_name(host) for host in hosts]


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _make(certificate: Path, key: Path, hosts: Sequence[str]) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "movinet-stream, self-signed")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(secret)
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
