"""Cameras that do things their own way: one caller at a time, strange logins, MJPEG that is not quite multipart."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from stream.buffer import frames
from stream.errors import SourceError, UsageError
from stream.sources import open_source
from tests.sources import web_camera

Answer = Callable[[socket.socket, int], None]


@contextlib.contextmanager
def listening(answer: Answer) -> Iterator[int]:
    """Serve one connection at a time with `answer`, which is given its number; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10.0)

        def serve() -> None:
            with contextlib.suppress(OSError):
                for number in range(20):
                    line, _ = server.accept()
                    with line, contextlib.suppress(OSError):
                        line.settimeout(10.0)
                        answer(line, number)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
    thread.join(0.1)


def asked(line: socket.socket) -> str:
    """Read what is asked; return its first line, blank at the end."""
    head = b""
    while b"\r\n\r\n" not in head and (more := line.recv(4096)):
        head += more
    return head.partition(b"\r\n")[0].decode()


def test_a_camera_is_hung_up_on_before_it_is_called_again() -> None:
    calls: list[tuple[int, str]] = []

    def answer(line: socket.socket, number: int) -> None:
        while question := asked(line):  # the next caller waits until this one has hung up
            calls.append((number, question.split()[0]))
            code = "200 OK" if question.startswith("OPTIONS") else "404 Not Found"
            line.sendall(f"RTSP/1.0 {code}\r\nCSeq: {len(calls)}\r\nPublic: DESCRIBE\r\n\r\n".encode())

    with listening(answer) as port, pytest.raises(SourceError, match=r"Not Found|not found"):
        open_source(f"rtsp://127.0.0.1:{port}/cam", timeout_s=3.0).__enter__()
    assert calls[:2] == [(0, "OPTIONS"), (0, "DESCRIBE")]
    assert {number for number, _ in calls} == {0, 1}


@pytest.mark.parametrize(
    ("logins", "words"),
    [
        (
            ['Digest realm="cam", nonce="1", algorithm=SHA-256'],
            "wants a login by Digest with SHA-256, which FFmpeg cannot",
        ),
        (['Digest realm="cam", nonce="1", algorithm="SHA-512-256"'], "Digest with SHA-512-256"),
        (
            ['Digest realm="c", nonce="1", algorithm=SHA-256', 'Digest realm="c", nonce="1"'],
            "Unauthorized|authorization",
        ),
        (['Basic realm="cam"'], "Unauthorized|authorization"),
    ],
)
def test_a_login_that_ffmpeg_lacks_is_named_and_no_other(logins: list[str], words: str) -> None:
    def answer(line: socket.socket, _number: int) -> None:
        for place in range(8):
            if not asked(line):
                return
            wanted = "".join(f"WWW-Authenticate: {login}\r\n" for login in logins)
            line.sendall(f"RTSP/1.0 401 Unauthorized\r\nCSeq: {place + 1}\r\n{wanted}\r\n".encode())

    with listening(answer) as port, pytest.raises(SourceError, match=words) as caught:
        open_source(f"rtsp://bob:s3cret@127.0.0.1:{port}/cam", timeout_s=3.0).__enter__()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("password", ["p[a]ss", "50%off", "a]b[", "%", "p%5Bq"])
@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_password_may_hold_brackets_and_percent_signs(scheme: str, password: str) -> None:
    source = open_source(f"{scheme}://bob:{password}@10.0.0.9/live")
    assert source.uri == f"{scheme}://10.0.0.9/live"
    assert password not in repr(source._media)  # type: ignore[attr-defined]


def test_an_address_that_is_none_shows_nothing_of_its_login() -> None:
    for uri in ("rtsp://bob:s3[cret@[fe80/x", "http://bob:s3cret@[/x"):
        with pytest.raises(UsageError) as caught:
            open_source(uri)
        assert "s3" not in f"{caught.value}{caught.value.__cause__}"


@pytest.mark.parametrize("manner", ["no first boundary", "junk first", "length too small", "length too large"])
def test_mjpeg_plays_however_its_parts_are_marked(clip: Path, manner: str) -> None:
    jpegs = web_camera.pictures(clip)

    def answer(line: socket.socket, _number: int) -> None:
        asked(line)
        line.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=part\r\n\r\n")
        line.sendall(b"\0\0junk\r\n" if manner == "junk first" else b"")
        wrong = {"length too small": -30, "length too large": 30}.get(manner, 0)
        for place in range(400):
            jpeg = jpegs[place % len(jpegs)]
            line.sendall(b"" if manner == "no first boundary" and not place else b"--part\r\n")
            line.sendall(f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg) + wrong}\r\n\r\n".encode())
            line.sendall(jpeg + b"\r\n")
            threading.Event().wait(0.02)

    with listening(answer) as port, open_source(f"http://127.0.0.1:{port}/video", timeout_s=5.0) as source:
        stream = frames(source, "wait")
        found = list(islice(stream, 10))
        stream.close()
    assert all(frame.picture.width_px == 160 for frame in found)
    assert found[0].offset_s == 0.0
    assert len(found) == 10
