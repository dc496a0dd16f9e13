"""Frames that wait for their turn."""

import asyncio

import pytest

from stream.errors import Overrun
from stream.server.access.admission import Limits
from stream.server.pushed.waiting import MARKS, ROOM, Waiting
from stream.server.wire.heard import Incoming
from stream.v1 import recognition_pb2 as pb

LIMITS = Limits()
ROOM_BYTES = LIMITS.max_waiting_bytes


def frame(sequence: int, byte_count: int = 1) -> Incoming:
    message = pb.Frame(sequence=sequence, image=bytes(byte_count))
    return Incoming(message, sequence, sequence / 10, 0, byte_count=byte_count)


async def taken(waiting: Waiting) -> list[tuple[int, bool]]:
    """Take all; return each number and whether its picture was kept."""
    found = []
    while one := await waiting.get():
        found.append((one.sequence, one.message is not None))
    return found


def test_latest_keeps_the_newest_pictures_and_the_order_of_all() -> None:
    async def check() -> None:
        waiting = Waiting("latest", LIMITS)
        for sequence in range(6):
            await asyncio.wait_for(waiting.put(frame(sequence)), 1)
        waiting.close()
        kept = [number >= 6 - ROOM["latest"] for number in range(6)]
        assert await taken(waiting) == list(enumerate(kept))

    asyncio.run(check())


def test_latest_counts_the_pictures_that_were_taken_in_between() -> None:
    async def check() -> None:
        waiting = Waiting("latest", LIMITS)
        for sequence in range(4):
            await waiting.put(frame(sequence))
        assert [(await waiting.get()).message is None for _ in range(3)] == [True, True, False]
        await waiting.put(frame(4))
        waiting.close()
        assert await taken(waiting) == [(3, True), (4, True)]

    asyncio.run(check())


@pytest.mark.parametrize(("policy", "limit"), [("wait", ROOM["wait"]), ("latest", MARKS)])
def test_the_one_who_puts_is_held_back_at_the_limit_until_one_is_taken(policy: str, limit: int) -> None:
    async def check() -> None:
        waiting = Waiting(policy, LIMITS)
        for sequence in range(limit):
            await asyncio.wait_for(waiting.put(frame(sequence)), 1)
        put = asyncio.ensure_future(waiting.put(frame(limit)))
        await asyncio.sleep(0)
        assert not put.done()
        await waiting.get()
        await asyncio.wait_for(put, 1)

    asyncio.run(check())


def test_the_one_who_takes_waits_for_a_frame_or_the_end() -> None:
    async def check() -> None:
        waiting = Waiting("wait", LIMITS)
        get = asyncio.ensure_future(waiting.get())
        await asyncio.sleep(0)
        assert not get.done()
        await waiting.put(frame(1))
        assert (await asyncio.wait_for(get, 1)).sequence == 1
        get = asyncio.ensure_future(waiting.get())
        await asyncio.sleep(0)
        waiting.close()
        assert await asyncio.wait_for(get, 1) is None

    asyncio.run(check())


def test_what_went_wrong_comes_after_the_frames_before_it() -> None:
    async def check() -> None:
        waiting = Waiting("wait", LIMITS)
        await waiting.put(frame(1))
        waiting.close(ValueError("enough"))
        assert (await waiting.get()).sequence == 1
        with pytest.raises(ValueError, match="enough"):
            await waiting.get()

    asyncio.run(check())


def test_every_takes_what_there_is_room_for_and_then_ends() -> None:
    async def check() -> None:
        waiting = Waiting("every", LIMITS)
        for sequence in range(ROOM["every"]):
            await asyncio.wait_for(waiting.put(frame(sequence)), 1)
        with pytest.raises(Overrun, match="32 frames, 32 bytes wait"):
            await waiting.put(frame(99))
        waiting.close()
        assert await taken(waiting) == [(number, True) for number in range(ROOM["every"])]

    asyncio.run(check())


@pytest.mark.parametrize("policy", ROOM)
def test_large_pictures_have_room_for_fewer(policy: str) -> None:
    async def check() -> None:
        waiting, large = Waiting(policy, LIMITS), ROOM_BYTES * 2 // 3
        await asyncio.wait_for(waiting.put(frame(1, large)), 1)
        put = asyncio.ensure_future(waiting.put(frame(2, large)))
        await asyncio.sleep(0)
        if policy == "every":
            with pytest.raises(Overrun):
                await put
        elif policy == "wait":
            assert not put.done()
            await waiting.get()
            await asyncio.wait_for(put, 1)
        else:
            await put
            assert [(await waiting.get()).message is None for _ in range(2)] == [True, False]

    asyncio.run(check())
