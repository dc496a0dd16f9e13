"""Where a server is, however people write it."""

import pytest

from stream.errors import ServiceError, UsageError
from stream.server.client import pusher
from stream.server.client.entry import Entry, address, is_here
from tests.server.live import Server


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("localhost", "localhost:50051"),
        ("localhost:7000", "localhost:7000"),
        ("http://localhost:50051/", "localhost:50051"),
        ("10.0.0.7", "10.0.0.7:50051"),
        ("[::1]", "[::1]:50051"),
        ("[fe80::1]:6000", "[fe80::1]:6000"),
    ],
)
def test_a_port_and_a_scheme_may_be_left_out(target: str, found: str) -> None:
    assert address(target) == (found, False)


@pytest.mark.parametrize(
    "target", ["", "ftp://host:1", "host:x", "http://host:1/path", "bob:s3cret@host:1", "host:99999"]
)
def test_what_is_no_server_is_answered_with_what_is(target: str) -> None:
    with pytest.raises(UsageError, match="accepted: HOST:PORT, such as localhost:50051"):
        address(target)


def test_https_needs_an_authority() -> None:
    with pytest.raises(UsageError, match="https://host:50051 is encrypted; accepted: with --tls-ca"):
        Entry().channel("https://host")


def test_this_machine_is_known_by_its_names() -> None:
    assert all(map(is_here, ("localhost:1", "127.0.0.1:1", "127.8.8.8:1", "[::1]:1")))
    assert not any(map(is_here, ("10.0.0.7:1", "example.org:1", "[fe80::1]:1")))


def test_no_proxy_stands_between_here_and_here(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert pusher.describe(server.address)
    assert pusher.describe(f"http://{server.address}")
    with pytest.raises(ServiceError, match="the variable grpc_proxy sends it through a proxy"):
        pusher.describe("192.0.2.1:50051", timeout_s=1.0)
