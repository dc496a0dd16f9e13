"""Each limit of one stream, at a server whose operator has set it low: the stream is told, the others go on."""

import time
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from stream.errors import Overrun
from stream.server.pushed.allowance import Allowance
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server import live
from tests.server.live import Line, config, film, frame, jpegs, updates
from tests.server.pushed.test_packets import pushed, write

PICTURES = jpegs(12)
EVERY, LATEST, WAIT = pb.DROP_POLICY_EVERY, pb.DROP_POLICY_LATEST, pb.DROP_POLICY_WAIT


def retry_s(error: grpc.RpcError) -> float:
    """Return when to try again, from the details of a status."""
    metadata = dict(error.trailing_metadata())
    [detail] = status_pb2.Status.FromString(metadata["grpc-status-details-bin"]).details
    retry = error_details_pb2.RetryInfo()
    assert detail.Unpack(retry)
    return retry.retry_delay.ToMilliseconds() / 1e3


def refusal(server: live.Server, requests: list[pb.RecognizeRequest]) -> grpc.RpcError:
    """Send what is over a limit; hold the end to what every limit gives."""
    with pytest.raises(grpc.RpcError) as caught:
        server.talk(requests)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert retry_s(caught.value) > 0
    return caught.value


def test_no_more_frames_wait_than_the_limit_says(model: Path) -> None:
    with live.running(model, "--max-waiting-frames", "1", "--workers", "1") as server:
        large = jpegs(2, seed=1, side_px=1600)
        error = refusal(server, [config(drop_policy=EVERY), *film(large * 40)])
        assert "cannot keep up: 1 frames" in error.details()
        assert len(updates(server.talk([config(drop_policy=WAIT), *film(large)]))) == 2, "one that waits is held back"


def test_no_more_bytes_wait_than_the_limit_says(model: Path) -> None:
    with live.running(model, "--max-waiting-mb", "1", "--workers", "1") as server:
        heavy = [PICTURES[0] + bytes(600_000)] * 10
        error = refusal(server, [config(drop_policy=EVERY), *film(heavy)])
        assert "cannot keep up" in error.details()
        assert len(updates(server.talk([config(drop_policy=WAIT), *film(heavy)]))) == 10


def test_no_frame_is_older_than_the_limit_says_whatever_the_client_asks(model: Path) -> None:
    with live.running(model, "--max-age-s", "0.4") as server, server.channel() as channel:
        line = Line(config(drop_policy=LATEST, max_age_s=60), frame(1, 0, PICTURES[0]))
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert next(call).configured.config.max_age_s == 0.4
        assert next(call).HasField("update")
        time.sleep(1.0)
        line.say(frame(2, 0.1, PICTURES[1]))
        assert next(call).frame_skipped.cause == pb.DROP_CAUSE_LATE
        line.close()
        [configured, *_] = server.talk([config(drop_policy=WAIT)])
        assert configured.configured.config.max_age_s == float("inf"), "a file is never late"


def test_no_stream_sends_faster_than_the_limit_says(model: Path) -> None:
    with live.running(model, "--max-fps", "20") as server:
        began_s = time.monotonic()
        replies = server.talk([config(drop_policy=WAIT), *film(PICTURES * 5)])
        assert len(updates(replies)) == 60
        assert time.monotonic() - began_s > 1.8, "60 frames: a second's at once, 40 in the two seconds after it"
        error = refusal(server, [config(drop_policy=EVERY), *film(PICTURES * 5)])
        assert "frames come too fast; accepted: 20 a second" in error.details()


def test_decoders_hold_no_more_than_the_limit_says(model: Path, tmp_path: Path) -> None:
    small = pushed(pb.CODEC_H264, write(tmp_path / "small.mp4", "libx264", {}, 128))
    large = pushed(pb.CODEC_H264, write(tmp_path / "large.mp4", "libx264", {}, 320, 12))
    with live.running(model, "--max-decode-mb", "3") as server, server.channel() as channel:  # 0.44 and 2.76 MB
        line = Line(*small[:20])
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert next(call).HasField("configured")
        next(call)  # so that it is being decoded
        error = refusal(server, large)
        assert "no room to decode h264 of 320x320 pixels: it may hold 3 MB" in error.details()
        line.say(*small[20:])
        line.close()
        assert [reply.WhichOneof("message") for reply in call][-1] == "finished", "the one that was there goes on"
        assert updates(server.talk(large)), "what ended holds nothing"


def test_an_allowance_counts_who_is_there_in_the_size_of_now() -> None:
    allowance = Allowance(10_000_000)
    with allowance.holding("a"), allowance.holding("b"):
        allowance.hold("a", "h264", 640, 480, 12)
        assert allowance.held_bytes == 640 * 480 * 3 // 2 * 18
        with pytest.raises(Overrun, match=r"h264 of 640x480 pixels: it may hold 8 MB, 2 of this server's 10 are free"):
            allowance.hold("b", "h264", 640, 480, 12)
        allowance.hold("a", "h264", 64, 48, 12)
        allowance.hold("b", "mjpeg", 640, 480, 12)
        assert allowance.held_bytes == 64 * 48 * 3 // 2 * 18 + 640 * 480 * 3 // 2 * 2
    allowance.hold("a", "h264", 640, 480, 12)
    assert allowance.held_bytes == 0, "a worker may still decode what has ended"
