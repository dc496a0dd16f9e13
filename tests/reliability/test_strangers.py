"""Who has no token, or takes nothing: health, reflection, calls that are broken off, connections that say nothing."""

import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from stream.server.access import clients
from stream.server.access.guard import MOST_BYTES, STREAMS
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.reliability.footprint import footprint, needs_proc
from tests.reliability.stranger import is_open, silent, stranger
from tests.server import live
from tests.server.live import Line, Server, config, film, jpegs, wait_for

Say = Callable[[str], None]
WATCH, RECOGNIZE = "/grpc.health.v1.Health/Watch", "/stream.v1.RecognitionService/Recognize"
ALONE = (("grpc.use_local_subchannel_pool", 1),)
"""An option of a client that shares no connection with others."""


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[str, Path]:
    return clients.add_token("kiosk", tmp_path / "tokens.toml"), tmp_path / "tokens.toml"


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[Server]:
    with live.running(model, "--max-streams", "8") as server:
        yield server


def health(server: Server, timeout_s: float = 10) -> int:
    with grpc.insecure_channel(server.address, ALONE) as channel:
        found = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
    return int(found.status)


def code(call: Callable[[], object]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code()


def test_a_watcher_of_health_who_takes_nothing_holds_neither_others_nor_the_end(model: Path, say: Say) -> None:
    with live.running(model, "--drain-s", "1") as server, stranger(server.address, window=0) as one:
        for _ in range(4):
            one.call(WATCH)
        time.sleep(0.5)
        with grpc.insecure_channel(server.address, ALONE) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            began_s = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING, "it is told at once"
            told_s = time.monotonic() - began_s
        assert server.process.wait(10) == 0
        ended_s = time.monotonic() - began_s
    assert told_s < 1
    assert ended_s < 6
    say(f"NOT_SERVING told after {told_s:.2f} s, ended {ended_s:.2f} s after SIGTERM with --drain-s 1")


def test_the_second_signal_ends_the_process_in_seconds_whatever_clients_do(model: Path, say: Say) -> None:
    with live.started(model, "--drain-s", "300") as server, stranger(server.address, window=0) as one:
        for _ in range(4):
            one.call(RECOGNIZE, config().SerializeToString(), ends=False)
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert server.process.poll() is None, "it waits for its streams"
        began_s = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(10)
        say(f"gone {time.monotonic() - began_s:.2f} s after the second signal, exit code {server.process.returncode}")


@needs_proc
def test_large_messages_to_small_methods_are_refused_and_not_kept(server: Server, say: Say) -> None:
    large = "x" * (15 * 2**20)
    health(server)
    before = footprint(server.process.pid)
    with grpc.insecure_channel(server.address, ALONE) as channel:
        checks = health_pb2_grpc.HealthStub(channel)
        service = rpc.RecognitionServiceStub(channel)
        reflect = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = health_pb2.HealthCheckRequest(service=large)
        question = reflection_pb2.ServerReflectionRequest(file_containing_symbol=large)
        for _ in range(8):
            for call in (
                lambda: checks.Check(asked, timeout=20),
                lambda: next(checks.Watch(asked, timeout=20)),
                lambda: next(service.Watch(pb.WatchRequest(source=large), timeout=20)),
                lambda: next(reflect.ServerReflectionInfo(iter([question]), timeout=20)),
            ):
                assert code(call) is grpc.StatusCode.RESOURCE_EXHAUSTED
        names = "x" * (MOST_BYTES - 100)
        assert code(lambda: next(service.Watch(pb.WatchRequest(source=names), timeout=20))) is grpc.StatusCode.NOT_FOUND
    grown_mb = footprint(server.process.pid).memory_mb - before.memory_mb
    assert grown_mb < 60
    say(f"32 messages of 15 MB to Check, Watch and reflection: {grown_mb:+.1f} MB")


def test_streams_of_health_and_reflection_are_few_and_take_no_place_of_others(server: Server) -> None:
    with grpc.insecure_channel(server.address, ALONE) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        held = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(STREAMS.most_each)]
        assert all(next(call).status for call in held)
        assert code(lambda: next(stub.Watch(health_pb2.HealthCheckRequest()))) is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert health(server) == health_pb2.HealthCheckResponse.SERVING
        assert len(server.talk([config(), *film(jpegs(3))])) == 5
        for call in held:
            call.cancel()
        wait_for(lambda: _is_let_in(stub))


def _is_let_in(stub: health_pb2_grpc.HealthStub) -> bool:
    call = stub.Watch(health_pb2.HealthCheckRequest())
    try:
        return bool(next(call).status)
    except grpc.RpcError:
        return False
    finally:
        call.cancel()


def test_with_tokens_all_but_asking_for_health_needs_one(model: Path, tokens: tuple[str, Path]) -> None:
    token, path = tokens
    with live.running(model, "--tokens", str(path)) as server, server.channel() as channel:
        stub, reflect = health_pb2_grpc.HealthStub(channel), reflection_pb2_grpc.ServerReflectionStub(channel)
        question = reflection_pb2.ServerReflectionRequest(list_services="")
        shown = (("authorization", f"Bearer {token}"),)
        assert health(server) == health_pb2.HealthCheckResponse.SERVING
        for call in (
            lambda shown: next(stub.Watch(health_pb2.HealthCheckRequest(), metadata=shown)),
            lambda shown: next(reflect.ServerReflectionInfo(iter([question]), metadata=shown)),
            lambda shown: rpc.RecognitionServiceStub(channel).Describe(pb.DescribeRequest(), metadata=shown),
        ):
            assert code(lambda call=call: call(())) is grpc.StatusCode.UNAUTHENTICATED
            assert call(shown)


def test_a_message_that_is_none_is_called_so(server: Server) -> None:
    with server.channel() as channel:
        for method in ("Describe", "ListSources"):
            call = channel.unary_unary(f"/stream.v1.RecognitionService/{method}", bytes, bytes)
            with pytest.raises(grpc.RpcError, match="the message is not one of this method's") as caught:
                call(b"\xff\xff\xff", timeout=10)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_one_who_takes_nothing_loses_its_places_after_the_idle_time(model: Path, say: Say) -> None:
    flags = ("--idle-timeout-s", "1", "--max-streams", "4")
    with live.running(model, *flags) as server, stranger(server.address, window=0) as one:
        for _ in range(4):
            one.call(RECOGNIZE, config().SerializeToString(), ends=False)
        wait_for(lambda: sum("opened by" in line for line in server.log) == 4)
        began_s = time.monotonic()
        wait_for(lambda: server.describe().limits.open_streams == 0, 10)
        say(f"4 of 4 places free after {time.monotonic() - began_s:.1f} s, --idle-timeout-s 1")
        assert len(server.talk([config(), *film(jpegs(3))])) == 5


@needs_proc
def test_connections_that_say_nothing_leave_files_and_the_others_alone(model: Path, say: Say) -> None:
    within = ("sh", "-c", 'ulimit -n 256; exec "$@"', "sh")
    with live.started(model, "--http-port", "0", within=within) as server, server.channel() as channel:
        line = Line(config())
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert next(call).HasField("configured")
        with silent(server.address, 300) as lines:
            time.sleep(1)
            count = sum(map(is_open, lines))
            files = footprint(server.process.pid).file_count
            line.say(*film(jpegs(3)))
            assert [next(call).WhichOneof("message") for _ in range(3)] == ["update"] * 3, "who was there goes on"
            assert files < 220
        wait_for(lambda: health(server) == health_pb2.HealthCheckResponse.SERVING)
        line.close()
        assert "Too many open files" not in "".join(server.log)
        say(f"of 300 connections {count} stayed open, {files} files of 256")


@needs_proc
def test_calls_that_are_broken_off_do_not_starve_who_has_a_token(
    model: Path, tokens: tuple[str, Path], say: Say
) -> None:
    token, path = tokens
    shown = (("authorization", f"Bearer {token}"),)
    leave, count = threading.Event(), [0]

    def reset(server: Server) -> None:
        while not leave.is_set() and count[0] < 60_000:
            try:
                with stranger(server.address) as one:
                    while not (leave.is_set() or one.is_closed):
                        one.call_and_reset(RECOGNIZE, 50)
                        count[0] += 50
            except OSError:
                time.sleep(0.05)

    with live.running(model, "--tokens", str(path)) as server:
        before = footprint(server.process.pid)
        worker = threading.Thread(target=reset, args=(server,))
        worker.start()
        taken_s = []
        try:
            end_s = time.monotonic() + 6
            while time.monotonic() < end_s:
                began_s = time.monotonic()
                with grpc.insecure_channel(server.address, ALONE) as channel:
                    stub = rpc.RecognitionServiceStub(channel)
                    replies = list(stub.Recognize(iter([config(), *film(jpegs(2))]), metadata=shown, timeout=30))
                assert len(replies) == 4
                taken_s.append(time.monotonic() - began_s)
        finally:
            leave.set()
            worker.join()
        grown_mb = footprint(server.process.pid).memory_mb - before.memory_mb
    assert grown_mb < 60
    assert statistics.median(taken_s) < 2
    median_s = statistics.median(taken_s)
    say(
        f"{count[0]} calls broken off in 6 s: {len(taken_s)} streams beside them, "
        f"{median_s * 1e3:.0f} ms (median), {max(taken_s) * 1e3:.0f} at most; {grown_mb:+.1f} MB"
    )
