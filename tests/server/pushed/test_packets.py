"""Clients that push compressed video: what is said is what is said of its pictures, and damage costs its own frames."""

import re
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import grpc
import numpy as np
import pytest

from stream import recogniser
from stream.buffer import frames
from stream.config import SessionSettings
from stream.decode import VideoDecoder, decode_image
from stream.errors import DecodeError
from stream.pictures import UnseenPicture
from stream.server.pushed.allowance import Allowance
from stream.server.pushed.film import Film
from stream.server.wire.fields import CODECS as CODECS_BY_KIND
from stream.server.wire.heard import Incoming, Video
from stream.sources import open_source
from stream.types import Picture, Update
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server.live import Line, Server, answers, config, frame, jpegs, updates

Say = Callable[[str], None]
COUNT, FPS = 40, 12
CODECS = {
    "h264 with B-frames": ("libx264", ".mp4", pb.CODEC_H264, {"bf": "3", "g": "12", "x264-params": "b-adapt=0"}),
    "h264 as cameras send it": ("libx264", ".ts", pb.CODEC_H264, {"tune": "zerolatency", "g": "12"}),
    "hevc": ("libx265", ".mp4", pb.CODEC_HEVC, {"x265-params": "log-level=error:keyint=12"}),
    "vp9": ("libvpx-vp9", ".webm", pb.CODEC_VP9, {"g": "12", "cpu-used": "8"}),
    "av1": ("libsvtav1", ".mp4", pb.CODEC_AV1, {"g": "12", "preset": "12"}),
    "mjpeg": ("mjpeg", ".mkv", pb.CODEC_MJPEG, {}),
}


def write(path: Path, codec: str, options: dict[str, str], side_px: int = 128, count: int = COUNT) -> Path:
    """Write a film of scenes that change; skip where this build of FFmpeg has no such encoder."""
    if codec not in av.codecs_available:
        pytest.skip(f"FFmpeg has no {codec} here")
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=FPS, options=options)
        video.width = video.height = side_px
        video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number, jpeg in enumerate(jpegs(count, seed=4, side_px=side_px)):
            picture = av.VideoFrame.from_ndarray(decode_image(jpeg).rgb(), "rgb24")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
    return path


def read(path: Path) -> tuple[pb.VideoFormat, list[tuple[float, bytes, bool]]]:
    """Return what is beside the packets, and of each its seconds, its bytes and whether it is a key frame."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        packets = [packet for packet in container.demux(video) if packet.size]
        begin = min(packet.pts for packet in packets)
        found = [(float((one.pts - begin) * one.time_base), bytes(one), one.is_keyframe) for one in packets]
        return pb.VideoFormat(extradata=video.codec_context.extradata or b""), found


def pushed(kind: "pb.Codec.ValueType", path: Path, **fields: object) -> list[pb.RecognizeRequest]:
    """Return what a client says that pushes a file."""
    beside, packets = read(path)
    beside.codec = kind
    frames = [frame(number + 1, at_s, packet=data) for number, (at_s, data, _) in enumerate(packets)]
    return [config(video=beside, **fields), *frames]


def here(model: Path, path: Path) -> list[Update]:
    """Watch a file here, by a clock of microseconds as on the wire."""
    session, found = recogniser.load(str(model)).session(SessionSettings(top_k=5)), list[Update]()
    with open_source(str(path)) as source, closing(frames(source, "wait", lambda *_: None)) as shown:
        for frame in shown:
            update = session.feed(replace(frame, offset_s=round(frame.offset_s, 6)))
            found.extend([update] if update else [])
    return found


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    codec, suffix, _, options = CODECS["h264 with B-frames"]
    return write(tmp_path_factory.mktemp("film") / f"film{suffix}", codec, options)


@pytest.mark.parametrize(("codec", "suffix", "kind", "options"), CODECS.values(), ids=CODECS.keys())
def test_packets_give_what_their_pictures_give(
    server: Server, model: Path, tmp_path: Path, codec: str, suffix: str, kind, options
) -> None:
    path = write(tmp_path / f"film{suffix}", codec, options)
    replies = server.talk(pushed(kind, path, top_k=5))
    kinds = [reply.WhichOneof("message") for reply in replies[1:-1]]
    assert len(kinds) == COUNT
    assert set(kinds) == {"update", "frame_skipped"}
    ours, theirs = here(model, path), updates(replies)
    assert [said.offset.ToMicroseconds() for said in theirs] == [round(said.offset_s * 1e6) for said in ours]
    for one, other in zip(ours, theirs, strict=True):
        assert [label.name for label in other.labels] == [label.name for label in one.labels]
        np.testing.assert_allclose(
            [label.probability for label in other.labels], [label.probability for label in one.labels], atol=1e-5
        )
    numbers = [getattr(reply, reply.WhichOneof("message")).sequence for reply in replies[1:-1]]
    assert sorted(numbers) == list(range(1, COUNT + 1)), "every packet has one reply"


def test_a_picture_that_nobody_needs_or_builds_upon_is_not_decoded_and_changes_no_other(film: Path) -> None:
    beside, packets = read(film)
    whole, spared = (Film(Video("h264", beside.extradata), 1 << 20, Allowance(1 << 30)) for _ in range(2))
    seen: list[dict[int, Picture | str]] = []
    for reel, every in ((whole, 1), (spared, 3)):
        said = [
            shown
            for number, (at_s, data, _) in enumerate(packets)
            for shown in reel.take(
                Incoming(pb.Frame(packet=data), number, at_s, 0), is_needed=round(at_s * FPS) % every == 0
            )
        ]
        seen.append({packet.sequence: found for packet, found in [*said, *reel.finish()]})
    assert seen[0].keys() == seen[1].keys() == set(range(COUNT))
    unseen = [number for number, found in seen[1].items() if isinstance(found, UnseenPicture)]
    assert len(unseen) > COUNT // 4
    assert all(round(packets[number][0] * FPS) % 3 for number in unseen)
    for number in set(seen[1]) - set(unseen):
        assert np.array_equal(seen[0][number].rgb(), seen[1][number].rgb())  # type: ignore[union-attr]


def faults(replies: Iterable[pb.RecognizeResponse]) -> list[int]:
    return [reply.frame_error.sequence for reply in replies if reply.HasField("frame_error")]


def test_a_damaged_packet_costs_pictures_until_the_next_key_frame_and_no_more(server: Server, film: Path) -> None:
    whole = pushed(pb.CODEC_H264, film)
    keys = [number for number, (*_, is_key) in enumerate(read(film)[1], 1) if is_key]
    assert len(keys) > 2
    hurt = [pb.RecognizeRequest.FromString(request.SerializeToString()) for request in whole]
    hurt[keys[1]].frame.packet = b"\xff" * 50
    replies, good = server.talk(hurt), answers(server.talk(whole))
    assert keys[1] in faults(replies)
    assert all(keys[1] - 4 <= number <= keys[2] + 3 for number in faults(replies))
    before = hurt[keys[1] - 3].frame.offset.ToMicroseconds()
    assert [one for one in answers(replies) if one.offset.ToMicroseconds() < before] == [
        one for one in good if one.offset.ToMicroseconds() < before
    ]
    assert max(one.offset.ToMicroseconds() for one in answers(replies)) == max(
        one.offset.ToMicroseconds() for one in good
    ), "it goes on to the end"
    assert replies[-1].HasField("finished")


@pytest.mark.parametrize("rate", [1e-5, 1e-4, 1e-3, 1e-2])
def test_turned_bits_never_end_a_stream_nor_lose_a_reply(server: Server, film: Path, rate: float, say: Say) -> None:
    requests = pushed(pb.CODEC_H264, film)
    whole, packets = server.talk(requests), [request.frame for request in requests[1:]]
    sizes = [len(packet.packet) for packet in packets]
    bits = np.random.default_rng(6).random(8 * sum(sizes)) < rate  # over the whole film, as a line turns them
    turned = np.split(np.packbits(bits), np.cumsum(sizes)[:-1])
    for packet, mask in zip(packets, turned, strict=True):
        packet.packet = (np.frombuffer(packet.packet, np.uint8) ^ mask).tobytes()
    requests += [
        frame(COUNT + n + 1, COUNT / FPS + at_s, packet=data) for n, (at_s, data, _) in enumerate(read(film)[1])
    ]
    with server.channel() as channel:
        line = Line(*pushed(pb.CODEC_H264, film)[:2])
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert next(call).HasField("configured")
        replies = server.talk(requests)
        line.say(*pushed(pb.CODEC_H264, film)[2:])
        line.close()
        assert answers(call) == answers(whole), "a stream that was open all the while is as if it were alone"
    assert bits.any()
    assert len(replies) == 2 * COUNT + 2
    assert {one.frame_error.cause for one in replies if one.HasField("frame_error")} <= {pb.DROP_CAUSE_DECODE}
    assert replies[-1].finished.drops.decode == len(faults(replies))
    assert len(faults(replies)) > COUNT * 3 // 4 or rate < 1e-3, "so many hurt nearly every picture"
    assert max(faults(replies), default=0) <= COUNT, "it goes on: the film again, undamaged, gives every picture"
    assert len([said for said in updates(replies) if said.sequence > COUNT]) > 30
    assert all(np.isfinite(label.probability) for said in updates(replies) for label in said.labels)
    used = len([said for said in updates(replies) if said.sequence <= COUNT])
    say(f"{bits.sum()} of {len(bits)} bits of {COUNT} packets turned: {len(faults(replies))} faults, {used} updates")


@pytest.mark.parametrize("missing", [1, 3])
def test_packets_left_out_in_the_middle_spoil_pictures_until_the_next_key_frame_and_no_more(
    server: Server, tmp_path: Path, missing: int, say: Say
) -> None:
    codec, suffix, kind, options = CODECS["h264 as cameras send it"]
    path = write(tmp_path / f"film{suffix}", codec, options)
    beside, packets = read(path)
    first, second = [number for number, (*_, is_key) in enumerate(packets) if is_key][1:3]
    left = [number for number in range(COUNT) if not first + 3 <= number < first + 3 + missing]
    whole, broken = (VideoDecoder("h264", beside.extradata) for _ in range(2))
    right = [picture for number in range(COUNT) for _, picture in whole.decode(packets[number][1], number)]
    wrong = [
        number
        for at in left
        for number, picture in broken.decode(packets[at][1], at)
        if number is None or picture is None or not np.array_equal(picture.rgb(), right[number].rgb())
    ]
    assert wrong, "the decoder conceals what is missing, and flags nothing"
    assert set(wrong) <= set(range(first, second))
    requests = pushed(kind, path)
    replies = server.talk([requests[0], *(requests[number + 1] for number in left)])
    assert len(replies) == len(left) + 2, "every packet that came has one reply"
    assert {one.frame_error.cause for one in replies if one.HasField("frame_error")} <= {pb.DROP_CAUSE_DECODE}
    assert max(said.sequence for said in updates(replies)) == COUNT, "it goes on to the end"
    count = f"{len(wrong)} of the {second - first - 3 - missing} pictures before the next key frame are wrong"
    say(f"{missing} of {COUNT} packets left out: {count}, {len(faults(replies))} of them told")


def test_a_stream_without_parameter_sets_gives_a_fault_a_packet_and_ends_by_itself(
    server: Server, tmp_path: Path, say: Say
) -> None:
    codec, suffix, kind, options = CODECS["h264 as cameras send it"]
    requests = pushed(kind, write(tmp_path / f"film{suffix}", codec, options))
    requests[0].config.video.extradata = b""
    removed = 0
    for request in requests[1:]:
        units = re.split(rb"\x00{2,3}\x01", request.frame.packet)[1:]
        kept = [unit for unit in units if unit[0] & 31 not in (7, 8)]
        request.frame.packet = b"".join(b"\0\0\0\1" + unit for unit in kept)
        removed += len(units) - len(kept)
    assert removed >= 2
    replies = server.talk(requests)
    assert [reply.frame_error.cause for reply in replies[1:-1]] == [pb.DROP_CAUSE_DECODE] * COUNT
    assert replies[-1].finished.drops.decode == COUNT
    say(f"{removed} parameter sets left out: {COUNT} of {COUNT} packets refused")


def test_what_begins_without_a_key_frame_gives_pictures_from_the_first_one(server: Server, film: Path) -> None:
    requests = pushed(pb.CODEC_H264, film)
    second = next(number for number, (*_, is_key) in enumerate(read(film)[1]) if is_key and number)
    replies = server.talk([requests[0], *requests[4:]])
    assert len(replies) == len(requests[4:]) + 2
    assert set(faults(replies)) >= set(range(4, second - 4))
    assert updates(replies)


@pytest.mark.parametrize(("codec", "suffix", "kind", "options"), CODECS.values(), ids=CODECS.keys())
def test_a_video_that_is_too_large_gives_no_picture(tmp_path: Path, codec: str, suffix: str, kind, options) -> None:
    beside, packets = read(write(tmp_path / f"film{suffix}", codec, options))
    try:
        decoder = VideoDecoder(CODECS_BY_KIND[kind], beside.extradata, max_pixels=127 * 127)
    except DecodeError:
        return  # what is beside the packets says how large they are
    refused = 0
    for number, (_, data, _) in enumerate(packets):
        try:
            assert decoder.decode(data, number) == []
        except DecodeError:
            refused += 1
    assert refused or not decoder.flush()


WRONG = {
    "no codec": ([config(video=pb.VideoFormat())], "video.codec is CODEC_UNSPECIFIED; accepted: CODEC_H264"),
    "packets without a video": ([config(), frame(7, 0, packet=b"x")], "frame 7 is a packet; accepted: image, raw"),
}


@pytest.mark.parametrize(("requests", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_about_the_video_is_answered_with_what_is_accepted(server: Server, requests, words) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        server.talk(requests)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in caught.value.details()
