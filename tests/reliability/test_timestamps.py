"""Timestamps that go back, stand still, leap or wrap: what is older is dropped and counted, a long gap is said."""

import random
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest

from stream.server.client import pusher
from stream.sources import open_source
from stream.types import Frame, Update
from stream.v1 import recognition_pb2 as pb
from tests.reliability.watcher import Watcher, configure, door, is_update
from tests.server import live
from tests.server.live import Server, answers, config, frame, jpegs, updates
from tests.server.pushed import test_packets
from tests.sources.network_camera import NetworkCamera

Say = Callable[[str], None]
PTS_END_S = 2**33 / 90_000
"""Seconds at which the timestamps of an MPEG transport stream begin again: a day and two hours and a half."""
RTP_END = 2**32
"""Ticks at which those of RTP do: at 90 kHz thirteen hours."""


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[Server]:
    with live.running(model) as server:
        yield server


def wandering(count: int) -> Iterator[tuple[float, str]]:
    """Yield offsets, and what each is: on time, a gap, or not later than one before."""
    rng, at_s = random.Random(13), 0.0
    yield at_s, "first"
    for _ in range(count - 1):
        kind = rng.choice(["on time"] * 6 + ["gap", "equal", "older", "oldest"])
        if kind in ("on time", "gap"):
            at_s += 0.1 if kind == "on time" else rng.uniform(2.5, 3600)
            at_s = round(at_s, 6)
        yield {"equal": at_s, "older": max(0.0, at_s - rng.uniform(0.01, 5)), "oldest": 0.0}.get(kind, at_s), kind


def test_what_is_not_later_is_dropped_and_counted_and_changes_nothing_else(server: Server, say: Say) -> None:
    offsets, pictures = list(wandering(300)), jpegs(300, seed=6)
    sent = [
        (frame(number + 1, at_s, jpeg), kind)
        for number, ((at_s, kind), jpeg) in enumerate(zip(offsets, pictures, strict=True))
    ]
    asked = config(max_gap_s=2.0, top_k=5)
    replies = server.talk([asked, *(request for request, _ in sent)])
    assert len(replies) == len(sent) + 2
    for reply, (_, kind) in zip(replies[1:-1], sent, strict=True):
        if kind in ("equal", "older", "oldest"):
            assert reply.frame_error.cause == pb.DROP_CAUSE_ORDER
        else:
            assert (reply.update.reset_cause == pb.RESET_CAUSE_GAP) == (kind == "gap")
    wrong = sum(reply.HasField("frame_error") for reply in replies)
    assert replies[-1].finished.drops == pb.Drops(order=wrong)
    well = server.talk([asked, *(request for request, kind in sent if kind in ("first", "on time", "gap"))])
    assert answers(replies) == answers(well)
    gaps = sum(said.reset_cause == pb.RESET_CAUSE_GAP for said in updates(replies))
    say(f"{len(sent)} frames: {wrong} not later, each dropped and counted; {gaps} gaps, each said; the rest as without")


def wrapped(path: Path, begin_s: float) -> Path:
    """Write a transport stream whose timestamps begin at so many seconds."""
    plain = test_packets.write(path.with_suffix(".mp4"), "libx264", {"tune": "zerolatency", "g": "12"}, count=60)
    options = {"output_ts_offset": f"{begin_s:.3f}", "muxdelay": "0"}
    with av.open(str(plain)) as source, av.open(str(path), "w", format="mpegts", options=options) as target:
        video = source.streams.video[0]
        copy = target.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return path


def clean(update: Update | None) -> tuple[object, ...] | None:
    return update and (round(update.offset_s, 3), update.labels, update.reset)


def told(path: Path, server: Server, *, is_encoded: bool) -> list[tuple[object, ...] | None]:
    """Say what a server says of a file."""
    found: list[tuple[object, ...] | None] = []

    def send(_: Frame, update: Update | None) -> None:
        found.append(clean(update))

    with open_source(str(path)) as source:
        pusher.watch(source, server.address, send, needs_pictures=not is_encoded, is_encoded=is_encoded)
    return found


@pytest.mark.parametrize("is_encoded", [True, False], ids=["packets", "pictures"])
def test_a_transport_stream_whose_clock_begins_again_is_as_if_it_did_not(
    server: Server, tmp_path: Path, is_encoded: bool, say: Say
) -> None:
    plain = told(wrapped(tmp_path / "plain.ts", 10.0), server, is_encoded=is_encoded)
    path = wrapped(tmp_path / "wrapped.ts", PTS_END_S - 3.0)
    with path.open("rb") as file, av.open(file, options={"correct_ts_overflow": "0"}) as container:
        stamps = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert any(two < one for one, two in pairwise(stamps)), "it does begin again"
    assert told(path, server, is_encoded=is_encoded) == plain
    say(f"{len(plain)} frames, the clock begins again after 3 s: 0 labels differ")


def test_a_camera_whose_clock_begins_again_goes_on_without_a_gap(model: Path, tmp_path: Path, say: Say) -> None:
    with (
        NetworkCamera(begin=RTP_END - 6 * 90_000) as camera,
        live.running(model, *configure(tmp_path, door(camera.uri))) as server,
        Watcher(server) as watcher,
    ):
        watcher.wait(is_update)
        time.sleep(10)
        found, standing = watcher.updates(), watcher.standing()
    steps = [(two.offset.ToMicroseconds() - one.offset.ToMicroseconds()) / 1e6 for one, two in pairwise(found)]
    assert standing.reconnect_count == 0
    assert standing.drops.order == 0
    assert [said.reset_cause for said in found if said.reset_cause] == []
    assert min(steps) > 0
    assert max(steps) < 2
    assert sum(steps) > 8
    say(f"{len(found)} updates over {sum(steps):.1f} s, RTP begins again after 6 s: largest step {max(steps):.2f} s")
