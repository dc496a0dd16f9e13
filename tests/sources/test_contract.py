"""What every source must do."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from stream import rooms
from stream.buffer import frames
from stream.sources import open_source
from tests.sources.examples import EXAMPLES

FEW = 30
"""Count: frames taken from a source that has no end."""


@pytest.fixture(params=rooms.names("sources"))
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    assert request.param in EXAMPLES, f"tests/sources/examples.py has no example for {request.param!r}"
    with EXAMPLES[request.param](tmp_path) as example:
        yield example


def test_frames_are_rgb_in_order_timed_and_they_end(uri: str) -> None:
    begin_ns = time.monotonic_ns()
    with open_source(uri) as source, closing(frames(source, "wait")) as stream:
        found = list(islice(stream, FEW) if source.is_live else stream)
        assert source.fps is None or 0 < source.fps <= 1000
    offsets, arrivals = [frame.offset_s for frame in found], [frame.arrival_ns for frame in found]
    assert len(found) >= 20
    assert offsets[0] == 0
    assert all(type(offset) is float for offset in offsets)
    assert np.all(np.diff(offsets) > 0)
    assert [begin_ns, *arrivals] == sorted([begin_ns, *arrivals])
    assert arrivals[-1] <= time.monotonic_ns()
    for frame in found[::7]:
        picture = frame.picture.rgb()
        assert picture.dtype == np.uint8
        assert picture.shape == (frame.picture.height_px, frame.picture.width_px, 3)
        assert frame.picture.rgb(40, 30).shape == (30, 40, 3)


def test_frames_outlive_their_source(uri: str) -> None:
    with open_source(uri) as source, closing(frames(source, "wait")) as stream:
        kept = list(islice(stream, 5))
        expected = [frame.picture.rgb(20, 20) for frame in kept]
    assert all(np.array_equal(frame.picture.rgb(20, 20), old) for frame, old in zip(kept, expected, strict=True))


def test_leaving_closes_it_and_it_opens_again(uri: str) -> None:
    before, files = threading.enumerate(), _open_files()
    for _ in range(2):
        with open_source(uri) as source, closing(frames(source)) as stream:
            next(stream)
        with pytest.raises(ZeroDivisionError), open_source(uri) as source, closing(frames(source)) as stream:
            next(stream)
            raise ZeroDivisionError
    assert threading.enumerate() == before
    assert _open_files() == files


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0
