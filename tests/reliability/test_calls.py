"""Calls that end in every way, and calls that are none: what a stream held is free, and the next one is answered."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server import live
from tests.server.live import ROOT, Line, Server, answers, config, film, frame, jpegs, wait_for

Say = Callable[[str], None]
PICTURES = jpegs(12)
VANISHING = """
import sys
import grpc
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server.live import Line, config, frame, jpegs
line = Line(config(), frame(1, 0, jpegs(1)[0]))
call = rpc.RecognitionServiceStub(grpc.insecure_channel(sys.argv[1])).Recognize(iter(line))
print([next(call).WhichOneof("message") for _ in range(2)], flush=True)
next(call)
"""


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[Server]:
    with live.running(model) as server:
        yield server


def open_count(server: Server) -> int:
    return server.describe().limits.open_streams


def _begun(channel: grpc.Channel, timeout_s: float | None = None) -> tuple[Line, grpc.Call]:
    line = Line(config(), frame(1, 0, PICTURES[0]))
    call = rpc.RecognitionServiceStub(channel).Recognize(iter(line), timeout=timeout_s)
    assert [next(call).WhichOneof("message") for _ in range(2)] == ["configured", "update"]
    return line, call


def cancel(server: Server) -> float:
    with server.channel() as channel:
        line, call = _begun(channel)
        call.cancel()
        line.close()
        return _freed(server)


def run_out_of_time(server: Server) -> float:
    with server.channel() as channel:
        line, call = _begun(channel, 3.0)
        with pytest.raises(grpc.RpcError) as caught:
            next(call)
        line.close()
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        return _freed(server)


def half_close(server: Server) -> float:
    with server.channel() as channel:
        line, call = _begun(channel)
        line.close()
        assert [reply.WhichOneof("message") for reply in call] == ["finished"]
        return _freed(server)


def vanish(server: Server) -> float:
    command = [sys.executable, "-c", VANISHING, server.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        assert "update" in process.stdout.readline()
        assert open_count(server) == 1
        process.kill()
        process.wait()
        return _freed(server)


def _freed(server: Server) -> float:
    began_s = time.monotonic()
    wait_for(lambda: open_count(server) == 0)
    return time.monotonic() - began_s


@pytest.mark.parametrize("end", [cancel, run_out_of_time, half_close, vanish])
def test_however_a_call_ends_its_stream_is_gone_within_a_second(
    server: Server, end: Callable[[Server], float], say: Say
) -> None:
    fresh = answers(server.talk([config(), *film(PICTURES)]))
    freed_s = end(server)
    assert freed_s < 1
    assert answers(server.talk([config(), *film(PICTURES)])) == fresh
    say(f"free after {freed_s:.2f} s")


def test_what_is_no_call_of_ours_is_refused_and_touches_nothing(server: Server, say: Say) -> None:
    with server.channel() as channel:
        line, open_call = _begun(channel)
        for method in ("/stream.v1.RecognitionService/Erase", "/stream.v2.RecognitionService/Recognize", "/x"):
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(method)(b"", timeout=10)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        with server.channel() as other, pytest.raises(grpc.RpcError) as caught:
            rpc.RecognitionServiceStub(other).Describe(
                pb.DescribeRequest(), timeout=10, metadata=(("x-much", "x" * 200_000),)
            )
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        line.say(frame(2, 0.1, PICTURES[1]))
        assert next(open_call).update.sequence == 2
        line.close()
    say(f"3 methods UNIMPLEMENTED, 200 kB of metadata {caught.value.code().name}, the open stream goes on")


def test_a_thousand_calls_on_one_channel_are_all_answered(server: Server, say: Say) -> None:
    async def call_all() -> tuple[int, float]:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub, began_s, right = rpc.RecognitionServiceStub(channel), time.monotonic(), 0
            for _ in range(50):
                calls = [stub.Recognize(iter([config(), *film(PICTURES[:2])])) for _ in range(20)]
                for replies in await asyncio.gather(*map(_all, calls)):
                    right += [reply.WhichOneof("message") for reply in replies] == KINDS
            return right, time.monotonic() - began_s

    async def _all(call: grpc.aio.StreamStreamCall) -> list[pb.RecognizeResponse]:
        return [reply async for reply in call]

    right, took_s = asyncio.run(call_all())
    assert right == 1000
    wait_for(lambda: open_count(server) == 0)
    say(f"1000 streams of 2 frames in {took_s:.1f} s, each answered in full")


KINDS = ["configured", "update", "update", "finished"]
