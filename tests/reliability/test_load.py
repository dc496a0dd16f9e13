"""As many streams as the machine is meant for, and twice as many: what is let in keeps its pace and its labels."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import pytest

from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.reliability.footprint import footprint, needs_proc
from tests.reliability.yardstick import Yardstick
from tests.server import live
from tests.server.live import answers, config, film, jpegs

Say = Callable[[str], None]
FPS, STREAMS = 5.0, 4
"""Frames per second of a client, and count of clients: what a small machine is meant for."""


Span = tuple[float, float]
"""When something was asked, and when it was answered: seconds of the monotonic clock."""


async def push(stub: rpc.RecognitionServiceStub, seed: int, seconds: float, spans: list[Span]) -> list[pb.Update]:
    """Send a film at its own pace; note when each frame was sent and answered."""
    requests = film(jpegs(int(seconds * FPS), seed=seed), FPS)
    call = stub.Recognize()
    await call.write(config())
    assert (await call.read()).HasField("configured")
    began_s, said = time.monotonic(), []
    for number, request in enumerate(requests):
        await asyncio.sleep(max(0.0, began_s + number / FPS - time.monotonic()))
        sent_s = time.monotonic()
        await call.write(request)
        said.append(await call.read())
        spans.append((sent_s, time.monotonic()))
    await call.done_writing()
    assert (await call.read()).HasField("finished")
    return answers(said)


async def refusals(stub: rpc.RecognitionServiceStub, count: int) -> list[Span]:
    """Open streams that are too many; return when each was asked for and when it was refused."""
    found = []
    for _ in range(count):
        began_s = time.monotonic()
        call = stub.Recognize()  # says nothing: a message that is on its way when the answer comes makes it INTERNAL
        assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        found.append((began_s, time.monotonic()))
    return found


@needs_proc
@pytest.mark.parametrize("seconds", [10, pytest.param(300, marks=[pytest.mark.chaos, pytest.mark.timeout(900)])])
def test_streams_that_are_let_in_keep_their_pace_whoever_else_knocks(model: Path, seconds: int, say: Say) -> None:
    with live.running(model, "--max-streams", str(STREAMS)) as server, Yardstick() as yardstick:
        alone = [
            answers(server.talk([config(), *film(jpegs(seconds * int(FPS), seed=n), FPS)])) for n in range(STREAMS)
        ]
        frames: list[Span] = []

        async def load() -> tuple[list[list[pb.Update]], list[Span]]:
            async with grpc.aio.insecure_channel(server.address) as channel:
                stub = rpc.RecognitionServiceStub(channel)
                streams = [asyncio.ensure_future(push(stub, seed, seconds, frames)) for seed in range(STREAMS)]
                refused, end_s = list[Span](), time.monotonic() + seconds - 4
                while time.monotonic() < end_s:  # as many again knock, all the while
                    await asyncio.sleep(2)
                    refused += await refusals(stub, STREAMS)
                return list(await asyncio.gather(*streams)), refused

        together, refused = asyncio.run(load())
        held = footprint(server.process.pid)
    assert together == alone, "labels and events are those of a stream that is alone"
    calm_frames, calm_refused = ([span for span in spans if yardstick.was_calm(*span)] for spans in (frames, refused))
    say(
        f"{STREAMS} streams at {FPS:g} fps for {seconds} s: {len(frames)} frames, p50 {_ms(frames, 50)}, p95 "
        f"{_ms(frames, 95)}, p99 {_ms(frames, 99)} ms, {held.memory_mb:.0f} MB; {len(refused)} more refused in "
        f"{_ms(refused, 50)} ms, {_ms(refused, 100)} at most; while a process that only sleeps woke in time (at worst "
        f"{yardstick.worst_s * 1e3:.0f} ms late): {len(calm_frames)} frames, p95 {_ms(calm_frames, 95)}, p99 "
        f"{_ms(calm_frames, 99)} ms, {len(calm_refused)} refused in {_ms(calm_refused, 100)} ms at most"
    )
    if len(calm_frames) < 50 or len(calm_refused) < 3:
        pytest.skip("this machine has too much else to do: even a process that only sleeps wakes late")
    assert _ms(calm_frames, 95) < 1e3 / FPS
    assert _ms(calm_frames, 99) < 2e3 / FPS
    assert _ms(calm_refused, 100) < 100


def _ms(spans: list[Span], percent: float) -> int:
    return round(1e3 * np.percentile([end_s - begin_s for begin_s, end_s in spans] or [0.0], percent))
