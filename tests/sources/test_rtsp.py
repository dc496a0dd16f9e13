"""A real RTSP server, killed and frozen under us."""

import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice

import pytest

from stream.buffer import frames
from stream.errors import SourceError, SourceTimeout, UsageError
from stream.sources import open_source
from tests.sources.network_camera import NetworkCamera

TIMEOUT_S = 1.5
SECRET = "s3cret%2Fword"


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    with NetworkCamera() as camera:
        yield camera


def first(uri: str, count: int) -> list[float]:
    with open_source(uri, timeout_s=5.0) as source:
        stream = frames(source)
        found = [frame.offset_s for frame in islice(stream, count)]
        stream.close()
        return found


@pytest.mark.parametrize("transport", ["", "#transport=udp"])
def test_frames_arrive_at_the_cameras_rate(camera: NetworkCamera, transport: str) -> None:
    found = first(camera.uri + transport, 30)
    assert 0 <= found[0] < 1  # a busy machine drops old frames, the first ones too
    assert 0.9 < found[-1] - found[0] < 3.0  # 29 intervals at 25 fps, and those of dropped frames


def test_a_killed_camera_is_an_error_at_once(camera: NetworkCamera) -> None:
    with open_source(camera.uri, timeout_s=5.0) as source, pytest.raises(SourceError, match="the stream ended"):
        for index, _frame in enumerate(frames(source)):
            if index == 10:
                camera.kill()
                begin_s = time.monotonic()
    assert time.monotonic() - begin_s < 1


def test_a_frozen_camera_is_noticed_within_two_timeouts(camera: NetworkCamera) -> None:
    with (
        open_source(camera.uri, timeout_s=TIMEOUT_S) as source,
        pytest.raises(SourceTimeout, match=r"nothing came for 1\.5 s"),
    ):
        for index, _frame in enumerate(frames(source)):
            if index == 10:
                camera.freeze()
                begin_s = time.monotonic()
    assert TIMEOUT_S * 0.9 < time.monotonic() - begin_s < 2 * TIMEOUT_S


def test_leaving_a_frozen_camera_leaves_no_thread_behind(camera: NetworkCamera) -> None:
    before = threading.enumerate()
    with open_source(camera.uri, timeout_s=TIMEOUT_S) as source:
        stream = frames(source)
        next(stream)
        camera.freeze()
        stream.close()
    for thread in set(threading.enumerate()) - set(before):
        thread.join(2 * TIMEOUT_S)
    assert threading.enumerate() == before


def test_a_login_opens_it_and_is_shown_nowhere() -> None:
    with NetworkCamera("bob", SECRET.replace("%2F", "/")) as camera:
        good = camera.uri.replace("s3cret/word", SECRET)
        assert len(first(good, 5)) == 5
        for bad in (
            good.replace("s3cret", "s4cret"),
            good.replace("/cam", "/other"),
            good.replace(str(camera.port), "1"),
        ):
            with pytest.raises(SourceError) as caught, open_source(bad):
                pass
            told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__cause__)
            assert "cannot open rtsp://127.0.0.1" in told
            assert not any(word in told for word in ("bob", "s3cret", "s4cret", "word"))


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("rtsp://bob:s3cret@cam.example:8554/live/1", "rtsp://cam.example:8554/live/1"),
        ("rtsps://bob:s3cret@cam.example/live", "rtsps://cam.example/live"),
        ("rtsp://cam.example/user=bob&password=s3cret&channel=1.sdp", None),
        ("rtsp://cam.example/live?user=bob&token=s3cret", "rtsp://cam.example/live"),
    ],
)
def test_a_password_is_not_shown(uri: str, shown: str | None) -> None:
    source = open_source(uri)
    assert "s3cret" not in source.uri + repr(vars(source).values())
    assert shown in (None, source.uri)


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://",
        "rtsp:///live",
        "rtsp://bob:s3#cret@cam/",
        "rtsp://bob:s3/cret@cam/",
        "rtsp://bob:s3?cret@cam/",
        "rtsp://cam/#transport=smoke",
    ],
)
def test_what_is_no_camera_is_answered_with_what_is(uri: str) -> None:
    with pytest.raises(UsageError, match=r"accepted: rtsp://user:password@host:554/path") as caught:
        open_source(uri)
    assert "cret" not in str(caught.value)


def test_a_camera_that_sends_elsewhere_is_not_followed() -> None:
    hits: list[bytes] = []
    with _listening(lambda line: hits.append(line.recv(100))) as victim:
        answer = f"RTSP/1.0 302 Found\r\nCSeq: 1\r\nLocation: rtsp://127.0.0.1:{victim}/internal\r\n\r\n".encode()
        with (
            _listening(lambda line: (line.recv(1000), line.sendall(answer))) as port,
            pytest.raises(
                SourceError, match=r"rtsp://127.0.0.1:\d+/cam sends to another address \(status 302\)"
            ) as caught,
        ):
            first(f"rtsp://bob:s3cret@127.0.0.1:{port}/cam", 1)
    assert "s3cret" not in str(caught.value)
    assert hits == []


@contextmanager
def _listening(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Answer every connection in one way; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = server.accept()
                    line.settimeout(TIMEOUT_S)  # who connects may say nothing
                    with line, suppress(OSError):
                        answer(line)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(2 * TIMEOUT_S)
            assert not thread.is_alive()
