"""Every sink takes what a session says, and its file is complete when the `with` ends, whatever ended it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stream import rooms
from stream.config import SessionSettings
from stream.errors import StreamError, Unusable
from stream.pictures import RgbPicture
from stream.pipeline import Session, run
from stream.sinks import open_sink
from stream.sinks.base import Sink
from stream.types import Frame
from tests.sinks.examples import EXAMPLES
from tests.toy import Shelf, Toy

SINKS = rooms.names("sinks")
pytestmark = pytest.mark.parametrize("name", SINKS)


def film(count: int = 45, fps: float = 30.0) -> list[Frame]:
    """Red, then green: two actions that begin and end, and two frames in three that the rate does not need."""
    pictures = [np.full((48, 64, 3), (250, 0, 0), np.uint8), np.full((48, 64, 3), (0, 250, 0), np.uint8)]
    return [Frame(RgbPicture(pictures[i >= count // 2]), i / fps, 0) for i in range(count)]


def session() -> Session:
    return Session(Toy(), SessionSettings(smoothing_s=0, min_duration_s=0))


@pytest.fixture
def target(name: str, tmp_path: Path) -> Iterator[str]:
    assert name in EXAMPLES, f"tests/sinks/examples.py has no line for the sink {name!r}"
    file = EXAMPLES[name]
    yield str(tmp_path / file) if file else "-"


def is_complete(target: str) -> bool:
    return target == "-" or Path(target).stat().st_size > 0


def test_it_takes_a_whole_stream(name: str, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    with open_sink(name, target) as sink:
        run(Shelf(film()), session(), sink.send)
    assert is_complete(target)
    assert target != "-" or capsys.readouterr().out


def test_what_it_wrote_is_complete_when_the_stream_is_interrupted(name: str, target: str) -> None:
    def interrupted(sink: Sink) -> None:
        with sink:
            run(Shelf(film(), KeyboardInterrupt()), session(), sink.send)

    with pytest.raises(KeyboardInterrupt):
        interrupted(open_sink(name, target))
    assert is_complete(target)


def test_a_stream_without_frames_is_no_error_of_the_sink(name: str, target: str) -> None:
    with open_sink(name, target) as sink, pytest.raises(Unusable):
        run(Shelf([]), session(), sink.send)


def test_where_it_cannot_write_it_says_so(name: str, tmp_path: Path) -> None:
    suffix = Path(EXAMPLES[name] or "x").suffix
    with pytest.raises(StreamError, match="nowhere"), open_sink(name, str(tmp_path / "nowhere" / f"file{suffix}")):
        pass


def test_it_says_nothing_of_a_frame_that_was_not_used(
    name: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_sink(name, target) as sink:
        sink.send(film()[0], None)
    assert "0" not in capsys.readouterr().out
