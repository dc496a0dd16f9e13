"""Pictures and video that are cut, of wrong sizes, of sizes that change, or far too large."""

import random
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from stream.v1 import recognition_pb2 as pb
from tests.reliability.footprint import footprint, needs_proc
from tests.server import live
from tests.server.live import Server, answers, config, film, frame, jpegs, updates
from tests.server.pushed import test_packets

Say = Callable[[str], None]
PICTURES = jpegs(12)
ZEROLATENCY = {"tune": "zerolatency", "g": "12"}


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[Server]:
    with live.running(model) as server:
        yield server


def test_a_jpeg_cut_at_each_of_its_bytes_is_refused_and_leaves_no_trace(server: Server, say: Say) -> None:
    whole = PICTURES[0]
    cuts = [frame(1 + end, end / 10, whole[:end]) for end in range(1, len(whole))]
    later = [frame(10_000 + number, len(whole) / 10 + number / 10, jpeg) for number, jpeg in enumerate(PICTURES)]
    asked, first = config(max_gap_s=1e6, top_k=5), frame(1, 0, whole)
    replies = server.talk([asked, first, *cuts])[2:-1]
    refused = [cut for cut, said in zip(cuts, replies, strict=True) if said.frame_error.cause == pb.DROP_CAUSE_DECODE]
    assert len(refused) + len(updates(replies)) == len(cuts)
    assert len(refused) > 0.85 * len(cuts), "but for cuts near the end, where a decoder has all it needs"
    assert answers(server.talk([asked, first, *refused, *later])) == answers(server.talk([asked, first, *later]))
    say(f"{len(cuts)} cuts: {len(refused)} refused, the frames after them as without; the others near the end readable")


def raws(count: int) -> Iterator[pb.RawPicture]:
    """Yield raw pictures whose sizes and data do not fit, or are too large."""
    rng = random.Random(11)
    formats = [pb.PIXEL_FORMAT_RGB24, pb.PIXEL_FORMAT_I420, pb.PIXEL_FORMAT_NV12]
    sizes = [0, 1, 2, 47, 48, 100_000, 2**31, 2**32 - 1]
    for _ in range(count):
        width, height = rng.choice(sizes), rng.choice(sizes)
        data = bytes(rng.choice([0, 1, 48 * 48 * 3 - 1, 48 * 48 * 3 + 1, 100_000]))
        yield pb.RawPicture(pixel_format=rng.choice(formats), width_px=width, height_px=height, data=data)


@needs_proc
def test_raw_pictures_of_wrong_sizes_are_refused_before_anything_is_made_of_them(server: Server, say: Say) -> None:
    server.talk([config(), *film(PICTURES)])
    before = footprint(server.process.pid)
    sent = [frame(number + 1, number / 10, raw=raw) for number, raw in enumerate(raws(500))]
    replies = server.talk([config(), *sent])
    refused = sum(reply.frame_error.cause == pb.DROP_CAUSE_DECODE for reply in replies)
    grown_mb = footprint(server.process.pid).memory_mb - before.memory_mb
    assert refused + len(updates(replies)) == len(sent)
    assert refused > 490
    assert grown_mb < 20
    say(f"{refused} of {len(sent)} refused, the others fit; {grown_mb:+.1f} MB")


def test_sizes_that_change_in_a_stream_change_nothing_else(server: Server, tmp_path: Path, say: Say) -> None:
    requests, at_s = [], 0.0
    for number, side_px in enumerate((128, 64, 192, 128)):
        path = test_packets.write(tmp_path / f"{number}.ts", "libx264", ZEROLATENCY, side_px=side_px)
        beside, packets = test_packets.read(path)
        for one_s, data, _ in packets:
            requests.append(frame(len(requests) + 1, at_s + one_s, packet=data))
        at_s += len(packets) / test_packets.FPS
    beside.codec = pb.CODEC_H264
    replies = server.talk([config(video=beside), *requests])
    kinds = [reply.WhichOneof("message") for reply in replies]
    assert (len(replies), kinds.count("frame_error")) == (len(requests) + 2, 0)
    pictures = [*jpegs(6), *jpegs(6, side_px=96), *jpegs(6, side_px=1600), *jpegs(6)]
    mixed = server.talk([config(), *film(pictures)])
    assert len(updates(mixed)) == len(pictures)
    say(f"H.264 of 128, 64, 192 and 128 px: {kinds.count('update')} of {len(requests)} used, 0 refused; JPEGs the same")


def huge(path: Path, side_px: int = 8192) -> Path:
    """Write two frames of nothing, very large."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "tune": "zerolatency"})
        video.width = video.height = side_px
        video.pix_fmt, video.thread_count = "yuv420p", 1
        for number in range(2):
            picture = av.VideoFrame(side_px, side_px, "yuv420p")
            for plane in picture.planes:
                np.frombuffer(plane, np.uint8)[:] = 128
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    return path


@needs_proc
def test_a_video_that_unpacks_to_much_is_refused_before_it_does(server: Server, tmp_path: Path, say: Say) -> None:
    requests = test_packets.pushed(pb.CODEC_H264, huge(tmp_path / "huge.mp4"))
    size = sum(len(one.frame.packet) for one in requests)
    server.talk([config(), *film(PICTURES)])
    before = footprint(server.process.pid)
    began_s = time.monotonic()
    replies = server.talk(requests)
    took_s = time.monotonic() - began_s
    grown_mb = footprint(server.process.pid).memory_mb - before.memory_mb
    assert [reply.frame_error.cause for reply in replies[1:-1]] == [pb.DROP_CAUSE_DECODE] * 2
    assert grown_mb < 50
    assert len(updates(server.talk([config(), *film(PICTURES)]))) == len(PICTURES)
    say(f"H.264 of 8192x8192 in {size} bytes: refused after {took_s * 1e3:.0f} ms, {grown_mb:+.1f} MB")
