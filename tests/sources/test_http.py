"""Cameras over HTTP."""

import re
import subprocess
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from stream.buffer import frames
from stream.errors import SourceError, SourceRefused, UsageError
from stream.sources import open_source
from tests.sources import web_camera


def first(uri: str, count: int) -> list[float]:
    with open_source(uri, timeout_s=10.0) as source:
        stream = frames(source, "wait")
        found = [frame.offset_s for frame in islice(stream, count)]
        stream.close()
        return found


@pytest.fixture
def camera(clip: Path, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    web_camera.write_parts(clip, tmp_path)
    with web_camera.serving(clip, tmp_path) as camera:
        yield camera


def test_mjpeg_comes_at_the_cameras_own_pace(camera: tuple[str, object]) -> None:
    found = first(f"{camera[0]}/video", 25)
    assert 0.5 < found[-1] < 20


def test_hls_is_played_at_its_own_pace_to_its_end(camera: tuple[str, object]) -> None:
    began_s = time.monotonic()
    found = first(f"{camera[0]}/live.m3u8", 1000)
    assert len(found) == 20
    assert found[-1] == pytest.approx(1.9, abs=0.01)
    assert time.monotonic() - began_s > 1.9


def test_a_playlist_opens_no_file(camera: tuple[str, object], clip: Path, tmp_path: Path) -> None:
    playlist = tmp_path / "live.m3u8"
    playlist.write_text(re.sub(r"live\d\.ts", f"file://{clip}", playlist.read_text()))
    with pytest.raises(SourceError):
        first(f"{camera[0]}/live.m3u8", 5)


def test_a_redirection_is_not_followed(camera: tuple[str, subprocess.Popen[str]]) -> None:
    address, process = camera
    with pytest.raises(SourceError, match="cannot open http://127"):
        first(f"{address}/elsewhere", 1)
    process.kill()
    assert process.stdout
    assert process.stdout.read() == "/elsewhere\n"


def test_a_login_opens_it_and_another_is_refused(camera: tuple[str, object]) -> None:
    asks = f"{camera[0]}/asks".replace("http://", "http://bob:s3cret@")
    assert len(first(asks, 3)) == 3
    with pytest.raises(SourceRefused) as caught:
        first(asks.replace("s3cret", "wr0ng"), 3)
    assert not any(word in str(caught.value) for word in ("bob", "wr0ng"))


@pytest.mark.parametrize("uri", ["http://", "http:///video", "http://host:x/", "https://bob:s3@cret@/"])
def test_what_is_no_address_is_answered_with_what_is(uri: str) -> None:
    with pytest.raises(UsageError, match=r"accepted: http://user:password@host:80/path") as caught:
        open_source(uri)
    assert "cret" not in str(caught.value)


def test_what_must_not_be_shown_is_not() -> None:
    source = open_source("http://bob:s3cret@cam.example/video?token=s3cret")
    assert source.uri == "http://cam.example/video"
    assert "s3cret" not in repr(vars(source).values())
