"""Clients that stall, flood, vanish, or send no pictures: the server keeps its size, and the others are right."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2

from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests import clips
from tests.reliability.footprint import footprint, needs_proc
from tests.reliability.watcher import Watcher, configure, is_update
from tests.server import live
from tests.server.live import Line, Server, answers, config, film, frame, jpegs, updates, wait_for

Say = Callable[[str], None]
FAST = '[source.fast]\nuri = "synthetic://gestures?seconds=inf&size=32x24&fps=10"\npolicy = "wait"\ntop_k = 5\n'
NARROW = (("grpc.http2.lookahead_bytes", 65535), ("grpc.http2.bdp_probe", 0))
"""Options of a client whose line holds little: 64 kB are on their way to it at most."""
PICTURES = jpegs(12)
LARGE = jpegs(4, seed=1, side_px=1600)


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("fast")
    with live.running(model, *configure(folder, FAST)) as server:
        yield server


def open_count(server: Server) -> int:
    return server.describe().limits.open_streams


@needs_proc
def test_one_who_watches_and_never_reads_costs_nothing_and_gets_the_newest(server: Server, say: Say) -> None:
    with grpc.insecure_channel(server.address, NARROW) as channel, Watcher(server, "fast") as other:
        call = rpc.RecognitionServiceStub(channel).Watch(pb.WatchRequest(source="fast"))
        assert next(call).HasField("watching")
        other.wait(is_update)
        before = footprint(server.process.pid)
        count = len(other.updates())
        wait_for(lambda: len(other.updates()) >= count + 1500, 120)
        after = footprint(server.process.pid)
        latest = other.updates()[-1].sequence
        said = next(said for said in call if said.missed_count or said.update.sequence > latest)
        missed, behind = said.missed_count, other.updates()[-1].sequence - said.update.sequence
    assert after.memory_mb - before.memory_mb < 20
    assert missed > 0
    say(
        f"{count + 1500} updates: {after.memory_mb - before.memory_mb:+.1f} MB, {missed} left out, then {behind} behind"
    )


@needs_proc
def test_clients_that_vanish_leave_nothing_behind(server: Server, say: Say) -> None:
    async def vanish(count: int) -> None:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub = rpc.RecognitionServiceStub(channel)
            for number in range(count):
                if number % 2:
                    watching = stub.Watch(pb.WatchRequest(source="fast"))
                    await watching.read()
                else:
                    pushing = stub.Recognize()
                    await pushing.write(config(drop_policy=pb.DROP_POLICY_LATEST))
                    await pushing.read()
                    await pushing.write(frame(1, 0, PICTURES[0]))

    asyncio.run(vanish(40))  # what a server needs for its first clients is no leak
    wait_for(lambda: open_count(server) == 0)
    before = footprint(server.process.pid)
    for _ in range(4):
        asyncio.run(vanish(50))
    began_s = time.monotonic()
    wait_for(lambda: open_count(server) == 0)
    took_s = time.monotonic() - began_s
    after = footprint(server.process.pid)
    assert after.thread_count <= before.thread_count
    assert after.file_count <= before.file_count + 2
    assert after.memory_mb < before.memory_mb + 15
    assert took_s < 1
    say(f"200 vanished, gone {took_s:.2f} s later: {before} -> {after}")


def mutated(count: int) -> Iterator[bytes]:
    """Damage pictures: bits turned, bytes left out, cut off, or noise."""
    rng = random.Random(7)
    for _ in range(count):
        data = bytearray(rng.choice(PICTURES))
        kind = rng.randrange(4)
        if kind == 0:
            for _ in range(rng.randrange(1, 20)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif kind == 1:
            begin = rng.randrange(len(data))
            del data[begin : begin + rng.randrange(1, 200)]
        elif kind == 2:
            del data[rng.randrange(len(data)) :]
        else:
            data = bytearray(rng.randbytes(rng.randrange(300)))
        yield bytes(data)


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.chaos)])
def test_damaged_pictures_are_answered_one_by_one_and_touch_nothing_else(server: Server, count: int, say: Say) -> None:
    damaged = film(mutated(count), 10.0)
    alone = server.talk([config(), *film(PICTURES)])
    with server.channel() as channel:
        line = Line(config(), frame(1, 0, PICTURES[0]))
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert [next(call).WhichOneof("message") for _ in range(2)] == ["configured", "update"]
        began_s = time.monotonic()
        replies = server.talk([config(), *damaged], timeout_s=0.5 * count)
        took_s = time.monotonic() - began_s
        line.say(*film(PICTURES)[1:])
        line.close()
        beside = answers(call)
    kinds = [reply.WhichOneof("message") for reply in replies]
    assert (kinds[0], kinds[-1], len(kinds)) == ("configured", "finished", count + 2)
    faults = kinds.count("frame_error")
    assert faults > count / 4
    assert beside == answers(alone)[1:], "a stream that was open all the while is as if it were alone"
    say(f"{count} pictures in {took_s:.1f} s: {faults} refused, {kinds.count('update')} still readable")


@needs_proc
def test_a_picture_that_says_it_is_huge_costs_nothing(server: Server, say: Say) -> None:
    at = PICTURES[0].index(b"\xff\xc0") + 5
    bomb = PICTURES[0][:at] + (30_000).to_bytes(2, "big") * 2 + PICTURES[0][at + 4 :]
    server.talk([config(), *film(PICTURES)])
    before = footprint(server.process.pid)
    began_s = time.monotonic()
    replies = server.talk([config(), *film([bomb] * 50)])
    took_s = time.monotonic() - began_s
    after = footprint(server.process.pid)
    assert [reply.frame_error.cause for reply in replies[1:-1]] == [pb.DROP_CAUSE_DECODE] * 50
    assert "30000x30000" in replies[1].frame_error.message
    grown_mb = after.memory_mb - before.memory_mb
    assert grown_mb < 50
    say(f"50 of 30000x30000 in {len(bomb)} bytes: {took_s / 50 * 1e3:.1f} ms each, {grown_mb:+.1f} MB")


@needs_proc
def test_a_png_and_a_message_that_unpack_to_much_cost_nothing(server: Server, say: Say) -> None:
    bomb = clips.png(np.zeros((64, 64, 3), np.uint8))
    bomb = bomb[:16] + (20_000).to_bytes(4, "big") * 2 + bomb[24:]
    server.talk([config(), *film(PICTURES)])
    before = footprint(server.process.pid)
    replies = server.talk([config(), *film([bomb] * 50)])
    assert [reply.frame_error.cause for reply in replies[1:-1]] == [pb.DROP_CAUSE_DECODE] * 50
    assert "20000x20000" in replies[1].frame_error.message
    with server.channel() as channel, pytest.raises(grpc.RpcError) as caught:
        stub, large = rpc.RecognitionServiceStub(channel), frame(1, 0, bytes(100_000_000))
        list(stub.Recognize(iter([config(), large]), compression=grpc.Compression.Gzip, timeout=60))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    grown_mb = footprint(server.process.pid).memory_mb - before.memory_mb
    keeps_mb = 100 if grpc.__version__.startswith("1.71.") else 50  # it keeps up to 65 MB, newer ones 1
    assert grown_mb < keeps_mb
    assert len(server.talk([config(), *film(PICTURES)])) == len(PICTURES) + 2
    say(f"50 PNGs of 20000x20000, and 100 MB in a compressed message: {grown_mb:+.1f} MB")


def test_a_stream_in_the_place_of_one_that_fell_idle_remembers_nothing_of_it(model: Path, say: Say) -> None:
    with live.running(model, "--idle-timeout-s", "0.5", "--max-streams", "1") as server:
        fresh = answers(server.talk([config(), *film(PICTURES)]))
        for number in range(3):
            with server.channel() as channel, pytest.raises(grpc.RpcError) as caught:
                line = Line(config(), *film(jpegs(6, seed=number)))
                list(rpc.RecognitionServiceStub(channel).Recognize(iter(line), timeout=30))
            line.close()
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert answers(server.talk([config(), *film(PICTURES)])) == fresh
    say("3 of 3")


def test_a_stream_in_the_place_of_one_that_was_cancelled_remembers_nothing_of_it(server: Server, say: Say) -> None:
    fresh = answers(server.talk([config(), *film(PICTURES)]))
    for _ in range(10):
        with server.channel() as channel:
            call = rpc.RecognitionServiceStub(channel).Recognize(iter([config(), *film(jpegs(12, seed=5))]))
            for _ in range(5):
                next(call)
            call.cancel()
        assert answers(server.talk([config(), *film(PICTURES)])) == fresh
    say("10 of 10")


def test_every_frame_or_none_a_stream_that_is_too_fast_ends_and_says_so(server: Server) -> None:
    replies: list[pb.RecognizeResponse] = []
    with server.channel() as channel, pytest.raises(grpc.RpcError, match="cannot keep up") as caught:
        requests = iter([config(drop_policy=pb.DROP_POLICY_EVERY), *film(LARGE * 75)])
        for reply in rpc.RecognitionServiceStub(channel).Recognize(requests, timeout=120):
            replies.append(reply)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    numbers = [said.sequence for said in updates(replies)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert replies[-1].finished.drops == pb.Drops()
    assert len(server.talk([config(drop_policy=pb.DROP_POLICY_EVERY), *film(PICTURES)])) == len(PICTURES) + 2


def test_what_waited_in_the_network_is_skipped_by_its_age(server: Server) -> None:
    frames = film(PICTURES)
    with server.channel() as channel:
        line = Line(config(max_age_s=1.0, drop_policy=pb.DROP_POLICY_LATEST), frames[0])
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert [next(call).WhichOneof("message") for _ in range(2)] == ["configured", "update"]
        time.sleep(3)  # as if the way had been blocked
        line.say(frames[1], frame(3, 3.1, PICTURES[2]))
        assert next(call).frame_skipped.cause == pb.DROP_CAUSE_LATE
        assert next(call).HasField("update")
        line.close()
        assert next(call).finished.drops == pb.Drops(late=1)


def test_one_client_cannot_take_all_places_and_is_told_when_to_try_again(model: Path, say: Say) -> None:
    with live.running(model, "--max-streams-per-client", "2") as server, server.channel() as channel:
        stub, lines = rpc.RecognitionServiceStub(channel), [Line(config()), Line(config())]
        calls = [stub.Recognize(iter(line)) for line in lines]
        assert all(next(call).HasField("configured") for call in calls)
        taken_s = []
        for _ in range(5):
            began_s = time.monotonic()
            with pytest.raises(grpc.RpcError, match=r"2 streams of ipv4:127\.0\.0\.1 are open; accepted: 2") as caught:
                next(stub.Recognize(iter([config()])))
            taken_s.append(time.monotonic() - began_s)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        trailing = dict(caught.value.trailing_metadata())
        status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
        retry = error_details_pb2.RetryInfo()
        assert status.details[0].Unpack(retry)
        assert retry.retry_delay.ToMilliseconds() == int(trailing["retry-after-ms"]) == 1000
        for line in lines:
            line.close()
        assert all(next(call).HasField("finished") for call in calls)
    assert statistics.median(taken_s) < 0.1
    say(f"5 refused in {statistics.median(taken_s) * 1e3:.0f} ms (median), {max(taken_s) * 1e3:.0f} at most")


def test_a_connection_that_is_old_ends_after_its_streams(model: Path) -> None:
    with live.running(model, "--max-connection-age-s", "1") as server, server.channel() as channel:
        line = Line(config(), frame(1, 0, PICTURES[0]))
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert [next(call).WhichOneof("message") for _ in range(2)] == ["configured", "update"]
        time.sleep(3)
        line.say(frame(2, 0.1, PICTURES[1]))
        assert next(call).update.sequence == 2, "its streams end by themselves"
        line.close()
        assert [reply.WhichOneof("message") for reply in call] == ["finished"]
        assert len(server.talk([config(), *film(PICTURES)])) == len(PICTURES) + 2
