import gc
import re
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream import lateness
from stream.buffer import Buffer, frames
from stream.errors import DecodeError, Overrun, SourceError, SourceTimeout, UsageError
from stream.pictures import RgbPicture
from stream.types import Frame

PICTURE = RgbPicture(np.zeros((2, 2, 3), np.uint8))


class Tape:
    """A source whose packets are numbers: negative ones cannot be read; at the end it raises `error`, if any."""

    uri = "tape"

    def __init__(self, packets: list[int], *, is_live: bool, error: Exception | None = None, gap_s: float = 0) -> None:
        self.packets, self.is_live, self.error, self.gap_s = packets, is_live, error, gap_s
        self.threads: set[str] = set()
        self.read_count = 0

    def __iter__(self) -> Iterator[int]:
        for packet in self.packets:
            self.threads.add(threading.current_thread().name)
            self.read_count += 1
            time.sleep(self.gap_s)
            yield packet
        if self.error:
            raise self.error

    def decode(self, packet: int) -> Iterator[Frame]:
        if packet < 0:
            raise DecodeError(f"packet {packet}")
        yield Frame(PICTURE, float(packet), time.monotonic_ns())


class Tally(dict[str, int]):
    """Counts by cause, and in which threads."""

    def __init__(self) -> None:
        self.threads: set[str] = set()

    def __call__(self, cause: str, count: int) -> None:
        self.threads.add(threading.current_thread().name)
        self[cause] = self.get(cause, 0) + count


def offsets(stream: Iterator[Frame]) -> list[int]:
    return [int(frame.offset_s) for frame in stream]


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "read tape"]


@given(st.lists(st.integers(), max_size=30), st.integers(1, 5))
def test_latest_keeps_the_newest_and_counts_the_rest(items: list[int], size: int) -> None:
    buffer = Buffer[int]("latest", size)
    assert all(buffer.put(item) for item in items)
    buffer.end()
    assert buffer.drops()["backlog"] == max(0, len(items) - size)
    assert list(buffer) == items[-size:]
    assert not buffer.drops()


def test_wait_blocks_the_producer_and_loses_nothing() -> None:
    buffer, sizes = Buffer[int]("wait", 2), []

    def produce() -> None:
        for item in range(50):
            buffer.put(item)
            sizes.append(len(buffer._items))
        buffer.end()

    thread = threading.Thread(target=produce)
    thread.start()
    assert list(buffer) == list(range(50))
    thread.join()
    assert max(sizes) <= 2
    assert not buffer.drops()


def test_closing_frees_a_waiting_producer() -> None:
    buffer, answers = Buffer[int]("wait", 1), []
    thread = threading.Thread(target=lambda: answers.extend(buffer.put(item) for item in range(2)))
    thread.start()
    while not answers:
        time.sleep(0.001)
    buffer.close()
    thread.join(5)
    assert answers == [True, False]
    assert list(buffer) == []


def test_unknown_policy_names_the_known() -> None:
    with pytest.raises(UsageError, match="policy 'newest'; accepted: wait, latest, every"):
        Buffer("newest")
    with pytest.raises(UsageError, match="size 0"):
        Buffer("wait", 0)
    with pytest.raises(UsageError, match="'newest'"):
        frames(Tape([], is_live=True), "newest")


def test_a_file_is_read_in_the_callers_thread_and_whole() -> None:
    tape = Tape(list(range(100)), is_live=False)
    assert offsets(frames(tape)) == list(range(100))
    assert tape.threads == {threading.current_thread().name}


def test_a_live_source_is_read_in_a_thread_of_its_own() -> None:
    tape = Tape(list(range(5)), is_live=True, gap_s=0.005)
    assert offsets(frames(tape, "wait")) == list(range(5))
    assert tape.threads == {"read tape"}
    assert not readers()


def test_a_slow_consumer_gets_the_newest_and_an_honest_count() -> None:
    tally, seen = Tally(), []
    with closing(frames(Tape(list(range(200)), is_live=True), count_drop=tally)) as stream:
        for frame in stream:
            seen.append(int(frame.offset_s))
            time.sleep(0.002)
    assert seen == sorted(seen)
    assert seen[-1] == 199
    assert len(seen) + tally["backlog"] == 200
    assert tally.threads == {threading.current_thread().name}  # never counted in the reading thread


def test_a_live_source_can_be_waited_for() -> None:
    tally = Tally()
    assert offsets(frames(Tape(list(range(100)), is_live=True), "wait", tally)) == list(range(100))
    assert not tally


@pytest.mark.parametrize("is_live", [False, True])
def test_an_unreadable_packet_is_counted_and_the_stream_goes_on(is_live: bool) -> None:
    tally = Tally()
    tape = Tape([0, -1, 1, -1, 2], is_live=is_live)
    assert offsets(frames(tape, "wait", tally)) == [0, 1, 2]
    assert tally == {"decode": 2}


@pytest.mark.parametrize("is_live", [False, True])
def test_the_sources_error_comes_after_its_frames(is_live: bool) -> None:
    stream, seen = frames(Tape([0, 1], is_live=is_live, error=SourceError("unplugged")), "wait"), []
    with pytest.raises(SourceError, match="unplugged"):
        seen.extend(frame.offset_s for frame in stream)
    # a list is extended as the frames come, so both are there
    assert seen == [0, 1]
    assert not readers()


@pytest.mark.parametrize("policy", ["wait", "latest"])
def test_the_thread_ends_when_the_consumer_leaves(policy: str) -> None:
    tape = Tape(list(range(100_000)), is_live=True, gap_s=0.001)
    with closing(frames(tape, policy)) as stream:
        next(stream)
        assert readers()
    assert not readers()
    assert tape.read_count < 1000


def test_every_loses_nothing_until_there_is_no_room_and_then_ends() -> None:
    buffer = Buffer[int]("every", 3)
    assert [buffer.put(item) for item in range(5)] == [True, True, True, False, False]
    found = []
    with pytest.raises(Overrun, match="cannot keep up: 3 frames wait"):
        for item in buffer:
            found.append(item)
    assert found == [0, 1, 2]
    assert not buffer.drops()


def test_a_stream_that_falls_silent_is_noticed() -> None:
    tape = Tape([0], is_live=True, gap_s=1.5)
    began_s = time.monotonic()
    with closing(frames(tape, patience_s=0.3)) as stream:
        with pytest.raises(SourceTimeout, match=r"no frame came for 0\.3 s"):
            next(stream)
        assert 0.3 <= time.monotonic() - began_s < 1.5


class Held(Tape):
    """A live source whose frames come when they like: each packet is (offset_s, arrival_s ago)."""

    def __init__(self, *packets: tuple[float, float]) -> None:
        super().__init__([], is_live=True)
        self.held = packets

    def __iter__(self) -> Iterator[tuple[float, float]]:
        for packet in self.held:
            time.sleep(0.02)
            yield packet

    def decode(self, packet: tuple[float, float]) -> Iterator[Frame]:
        yield Frame(PICTURE, packet[0], time.monotonic_ns() - round(packet[1] * 1e9))


def test_a_frame_that_is_too_old_is_dropped_and_counted_by_its_wait_here_and_before() -> None:
    tally = Tally()
    waited_here, waited_before = ((10.0, 5.0), (12.0, 3.0)), ((11.0, 0.0),)
    held = Held(*waited_here, (15.0, 0.0), *waited_before, (15.1, 0.0))
    stream = frames(held, "latest", tally, size=9, max_age_s=2.0)
    assert [frame.offset_s for frame in stream] == [15.0, 15.1]
    assert tally == {"late": 3}


def test_one_that_is_always_late_counts_as_lost() -> None:
    held = Held((10.0, 0.0), *((number / 50, 0.0) for number in range(100)))
    with pytest.raises(SourceTimeout, match=r"more than 1 s late for 0\.2 s"):
        list(frames(held, "latest", size=9, max_age_s=1.0, patience_s=0.2))


def test_a_source_that_failed_is_let_go_at_once_without_the_garbage_collector() -> None:
    """A decoder's threads end with the last who holds it: what went wrong must not."""

    class Torn(Tape):
        def __iter__(self) -> Iterator[int]:
            yield 0
            raise SourceError("torn")

    tape = Torn([], is_live=True)
    held = weakref.ref(tape)
    gc.disable()
    try:
        with pytest.raises(SourceError, match="torn") as failed:
            list(frames(tape))
        del failed, tape
        assert held() is None
    finally:
        gc.enable()


def test_a_source_that_fails_when_nobody_waits_for_it_any_more_is_let_go_too() -> None:
    left = threading.Event()

    class Frozen(Tape):
        def __iter__(self) -> Iterator[int]:
            left.wait(10)
            yield from ()
            raise SourceError("torn")

    tape = Frozen([], is_live=True)
    held = weakref.ref(tape)
    gc.disable()
    try:
        stream = frames(tape, patience_s=0.01)
        threading.Timer(0.2, left.set).start()
        with pytest.raises(SourceTimeout) as late:
            next(stream)
        del stream, tape, late
        assert held() is None
    finally:
        gc.enable()


class Slow(Tape):
    """A camera of 50 frames a second on a machine that decodes ten; a packet is when it was taken."""

    def __init__(self, length_s: float) -> None:
        super().__init__([], is_live=True)
        self.length_s = length_s

    def __iter__(self) -> Iterator[float]:
        begin_s, number = time.monotonic(), 0
        while number / 50 < self.length_s:
            time.sleep(max(0.0, begin_s + number / 50 - time.monotonic()))
            yield number / 50
            number += 1

    def decode(self, packet: float) -> Iterator[Frame]:
        arrival_ns = time.monotonic_ns()
        time.sleep(0.1)
        yield Frame(PICTURE, packet, arrival_ns)


def test_a_machine_that_is_too_slow_says_so_and_goes_on_with_the_newest_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lateness, "LATE_S", 0.5)
    monkeypatch.setattr(lateness, "MEMORY_S", 0.5)
    told: list[str] = []
    stream = frames(Slow(1.2), "latest", max_age_s=0.3, patience_s=1.0, tell=told.append)
    found = [(time.monotonic(), frame.offset_s) for frame in stream]
    assert max(b[0] - a[0] for a, b in pairwise(found)) < 2.0, "never black for longer"
    assert found[-1][1] > 0.7
    assert len(told) == 1
    assert re.fullmatch(r"this machine is too slow for it: frames are \d\.\d s late, and fewer are used", told[0])


def test_a_camera_that_sends_no_key_frame_yet_is_waited_for_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.buffer.WORDS_S", 0.2)

    class Between(Tape):
        def __iter__(self) -> Iterator[int]:
            for number in range(50):
                time.sleep(0.02)
                yield number

        def decode(self, packet: int) -> Iterator[Frame]:
            if packet > 40:
                yield Frame(PICTURE, packet / 50, time.monotonic_ns())

    told: list[str] = []
    found = list(frames(Between([], is_live=True), patience_s=0.3, tell=told.append))
    assert found[0].offset_s == pytest.approx(41 / 50)
    assert 2 <= len(told) <= 5
    assert told[0].startswith("packets come, but no picture yet: waiting for a key frame, ")
