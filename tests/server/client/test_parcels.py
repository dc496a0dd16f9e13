"""Packets of a live source that find no room are given up to the next key frame, and counted."""

from collections import Counter
from collections.abc import Iterator

import pytest

from stream.buffer import read_ahead
from stream.errors import DecodeError, SourceError
from stream.pictures import UnseenPicture
from stream.server.client import parcels
from stream.server.client.parcels import Parcel
from stream.types import Frame

UNSEEN = UnseenPicture("is elsewhere", 64, 48)


def parcel(index: int, every: int = 10) -> Parcel:
    return Parcel(Frame(UNSEEN, index / 10, 0), None, index % every == 0)


def offsets(found: list[Parcel]) -> list[int]:
    return [round(one.frame.offset_s * 10) for one in found]


def test_what_finds_no_room_takes_all_with_it_up_to_the_next_key_frame() -> None:
    groups = parcels._Groups()
    assert all(groups.put(parcel(index)) for index in range(parcels.ROOM + 14))  # 256, in the midst of a group
    groups.end()
    assert offsets(list(groups)) == list(range(260, 270))
    assert groups.drops() == Counter(backlog=260)


def test_it_begins_with_a_key_frame() -> None:
    groups = parcels._Groups()
    for index in range(7, 13):
        groups.put(parcel(index))
    groups.end()
    assert offsets(list(groups)) == [10, 11, 12]
    assert groups.drops() == Counter(backlog=3)


def test_what_the_source_ended_with_comes_after_what_was_read() -> None:
    def torn() -> Iterator[Parcel]:
        yield parcel(0)
        raise SourceError("torn")

    stream = read_ahead("it", torn(), parcels._Groups(), lambda _cause, _count: None)
    assert offsets([next(stream)]) == [0]
    with pytest.raises(SourceError, match="torn"):
        next(stream)


def test_a_picture_that_is_elsewhere_has_a_size_and_no_pixels() -> None:
    assert (UNSEEN.width_px, UNSEEN.height_px) == (64, 48)
    with pytest.raises(DecodeError, match="this picture is elsewhere"):
        UNSEEN.rgb()
