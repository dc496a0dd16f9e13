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
from tests.server import live
from tests.server.live import answers, config, film, jpegs

Say = Callable[[str], None]
FPS, STREAMS = 5.0, 4
"""Frames per second of a client, and count of clients: what a small machine is meant for."""


async def push(stub: rpc.RecognitionServiceStub, seed: int, seconds: float, late_ms: list[float]) -> list[pb.Update]:
    """Send a film at its own pace; note how long each answer took."""
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
        late_ms.append((time.monotonic() - sent_s) * 1e3)
    await call.done_writing()
    assert (await call.read()).HasField("finished")
    return answers(said)


async def refusals_ms(stub: rpc.RecognitionServiceStub, count: int) -> list[float]:
    """Open streams that are too many; return how long each refusal took."""
    found = []
    for _ in range(count):
        began_s = time.monotonic()
        call = stub.Recognize()  # says nothing: a message that is on its way when the answer comes makes it INTERNAL
        assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        found.append((time.monotonic() - began_s) * 1e3)
    return found


@needs_proc
@pytest.mark.parametrize("seconds", [10, pytest.param(300, marks=[pytest.mark.chaos, pytest.mark.timeout(900)])])
def test_streams_that_are_let_in_keep_their_pace_whoever_else_knocks(model: Path, seconds: int, say: Say) -> None:
    with live.running(model, "--max-streams", str(STREAMS)) as server:
        alone = [
            answers(server.talk([config(), *film(jpegs(seconds * int(FPS), seed=n), FPS)])) for n in range(STREAMS)
        ]
        late_ms: list[float] = []

        async def load() -> tuple[list[list[pb.Update]], list[float]]:
            async with grpc.aio.insecure_channel(server.address) as channel:
                stub = rpc.RecognitionServiceStub(channel)
                streams = [asyncio.ensure_future(push(stub, seed, seconds, late_ms)) for seed in range(STREAMS)]
                refused, end_s = list[float](), time.monotonic() + seconds - 4
                while time.monotonic() < end_s:  # as many again knock, all the while
                    await asyncio.sleep(2)
                    refused += await refusals_ms(stub, STREAMS)
                return list(await asyncio.gather(*streams)), refused

        together, refused = asyncio.run(load())
        held = footprint(server.process.pid)
    assert together == alone, "labels and events are those of a stream that is alone"
    middle, most, worst = np.percentile(late_ms, (50, 95, 99))
    say(
        f"{STREAMS} streams at {FPS:g} fps for {seconds} s: {len(late_ms)} frames, p50 {middle:.0f}, p95 {most:.0f}, "
        f"p99 {worst:.0f} ms, {held.memory_mb:.0f} MB; {len(refused)} more refused in {np.median(refused):.0f} ms, "
        f"{max(refused):.0f} at most"
    )
    assert most < 1e3 / FPS
    assert worst < 2e3 / FPS
    assert max(refused) < 1000
