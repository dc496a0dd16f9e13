"""Machines that are lost, come back, or stand behind a bad line: network namespaces, each with a server of its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import grpc
import pytest

from stream.config import SessionSettings
from stream.decode import decode_image
from stream.server.client import pusher
from stream.types import Frame, Update
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.reliability.machines import Machine, machine
from tests.server import live
from tests.server.live import Server, config, film, jpegs, updates, wait_for
from tests.toy import Shelf

Say = Callable[[str], None]
COUNT, EVERY = 80, 16
SETTINGS = SessionSettings(begin_threshold=0.3, end_threshold=0.2, max_gap_s=2.0)
FPS = 10.0


@contextmanager
def serving(model: Path) -> Iterator[tuple[Machine, Server]]:
    """Run a server on a machine of its own."""
    with (
        machine() as place,
        live.started(model, "--host", place.address, "--insecure", within=place.within) as server,
    ):
        yield place, server


Told = list[tuple[float, Update | None]]


def watch(targets: str, cut: Callable[[], None] | None = None) -> tuple[Told, float, int]:
    """Watch a film, and lose a machine in the middle; return what was said, the longest silence, how often resumed."""
    shots = [Frame(decode_image(jpeg), number / FPS, 0) for number, jpeg in enumerate(jpegs(COUNT, seed=3))]
    told, at_s = Told(), list[float]()

    def send(frame: Frame, update: Update | None) -> None:
        told.append((frame.offset_s, update and replace(update, age_s=0.0)))
        at_s.append(time.monotonic())
        if cut and len(told) == COUNT // 2:
            cut()

    with Shelf(shots) as source:
        trips = pusher.watch(source, targets, send, settings=SETTINGS, checkpoint_frames=EVERY)
    return told, max(two - one for one, two in pairwise(at_s)), trips.resume_count


def test_a_lost_machine_costs_no_label_and_when_it_is_back_it_is_not_heard(model: Path, say: Say) -> None:
    with ExitStack() as stack:
        place, lost = stack.enter_context(serving(model))
        _, other = stack.enter_context(serving(model))
        uncut, _, _ = watch(other.address)
        told, silence_s, resumed = watch(f"{lost.address},{other.address}", place.cut)
        place.mend()
        mended_s = time.monotonic()
        wait_for(lambda: is_free(lost), 60)
        free_s = time.monotonic() - mended_s
        assert len(updates(lost.talk([config(), *film(jpegs(5))]))) == 5
    wrong = sum(one != two for one, two in zip(told, uncut, strict=True))
    assert (wrong, resumed) == (0, 1)
    assert silence_s < 10
    say(
        f"line down at frame {COUNT // 2}: {silence_s:.1f} s without a label, {wrong} of {COUNT} wrong; back again, "
        f"what was open there is free after {free_s:.1f} s"
    )


def is_free(server: Server) -> bool:
    """Say whether no stream is open there; a line that has just been mended may have no route for a moment."""
    try:
        return server.describe().limits.open_streams == 0
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            return False
        raise


def paced(requests: list[pb.RecognizeRequest]) -> Iterator[pb.RecognizeRequest]:
    yield config(drop_policy=pb.DROP_POLICY_LATEST, max_age_s=1.0, max_gap_s=2.0)
    began_s = time.monotonic()
    for number, request in enumerate(requests):
        time.sleep(max(0.0, began_s + number / FPS - time.monotonic()))
        yield request


def camera(address: str, pictures: tuple[bytes, ...]) -> tuple[list[pb.RecognizeResponse], str]:
    """Push a camera's frames; return the replies, and what became of them in words."""
    replies = []
    with grpc.insecure_channel(address) as channel:
        call = rpc.RecognitionServiceStub(channel).Recognize(paced(film(pictures, FPS)), timeout=200)
        replies = list(call)
    used, drops = updates(replies), replies[-1].finished.drops
    gaps = sum(said.reset_cause == pb.RESET_CAUSE_GAP for said in used)
    assert len(replies) == len(pictures) + 2, "every frame is answered"
    assert len(used) + drops.late + drops.backlog + drops.rate == len(pictures), "and what was not used is counted"
    words = f"{len(pictures)} frames: {len(used)} used, {drops.late} late, {drops.backlog} behind, {gaps} gaps"
    return replies, words


@pytest.mark.parametrize("share", [0.05, 0.2])
@pytest.mark.parametrize("way", ["netem", "iptables"])
def test_packets_that_are_lost_cost_frames_at_most_and_that_is_said(
    model: Path, way: str, share: float, say: Say
) -> None:
    with serving(model) as (place, server):
        place.lose(share, way)
        replies, words = camera(server.address, jpegs(100, seed=2, side_px=96))
    assert len(updates(replies)) > 5
    say(f"{way}, {share:.0%} of all packets lost both ways: {words}")


def test_a_thin_line_bounds_what_is_used_and_not_how_old_it_is(model: Path, say: Say) -> None:
    pictures = jpegs(100, seed=2, side_px=640)
    with serving(model) as (place, server):
        place.thin(120)
        replies, words = camera(server.address, pictures)
    sent_kbit = sum(map(len, pictures)) * 8 / 1000 / (len(pictures) / FPS)
    assert sent_kbit > 180, "more than the line carries"
    assert max(said.age.ToMicroseconds() for said in updates(replies)) < 1.5e6
    assert replies[-1].finished.drops.late > 0
    say(f"120 kbit/s for {sent_kbit:.0f} kbit/s: {words}")
