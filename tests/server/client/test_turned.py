"""Films stored lying, through a server: seen as they are seen here."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream import recogniser
from stream.config import SessionSettings
from stream.errors import Unusable, UsageError
from stream.orientation import Orientation
from stream.pipeline import run
from stream.server.client import pusher
from stream.server.wire import heard
from stream.sources import open_source
from stream.types import Update
from stream.v1 import recognition_pb2 as pb
from tests import turned
from tests.server.live import Server


def here(model: Path, path: Path) -> list[Update]:
    found: list[Update] = []
    with open_source(str(path)) as source:
        session = recogniser.load(str(model)).session(SessionSettings(top_k=5))
        run(source, session, lambda _, update: found.extend([update] if update else []))
    return found


@pytest.mark.parametrize("way", turned.WAYS[1:5], ids=str)
def test_packets_are_seen_as_their_film_stands(server: Server, model: Path, tmp_path: Path, way: Orientation) -> None:
    path = turned.write(tmp_path / "lying.mp4", way, aspect=Fraction(4, 3))
    ours, theirs = here(model, path), list[Update]()
    with open_source(str(path)) as source:
        take = lambda _, update: theirs.extend([update] if update else [])  # noqa: E731
        options = {"needs_pictures": False, "is_encoded": True, "settings": SessionSettings(top_k=5)}
        pusher.watch(source, server.address, take, **options)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert other.offset_s == pytest.approx(one.offset_s, abs=1e-6)
        mine, told = ({label.name: label.probability for label in said.labels} for said in (one, other))
        np.testing.assert_allclose([told[name] for name in mine], list(mine.values()), atol=1e-4)


def test_a_film_of_which_nothing_can_be_read_is_an_error_through_a_server_too(server: Server, tmp_path: Path) -> None:
    path = turned.write(tmp_path / "a.mp4", turned.WAYS[0])
    content = bytearray(path.read_bytes())
    begin = content.index(b"mdat")
    size = int.from_bytes(content[begin - 4 : begin], "big") - 8
    content[begin + 4 : begin + 4 + size] = b"\xff" * size
    path.write_bytes(content)
    for is_encoded in (True, False):
        with open_source(str(path)) as source, pytest.raises(Unusable, match=r"not one frame could be used: \d+ could"):
            pusher.watch(source, server.address, lambda *_: None, needs_pictures=False, is_encoded=is_encoded)


def test_what_cannot_be_turned_so_is_refused_with_what_can() -> None:
    lying = pb.VideoFormat(codec=pb.CODEC_H264, orientation=pb.Orientation(quarter_turns=4))
    with pytest.raises(UsageError, match=r"quarter_turns is 4; accepted: 0 to 3"):
        heard.video(pb.Config(video=lying))
    with pytest.raises(UsageError, match=r"pixel_aspect is 9\.0; accepted: 0\.25 to 4"):
        heard.video(pb.Config(video=pb.VideoFormat(codec=pb.CODEC_H264, pixel_aspect=9.0)))
    plain = heard.video(pb.Config(video=pb.VideoFormat(codec=pb.CODEC_H264)))
    assert plain == heard.Video("h264")
