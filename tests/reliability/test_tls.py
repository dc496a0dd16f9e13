"""Who can talk to a server that encrypts: a table of those who may and those who may not, each refused at once."""

import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from stream.server.access import clients
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.reliability.certificates import Authority
from tests.server import live
from tests.server.live import ROOT, Server

Say = Callable[[str], None]
Pair = tuple[Path, Path]


@dataclass(frozen=True)
class Site:
    """A server with mTLS and tokens, and what its clients may have."""

    server: Server
    authority: Authority
    token: str
    good: Pair
    expired: Pair
    strange: Pair

    def ask(self, pair: Pair | None, token: str | None = None, host: str = "localhost") -> grpc.StatusCode:
        """Call with a certificate and a token; return how it went."""
        return _ask(self.server, self.authority.certificate, pair, token, host)


def _ask(
    server: Server, trusted: Path, pair: Pair | None, token: str | None = None, host: str = "localhost"
) -> grpc.StatusCode:
    key, chain = (pair[1].read_bytes(), pair[0].read_bytes()) if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(trusted.read_bytes(), key, chain)
    name = (("grpc.ssl_target_name_override", host),)
    with grpc.secure_channel(server.address, credentials, name) as channel:
        return _status(channel, token)


def _status(channel: grpc.Channel, token: str | None) -> grpc.StatusCode:
    metadata = [("authorization", f"Bearer {token}")] if token else []
    try:
        rpc.RecognitionServiceStub(channel).Describe(pb.DescribeRequest(), metadata=metadata, timeout=20)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.fixture(scope="module")
def site(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    ours, theirs = Authority(folder / "ours", "ours"), Authority(folder / "theirs", "theirs")
    certificate, key = ours.sign("server", "DNS:localhost,IP:127.0.0.1")
    token, words = clients.new_token("kiosk")
    (folder / "tokens.toml").write_text(words)
    flags = ("--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", ours.certificate)
    with live.running(model, *map(str, flags), "--tokens", str(folder / "tokens.toml")) as server:
        yield Site(
            server,
            ours,
            token,
            ours.sign("camera", "URI:spiffe://site/cam1"),
            ours.sign("old", "URI:spiffe://site/old", days=0),
            theirs.sign("camera", "URI:spiffe://site/cam1"),
        )


def test_a_certificate_of_ours_and_a_token_of_ours_are_let_in(site: Site) -> None:
    assert site.ask(site.good, site.token) is grpc.StatusCode.OK


def test_all_others_are_refused_at_once_and_nothing_of_them_is_logged(site: Site, say: Say) -> None:
    time.sleep(1.1)  # the old certificate ends in the second in which it begins
    cases = {
        "no token": (site.good, None, "localhost"),
        "a wrong token": (site.good, "s3cret-but-wrong", "localhost"),
        "no certificate": (None, site.token, "localhost"),
        "another authority's certificate": (site.strange, site.token, "localhost"),
        "an expired certificate": (site.expired, site.token, "localhost"),
        "another server's name": (site.good, site.token, "elsewhere.example"),
    }
    taken_s = {}
    for name, case in cases.items():
        began_s = time.monotonic()
        found = site.ask(*case)
        taken_s[name] = time.monotonic() - began_s
        accepted = grpc.StatusCode.UNAUTHENTICATED if "token" in name else grpc.StatusCode.UNAVAILABLE
        assert found is accepted, name
    with grpc.insecure_channel(site.server.address) as channel:
        assert _status(channel, site.token) is grpc.StatusCode.UNAVAILABLE, "in plain"
    assert max(taken_s.values()) < 5
    assert not any("s3cret" in line or site.token in line for line in site.server.log)
    say(f"{len(cases) + 1} ways refused, the slowest in {max(taken_s.values()):.2f} s")


def test_stream_watch_gets_in_with_what_it_was_given_and_not_without(site: Site, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{site.token}\n")
    address = f"localhost:{site.server.address.rpartition(':')[2]}"
    watch = [sys.executable, "-m", "stream.cli.watch", "synthetic://gestures?seconds=2", "--json", "--server", address]
    shown = ["--tls-ca", site.authority.certificate, "--tls-cert", site.good[0], "--tls-key", site.good[1]]

    def run(*flags: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*watch, *flags], check=False, capture_output=True, text=True, cwd=ROOT, timeout=120)

    let_in = run(*shown, "--token-file", tmp_path / "token")
    assert (let_in.returncode, len(let_in.stdout.splitlines()) > 10) == (0, True), let_in.stderr
    refused = run(*shown)
    assert refused.returncode == 1
    assert "UNAUTHENTICATED: no token; accepted: metadata" in refused.stderr
    assert run(*shown[:4]).returncode == 2


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_refused(site: Site, version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    host, _, port = site.server.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as plain, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(plain)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_are_not_let_in_without_tls_unless_that_is_asked_for(model: Path, host: str) -> None:
    command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--host", host, "--model", str(model)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 2
    assert f"{host} lets other machines in, and nothing would be encrypted; accepted: --tls-cert" in done.stderr
    assert "--tls self-signed, --host 127.0.0.1, or --insecure" in done.stderr


def test_other_machines_are_let_in_when_that_is_asked_for(model: Path) -> None:
    with live.running(model, "--host", "0.0.0.0", "--insecure") as server:
        assert server.describe().models[0].name == "tiny"


def test_clients_must_show_a_certificate_to_a_self_signed_server_too(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="the extra `web` is not installed")
    ours, trusted = Authority(tmp_path / "ours", "ours"), tmp_path / "home" / "tls" / "self-signed.pem"
    camera = ours.sign("camera", "URI:spiffe://site/cam1")
    flags = ("--tls", "self-signed", "--tls-client-ca", str(ours.certificate))
    http = ("--http-host", "0.0.0.0", "--http-port", "0")
    with live.running(model, *flags, *http, STREAM_HOME=str(tmp_path / "home")) as server:
        assert _ask(server, trusted, camera) is grpc.StatusCode.OK
        assert _ask(server, trusted, None) is grpc.StatusCode.UNAVAILABLE
        health = f"https://localhost:{server.http.rpartition(':')[2]}/healthz"
        context = ssl.create_default_context(cafile=trusted)
        with pytest.raises(OSError):  # TLS 1.3 may hang up before it says why
            urllib.request.urlopen(health, timeout=20, context=context)
        context.load_cert_chain(*camera)
        with urllib.request.urlopen(health, timeout=20, context=context) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("flag", ["--tls-cert", "--tls-key"])
def test_a_certificate_of_ones_own_beside_a_self_signed_one_is_refused(flag: str) -> None:
    command = [sys.executable, "-m", "stream.cli.serve", "--tls", "self-signed", flag, "server.pem"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 2
    assert f"--tls self-signed and {flag} were both given; accepted: " in " ".join(done.stderr.split())
