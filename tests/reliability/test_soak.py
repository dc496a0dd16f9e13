"""Hundreds of thousands of frames while clients come and go: what the server holds does not grow.

make soak                   300,000 frames, half an hour or more: soak-output/memory.png, and its samples beside it
make soak SOAK=20000        fewer; too short for a slope
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import numpy as np
import pytest

from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.reliability.footprint import Footprint, footprint, needs_proc
from tests.reliability.watcher import configure
from tests.server import live
from tests.server.live import ROOT, Server, config, film, jpegs, wait_for

FRAMES = int(os.environ.get("SOAK", "300000"))
"""Count of frames, of the source and of the clients together."""
STREAM = 60
"""Count of frames of one client, before it goes and another comes."""
FPS = 25.0
"""Frames per second of each at most: what is looked for grows with frames, with streams or with time."""
CLIENTS = 8
"""Count of clients at once: of four, one vanishes in the middle, and one only watches."""
SOURCE = '[source.fast]\nuri = "synthetic://gestures?seconds=inf&size=32x24&fps=10"\nrealtime = true\n'

Say = Callable[[str], None]
Sample = tuple[float, int, Footprint]


class Soak:
    """Load on a server, and samples of what it holds; written down as they are taken."""

    def __init__(self, server: Server, path: Path) -> None:
        self._server, self._path, self.samples = server, path, list[Sample]()
        path.parent.mkdir(exist_ok=True)
        path.write_text("seconds,frames,streams,memory_mb,threads,files\n")
        self._pushed, self._is_over = 0, False
        self.stream_count = 0

    async def run(self, frames: int) -> None:
        """Load until there were so many frames."""
        async with grpc.aio.insecure_channel(self._server.address) as channel:
            stub = rpc.RecognitionServiceStub(channel)
            clients = [asyncio.ensure_future(self._churn(stub, number)) for number in range(CLIENTS)]
            while not self._is_over:
                await asyncio.sleep(5 if frames > 50_000 else 1)
                listed = await stub.ListSources(pb.ListSourcesRequest())
                count = self._pushed + listed.sources[0].update_count
                self._note(count, footprint(self._server.process.pid))
                self._is_over = count >= frames
            await asyncio.gather(*clients)

    def _note(self, count: int, held: Footprint) -> None:
        self.samples.append((time.monotonic(), count, held))
        seconds = self.samples[-1][0] - self.samples[0][0]
        with self._path.open("a") as file:
            numbers = (f"{held.memory_mb:.3f}", held.thread_count, held.file_count)
            print(f"{seconds:.1f}", count, self.stream_count, *numbers, sep=",", file=file)

    async def _churn(self, stub: rpc.RecognitionServiceStub, number: int) -> None:
        while not self._is_over:
            self.stream_count += 1
            if number % 4 == 3:
                await self._watch(stub)
            else:
                await self._push(stub, STREAM // 2 if number % 4 == 2 else None)

    async def _watch(self, stub: rpc.RecognitionServiceStub) -> None:
        call = stub.Watch(pb.WatchRequest(source="fast"))
        for _ in range(STREAM):
            await call.read()
        call.cancel()

    async def _push(self, stub: rpc.RecognitionServiceStub, vanish_at: int | None) -> None:
        call = stub.Recognize(_paced())
        count = 0
        async for reply in call:
            count += reply.HasField("update")
            if count == vanish_at:
                call.cancel()
                break
        self._pushed += count


async def _paced() -> AsyncIterator[pb.RecognizeRequest]:
    yield config()
    for request in film(jpegs(STREAM)):
        await asyncio.sleep(1 / FPS)
        yield request


def slope_mb_per_hour(samples: list[Sample]) -> float:
    """Fit a line to the memory of the second half, when all has been used once."""
    late = samples[len(samples) // 2 :]
    times_h, sizes_mb = zip(*((at_s / 3600, held.memory_mb) for at_s, _, held in late), strict=True)
    return float(np.polyfit(times_h, sizes_mb, 1)[0])


def draw(samples: list[Sample], path: Path) -> None:
    """Plot memory over frames."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4))
    axes = figure.subplots()
    axes.plot([count / 1000 for _, count, _ in samples], [held.memory_mb for *_, held in samples])
    axes.set_xlabel("thousands of frames")
    axes.set_ylabel("memory of the server, MB")
    axes.set_ylim(bottom=0)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)


@needs_proc
@pytest.mark.soak
@pytest.mark.timeout(6 * 3600)
def test_the_server_holds_no_more_after_hundreds_of_thousands_of_frames(model: Path, tmp_path: Path, say: Say) -> None:
    with live.running(model, *configure(tmp_path, SOURCE)) as server:
        soak = Soak(server, ROOT / "soak-output/memory.csv")
        asyncio.run(soak.run(FRAMES))
        wait_for(lambda: server.describe().limits.open_streams == 0)
    first, last = soak.samples[len(soak.samples) // 2], soak.samples[-1]
    slope, hours = slope_mb_per_hour(soak.samples), (last[0] - soak.samples[0][0]) / 3600
    draw(soak.samples, ROOT / "soak-output/memory.png")
    say(
        f"{last[1]} frames and {soak.stream_count} streams in {hours * 60:.1f} min: {first[2].memory_mb:.1f} -> "
        f"{last[2].memory_mb:.1f} MB, {slope:+.2f} MB/h; {first[2]} -> {last[2]}"
    )
    assert last[2].thread_count <= first[2].thread_count + 2
    assert last[2].file_count <= first[2].file_count + CLIENTS
    assert last[2].memory_mb - first[2].memory_mb < 10
    if FRAMES >= 300_000:
        assert slope < 1.0, "megabytes an hour"
