"""A client behind a slow line, one that stops for a while, and one that is cut."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.reliability.network import network
from tests.server import live
from tests.server.live import Line, Server, config, film, jpegs, updates, wait_for

Say = Callable[[str], None]
FPS = 10.0
LIVE = {"drop_policy": pb.DROP_POLICY_LATEST, "max_age_s": 1.0}
LARGE = jpegs(4, seed=2, side_px=640)


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with live.running(model) as server:
        yield server


def paced(requests: list[pb.RecognizeRequest]) -> Iterator[pb.RecognizeRequest]:
    """Send a camera's frames when they are due, as far as the line takes them."""
    yield config(**LIVE)
    began_s = time.monotonic()
    for number, request in enumerate(requests):
        time.sleep(max(0.0, began_s + number / FPS - time.monotonic()))
        yield request


def test_on_a_slow_line_lag_is_bounded_and_what_was_late_is_said(server: Server, say: Say) -> None:
    pictures = LARGE * 15
    with network(server.address) as between:
        between.bytes_per_s = 1.5 * len(LARGE[0]) * FPS
        with grpc.insecure_channel(between.address) as channel:
            call = rpc.RecognitionServiceStub(channel).Recognize(paced(film(pictures, FPS)), timeout=120)
            assert next(call).HasField("configured")
            replies, at_s = [], []
            for reply in call:
                replies.append(reply)
                at_s.append(time.monotonic())
                if len(replies) == len(pictures) // 3:
                    between.bytes_per_s /= 5  # it gets worse
    finished, used = replies[-1].finished, updates(replies)
    delays_s = [
        at - reply.update.offset.ToMicroseconds() / 1e6
        for at, reply in zip(at_s, replies, strict=True)
        if reply.HasField("update")
    ]
    lag_s = max(delays_s) - min(delays_s)
    late = sum(reply.frame_skipped.cause == pb.DROP_CAUSE_LATE for reply in replies)
    assert len(replies) == len(pictures) + 1, "every frame is answered"
    assert late == finished.drops.late > 0
    assert len(used) > 5
    assert lag_s < 2, "max_age_s, and a busy machine"
    words = f"{len(used)} used, lag {lag_s:.2f} s at most, {late} skipped as late, 0 errors"
    say(f"{len(pictures)} frames at a third of the rate they need: {words}")


def test_a_line_that_stops_for_a_while_leaves_a_gap_and_no_error(server: Server, say: Say) -> None:
    with network(server.address) as between, grpc.insecure_channel(between.address) as channel:
        line = Line(config(max_gap_s=2.0, **LIVE), *film(jpegs(3), FPS))
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line), timeout=60)
        assert [next(call).WhichOneof("message") for _ in range(4)] == ["configured", *["update"] * 3]
        between.is_stopped = True
        line.say(*film(jpegs(5), FPS)[3:])  # they wait in the network
        time.sleep(3)
        between.is_stopped = False
        line.say(live.frame(6, 3.3, jpegs(6)[5]))
        kinds = [next(call) for _ in range(3)]
        line.close()
        assert next(call).HasField("finished")
    causes = [reply.frame_skipped.cause for reply in kinds[:2]]
    assert causes == [pb.DROP_CAUSE_LATE] * 2
    assert kinds[2].update.reset_cause == pb.RESET_CAUSE_GAP
    say("2 frames of before skipped as late, the first fresh one says the gap")


def test_a_line_that_is_cut_frees_the_stream_and_the_next_one_is_fresh(server: Server, say: Say) -> None:
    fresh = live.answers(server.talk([config(), *film(jpegs(5))]))
    with network(server.address) as between, grpc.insecure_channel(between.address) as channel:
        line = Line(config(), *film(jpegs(3, seed=9)))
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line), timeout=60)
        assert [next(call).WhichOneof("message") for _ in range(4)] == ["configured", *["update"] * 3]
        threading.Timer(0.1, between.cut).start()
        with pytest.raises(grpc.RpcError) as caught:
            next(call)
        cut_s = time.monotonic()
        wait_for(lambda: server.describe().limits.open_streams == 0)
        freed_s = time.monotonic() - cut_s
        line.close()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert live.answers(server.talk([config(), *film(jpegs(5))])) == fresh
    assert freed_s < 5
    say(f"told at once, free after {freed_s:.2f} s")
