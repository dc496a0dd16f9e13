"""What people plugged in and got a wrong answer for, with the right one."""

import functools
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path

import pytest

from stream.buffer import frames
from stream.errors import CutShort, SourceError, StreamError, Unusable
from stream.pipeline import run
from stream.recogniser import load
from stream.sources import open_source
from stream.types import Phase, Update
from tests import clips
from tests.cases import case
from tests.encoding import encode
from tests.sources.network_camera import NetworkCamera

Event = tuple[str, float]


def watched(path: Path, **options: object) -> tuple[list[Event], int, StreamError | None]:
    """Watch a file with the default model: what began when, how many frames were used, and how it ended."""
    begun: list[Event] = []
    used: list[float] = []

    def send(_frame: object, update: Update | None) -> None:
        if update:
            used.append(update.offset_s)
            begun.extend((one.label, one.offset_s) for one in update.events if one.phase is Phase.BEGIN)

    end = None
    try:
        with open_source(str(path), **options) as source:
            run(source, load("gestures-a0").session(begin_threshold=0.5, end_threshold=0.35), send)  # far from any peak
    except StreamError as error:
        end = error
    return begun, len(set(used)), end


@functools.cache
def upright() -> list[Event]:
    begun, _, end = watched(case("swipes.mp4"))
    assert end is None
    assert begun[0] == ("swipe left", pytest.approx(2.5, abs=0.4))
    return begun


def alike(found: list[Event], wanted: list[Event]) -> bool:
    return [label for label, _ in found] == [label for label, _ in wanted] and [at_s for _, at_s in found] == (
        pytest.approx([at_s for _, at_s in wanted], abs=0.3)
    )


def test_a_film_stored_lying_is_seen_as_it_should_be() -> None:
    begun, _, end = watched(case("swipes-rot90.mp4"))
    assert end is None
    assert alike(begun, upright())


def test_the_film_behind_a_cover_is_the_film() -> None:
    begun, used_count, end = watched(case("coverfirst.mp4"))
    assert end is None
    assert used_count == 160
    assert alike(begun, upright())


def test_a_song_with_a_cover_is_no_video() -> None:
    _, _, end = watched(case("song.mp3"))
    assert isinstance(end, SourceError)
    assert "song.mp3 has no video; found: a cover picture, audio" in str(end)


@pytest.mark.parametrize("name", ["slow.mp4", "slow.avi", "slownoctts.mp4"])
def test_no_frame_is_lost_where_presentation_times_are_missing(name: str) -> None:
    begun, used_count, end = watched(case(name))
    assert (used_count, end) == (160, None)
    assert alike(begun, upright())


def test_damage_of_every_packet_is_an_error() -> None:
    begun, used_count, end = watched(case("scrambled.mp4"))
    assert (begun, used_count) == ([], 0)
    assert isinstance(end, Unusable)
    assert "not one frame could be used: 399 could not be read" in str(end)
    assert "h264" in str(end)


def test_a_film_without_its_index_is_an_error() -> None:
    _, used_count, end = watched(case("cut-no-index.mp4"))
    assert used_count == 0
    assert isinstance(end, SourceError)


def test_a_film_that_is_cut_short_is_told() -> None:
    begun, used_count, end = watched(case("cut-with-index.mp4"))
    assert isinstance(end, CutShort)
    assert "it says 16.00 s, and 3.36 s came" in str(end)
    assert used_count > 25
    assert alike(begun, upright()[:1])


def test_a_bare_stream_is_as_long_as_its_own_rate_makes_it() -> None:
    seen: list[float] = []
    with open_source(str(case("raw50.h264"))) as source:
        for packet in source:
            seen += [frame.offset_s for frame in source.decode(packet)]
    assert len(seen) == 800
    assert seen[-1] == pytest.approx(16 - 1 / 50, abs=1e-6)


def test_a_camera_joined_between_its_key_frames_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.buffer.WORDS_S", 1.0)
    server = case("rtsp_file.py")
    film = encode(tmp_path / "a.h264", map(clips.square, range(120)), 10, options={"g": "80", "tune": "zerolatency"})
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, server, str(port), str(film), "10"], stdout=subprocess.DEVNULL)
    try:
        time.sleep(1.5)  # so that it is joined between two
        told: list[str] = []
        with (
            open_source(f"rtsp://127.0.0.1:{port}/cam", timeout_s=3.0) as source,
            closing(frames(source, patience_s=3.0, tell=told.append)) as stream,
        ):
            assert next(stream).picture.width_px == 160
        assert any("waiting for a key frame" in words for words in told)
    finally:
        process.kill()
        process.wait()


@contextmanager
def running(*words: object, folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def reached(port: int) -> None:
    for _ in range(100):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.1)


MANNERS = "good noboundary nofirst nolength wronglength longlength notype quoted dashes mixed garbage login digest"


def test_mjpeg_plays_in_all_its_manners() -> None:
    port = free_port()
    with running(sys.executable, case("mjpeg_server.py"), port, folder=case("jpeg").parent):
        reached(port)
        for manner in MANNERS.split():
            login = "admin:s3cret@" if manner in ("login", "digest") else ""
            with (
                open_source(f"http://{login}127.0.0.1:{port}/{manner}", timeout_s=5.0) as source,
                closing(frames(source, "wait")) as stream,
            ):
                assert len(list(islice(stream, 5))) == 5, manner


@pytest.mark.parametrize("refusal", [(), ("refuse",)], ids=["waits", "refuses"])
def test_a_camera_that_serves_one_at_a_time_plays(refusal: tuple[str, ...]) -> None:
    port = free_port()
    with NetworkCamera() as camera, running(sys.executable, case("one_client.py"), port, camera.port, *refusal):
        time.sleep(1.0)  # a look whether it listens would be a caller
        with open_source(f"rtsp://127.0.0.1:{port}/cam", timeout_s=8.0) as source, closing(frames(source)) as stream:
            assert len(list(islice(stream, 5))) == 5


def test_a_camera_that_takes_sha_256_only_is_told() -> None:
    port, login = free_port(), 'Digest realm="cam", nonce="12", algorithm=SHA-256'
    with running(sys.executable, "-u", case("rtsp_login.py"), port, login):
        reached(port)
        with pytest.raises(SourceError, match="a login by Digest with SHA-256, which FFmpeg cannot"):
            open_source(f"rtsp://u:p@127.0.0.1:{port}/cam", timeout_s=5.0).__enter__()
