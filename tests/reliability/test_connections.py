"""Connections that say nothing, or come again and again: those of one address leave room for the others'."""

import contextlib
import socket
import ssl
import statistics
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stream.server.access.clients import network
from tests.reliability.certificates import Authority
from tests.reliability.footprint import footprint, needs_proc
from tests.reliability.stranger import is_open, silent
from tests.server import live
from tests.server.live import Line, Server, config, film, jpegs, wait_for

Say = Callable[[str], None]
OTHER = "127.0.0.2"
"""Another address of this machine, as all of 127.0.0.0/8 are on Linux."""

pytestmark = [
    needs_proc,
    pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is an address of this machine on Linux alone"),
]


def health_s(server: Server) -> float:
    """Ask for health on a connection of its own; return the seconds that took."""
    began_s = time.monotonic()
    with grpc.insecure_channel(server.address, (("grpc.use_local_subchannel_pool", 1),)) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        assert stub.Check(health_pb2.HealthCheckRequest(), timeout=30, wait_for_ready=True).status
    return time.monotonic() - began_s


def test_one_address_has_few_of_the_connections_of_grpc(model: Path, say: Say) -> None:
    with live.running(model, "--max-connections", "40", "--max-connections-per-client", "10") as server:
        line = Line(config())
        with server.channel() as channel:
            call = live.rpc.RecognitionServiceStub(channel).Recognize(iter(line))
            assert next(call).HasField("configured")
            with silent(server.address, 38, OTHER) as lines:
                wait_for(lambda: sum(map(is_open, lines)) <= 10)
                seconds = health_s(server)
                line.say(*film(jpegs(3)))
                assert [next(call).WhichOneof("message") for _ in range(3)] == ["update"] * 3, "who was there goes on"
                assert any("connections of one address were shut: more than 10" in words for words in server.log)
            line.close()
            assert list(call)
    say(f"38 silent connections of one address, 40 in all: 10 stay, another asks for health in {seconds:.2f} s")


def test_an_address_that_comes_again_and_again_does_not_keep_others_out(model: Path, say: Say) -> None:
    leave, count = threading.Event(), [0]

    def knock(server: Server) -> None:
        host, _, port = server.address.rpartition(":")
        held: list[socket.socket] = []
        while not leave.is_set():
            with contextlib.suppress(OSError):
                held.append(socket.create_connection((host, int(port)), 5, (OTHER, 0)))
                count[0] += 1
            if len(held) > 60:
                held.pop(0).close()
            time.sleep(0.002)
        for one in held:
            one.close()

    with live.running(model, "--max-connections", "40", "--max-connections-per-client", "10") as server:
        worker = threading.Thread(target=knock, args=(server,))
        worker.start()
        try:
            time.sleep(1)
            taken_s = [health_s(server) for _ in range(5)]
        finally:
            leave.set()
            worker.join()
    say(f"{count[0]} connections: health {statistics.median(taken_s):.2f} s (median of 5), {max(taken_s):.2f} at most")


def test_http_has_few_connections_of_one_address_and_none_that_is_silent_for_long(model: Path, say: Say) -> None:
    within = ("sh", "-c", 'ulimit -n 256; exec "$@"', "sh")
    with live.started(model, "--http-port", "0", within=within) as server:
        address = server.http.partition("//")[2]
        with silent(address, 300, OTHER) as lines:
            time.sleep(0.5)
            count, files = sum(map(is_open, lines)), footprint(server.process.pid).file_count
            began_s = time.monotonic()
            with urllib.request.urlopen(f"{server.http}/healthz", timeout=30) as answer:
                assert answer.read() == b"alive\n"
            seconds = time.monotonic() - began_s
            assert health_s(server) < 30
            wait_for(lambda: not any(map(is_open, lines)), 60)
        assert "Too many open files" not in "".join(server.log)
    assert count < 40
    assert files < 100
    say(f"of 300 silent connections {count} stayed, for 10 s; {files} files of 256; another {seconds:.2f} s")


def test_who_speaks_no_tls_holds_no_connection_of_https(model: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    certificate, key = authority.sign("server", "IP:127.0.0.1")
    flags = ("--tls-cert", str(certificate), "--tls-key", str(key), "--http-port", "0", "--http-host", "0.0.0.0")
    with live.running(model, *flags) as server:
        address = f"127.0.0.1:{server.http.rpartition(':')[2]}"
        with silent(address, 10) as lines:
            context = ssl.create_default_context(cafile=str(authority.certificate))
            with urllib.request.urlopen(f"https://{address}/healthz", timeout=30, context=context) as answer:
                assert answer.read() == b"alive\n"
            wait_for(lambda: not any(map(is_open, lines)), 60)


def test_addresses_that_one_caller_can_have_many_of_count_as_one() -> None:
    assert network("10.0.0.1") == network("::ffff:10.0.0.1") == "10.0.0.1"
    assert network("2001:db8::1") == network("2001:db8::ffff") != network("2001:db8:0:1::1")
    assert network("fe80::1%eth0") == network("fe80::2%eth0")
    assert network("anything") == "anything"
