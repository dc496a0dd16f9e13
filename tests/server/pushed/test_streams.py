"""Many streams at once, how streams end, and what the server refuses."""

import asyncio
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server import live
from tests.server.live import ROOT, Line, Server, answers, config, film, frame, jpegs, updates, wait_for

Say = Callable[[str], None]
NAME = "stream.v1.RecognitionService"
PICTURES = jpegs(12)
LARGE = jpegs(4, seed=1, side_px=1600)


def health(channel: grpc.Channel, service: str = "") -> str:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


@pytest.fixture
def opened(server: Server) -> Iterator[tuple[Line, grpc.Call]]:
    """A stream that has answered one frame."""
    with server.channel() as channel:
        line = Line(config(), frame(1, 0, PICTURES[0]))
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert next(call).HasField("configured")
        assert next(call).HasField("update")
        yield line, call
        line.close()


def test_64_streams_at_once_get_the_answers_they_get_alone(server: Server) -> None:
    films = [[config(), *film(jpegs(12, seed=seed))] for seed in range(64)]

    async def converse(
        stub: rpc.RecognitionServiceStub, requests: list[pb.RecognizeRequest], together: asyncio.Barrier
    ) -> list[pb.RecognizeResponse]:
        call = stub.Recognize()
        await call.write(requests[0])
        replies = [await call.read()]
        await together.wait()  # all of them are open before any sends a frame
        for request in requests[1:]:
            await call.write(request)
            replies.append(await call.read())
        await call.done_writing()
        replies.append(await call.read())
        return replies

    async def everything() -> list[list[pb.RecognizeResponse]]:
        together = asyncio.Barrier(64)
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub = rpc.RecognitionServiceStub(channel)
            return await asyncio.gather(*(converse(stub, requests, together) for requests in films))

    at_once = asyncio.run(everything())
    for requests, replies in zip(films, at_once, strict=True):
        assert len(updates(replies)) == 12
        assert answers(replies) == answers(server.talk(requests))
    assert len({str(answers(replies)) for replies in at_once}) == 64


def test_a_cancelled_stream_is_gone_at_once(server: Server, opened) -> None:
    _, call = opened
    assert server.describe().limits.open_streams == 1
    call.cancel()
    wait_for(lambda: server.describe().limits.open_streams == 0, 1.0)


def test_a_client_that_vanishes_in_the_middle_of_a_burst_leaves_nothing_behind(server: Server) -> None:
    for _ in range(5):
        with server.channel() as channel:
            requests = iter([config(drop_policy=pb.DROP_POLICY_LATEST), *film(LARGE * 10)])
            call = rpc.RecognitionServiceStub(channel).Recognize(requests)
            next(call)
    wait_for(lambda: server.describe().limits.open_streams == 0, 2.0)


def test_health_and_reflection_answer(server: Server) -> None:
    with server.channel() as channel:
        assert (health(channel), health(channel, NAME)) == ("SERVING", "SERVING")
        with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
            health(channel, "stream.v1.Nothing")
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        (answer,) = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        assert NAME in {service.name for service in answer.list_services_response.service}


def test_health_answers_quickly_while_every_worker_is_busy(server: Server, say: Say) -> None:
    async def flood() -> list[float]:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub = rpc.RecognitionServiceStub(channel)
            calls = [stub.Recognize(iter([config(), *film(LARGE * 10)])) for _ in range(6)]
            tasks = [asyncio.ensure_future(_all(call)) for call in calls]
            taken = []
            while not all(task.done() for task in tasks):
                began_s = time.monotonic()
                await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
                taken.append(time.monotonic() - began_s)
                await asyncio.sleep(0.01)
            assert all(len(updates(task.result())) == 40 for task in tasks)
            return taken

    async def _all(call: grpc.aio.StreamStreamCall) -> list[pb.RecognizeResponse]:
        return [reply async for reply in call]

    taken = asyncio.run(flood())
    assert len(taken) >= 10
    p50_s, p95_s = np.percentile(taken, [50, 95])
    say(f"{len(taken)} pings while 6 streams step: p50 {p50_s:.3f}, p95 {p95_s:.3f}, {max(taken):.3f} s at most")
    assert p95_s < 0.1


def test_latest_skips_what_it_cannot_use_and_stays_fresh(server: Server) -> None:
    sent_s: dict[int, float] = {}
    lag_s = []

    def requests() -> Iterator[pb.RecognizeRequest]:
        yield config(drop_policy=pb.DROP_POLICY_LATEST)
        for request in film(LARGE * 50):
            sent_s[request.frame.sequence] = time.monotonic()
            yield request
            time.sleep(0.0005)  # a camera far above what the server can do

    replies = []
    with server.channel() as channel:
        for reply in rpc.RecognitionServiceStub(channel).Recognize(requests()):
            replies.append(reply)
            if reply.HasField("update"):
                lag_s.append(time.monotonic() - sent_s[reply.update.sequence])
    skipped = [reply.frame_skipped for reply in replies if reply.HasField("frame_skipped")]
    assert {skip.cause for skip in skipped} == {pb.DROP_CAUSE_BACKLOG}
    assert len(skipped) + len(lag_s) == 200
    assert replies[-1].finished.drops.backlog == len(skipped) > 0
    numbers = [getattr(reply, reply.WhichOneof("message")).sequence for reply in replies[1:-1]]
    assert numbers == list(range(1, 201))
    assert max(said.age.ToMicroseconds() for said in updates(replies)) < 1e6
    assert statistics.median(lag_s) < 0.5


def test_wait_answers_everything_however_fast_it_comes(server: Server) -> None:
    replies = server.talk([config(drop_policy=pb.DROP_POLICY_WAIT), *film(LARGE * 10)])
    assert len(updates(replies)) == 40
    assert replies[-1].finished.drops == pb.Drops()


def memory_mb(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/status").read_text().split()
    return int(fields[fields.index("VmRSS:") + 1]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_client_that_never_reads_is_held_back_not_stored(server: Server, opened) -> None:
    line, _ = opened
    server.talk([config(), *film(LARGE)])  # so that what a picture needs is there already
    before_mb = memory_mb(server.process.pid)
    line.say(*(frame(number, number / 10, LARGE[0] + bytes(200_000)) for number in range(2, 500)))  # 100 MB
    time.sleep(1.0)
    held_mb = memory_mb(server.process.pid) - before_mb
    assert held_mb < 50, "of 100 MB: 16 that wait, what gRPC keeps of a connection that is fast, and two decoders"
    with server.channel() as channel:
        assert health(channel) == "SERVING"


def test_a_message_that_is_too_large_or_no_message_ends_its_own_stream_only(server: Server, opened) -> None:
    line, call = opened
    with pytest.raises(grpc.RpcError) as caught:
        server.talk([config(), frame(1, 0, bytes(17 * 2**20))])
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    with server.channel() as channel, pytest.raises(grpc.RpcError) as caught:
        recognize = channel.stream_stream(f"/{NAME}/Recognize")
        list(recognize(iter([b"\xff\xff\xff\xff"])))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    line.say(frame(2, 0.1, PICTURES[1]))
    assert next(call).update.sequence == 2


def test_an_unknown_method_is_unimplemented(server: Server) -> None:
    with server.channel() as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(f"/{NAME}/Nothing")(b"", timeout=5)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_too_many_streams_are_refused_with_a_delay_and_the_others_go_on(model) -> None:
    with live.running(model, "--max-streams", "2", "--idle-timeout-s", "1") as server, server.channel() as channel:
        stub, lines = rpc.RecognitionServiceStub(channel), [Line(config()), Line(config())]
        calls = [stub.Recognize(iter(line)) for line in lines]
        assert all(next(call).HasField("configured") for call in calls)
        with pytest.raises(grpc.RpcError) as caught:
            server.talk([config()])
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "2 streams are open; accepted: 2 at once" in caught.value.details()
        assert ("retry-after-ms", "1000") in [tuple(pair) for pair in caught.value.trailing_metadata()]
        lines[0].say(frame(1, 0, PICTURES[0]))
        assert next(calls[0]).HasField("update")
        for call in calls:  # nobody says any more: this server's patience is a second
            assert next(call).HasField("finished")
            with pytest.raises(grpc.RpcError, match="no frame came for 1 s"):
                next(call)
            assert call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert server.describe().limits.open_streams == 0
        assert server.describe().limits.idle_timeout.ToMicroseconds() == 1_000_000
        for line in lines:
            line.close()


def test_draining_lets_streams_end_and_takes_no_new_ones(model) -> None:
    with live.running(model, "--drain-s", "20") as server, server.channel() as channel:
        line = Line(config(), frame(1, 0, PICTURES[0]))
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert [next(call).WhichOneof("message") for _ in range(2)] == ["configured", "update"]
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: health(channel) == health(channel, NAME) == "NOT_SERVING")
        with pytest.raises(grpc.RpcError, match="shutting down") as caught:
            list(rpc.RecognitionServiceStub(channel).Recognize(iter([config()])))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        told = next(call).go_away
        assert told.grace.ToMicroseconds() == 20_000_000
        assert not told.HasField("checkpoint"), "this client did not ask for any"
        line.say(frame(2, 0.1, PICTURES[1]))
        assert next(call).update.sequence == 2
        line.close()
        assert [reply.WhichOneof("message") for reply in call] == ["finished"]
        assert server.process.wait(5) == 0


def test_what_has_not_ended_when_the_time_is_over_is_ended_with_its_last_events(model) -> None:
    with live.running(model, "--drain-s", "0.2") as server, server.channel() as channel:
        line = Line(config(begin_threshold=0.2, end_threshold=0.05), *film([PICTURES[0]] * 12))
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        replies = [next(call) for _ in range(13)]
        begun = {event.label for said in updates(replies) for event in said.events}
        server.process.send_signal(signal.SIGTERM)
        assert next(call).HasField("go_away")
        last = next(call).finished
        assert {event.label for event in last.events} == begun
        assert begun
        with pytest.raises(grpc.RpcError, match="shutting down"):
            next(call)
        assert call.code() is grpc.StatusCode.UNAVAILABLE
        assert server.process.wait(5) == 0
        line.close()


def test_a_second_server_on_the_port_is_told_that_it_is_taken(server: Server, model) -> None:
    port = server.address.rpartition(":")[2]
    command = [sys.executable, "-m", "stream.cli.serve", "--port", port, "--model", str(model)]
    second = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=30)
    assert second.returncode == 1
    assert f"nothing can listen at {server.address}" in second.stderr
    assert "Traceback" not in second.stderr


def test_an_unknown_model_stops_the_server_with_the_known_ones() -> None:
    command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--model", "huge"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=30)
    assert run.returncode == 2
    assert "no model named 'huge'" in run.stderr
    assert "Traceback" not in run.stderr
