"""Nothing that a client, a camera or a playlist says makes the server open another address: listeners that count."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import grpc
import pytest

from stream.buffer import frames
from stream.errors import StreamError
from stream.sources import open_source
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server import live
from tests.server.live import Server, config, film, jpegs

Say = Callable[[str], None]
HOSTS = (
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "localhost", "localhost."),
    *("[::ffff:127.0.0.1]", "[::1]", "127.0.0.1.", "%31%32%37.0.0.1", "bob@127.0.0.1", "example.com#@127.0.0.1"),
)
"""Ways to write this machine."""
SCHEMES = (
    *("http", "https", "rtsp", "rtsps", "rtmp", "tcp", "udp", "tls", "ftp", "sftp", "gopher", "hls+http", "mmsh"),
    *("srt", "icecast", "tee:http", "crypto+http", "cache:http", "async:http", "subfile,,start,0,end,9,,:http"),
)
WORDS = (
    *("/etc/passwd", "file:///etc/passwd", "../../etc/passwd", "pipe:0", "data:image/png;base64,AAAA", "camera://0"),
    *("/dev/video0", "/proc/self/environ", "concat:/etc/passwd|/etc/passwd", "synthetic://gestures", "fd:0"),
)


class Listener:
    """A port of this machine that counts who comes."""

    def __init__(self, server: socket.socket) -> None:
        self.port, self.hits = server.getsockname()[1], list[bytes]()


@contextmanager
def listening(answer: Callable[[bytes], bytes] = lambda _: b"") -> Iterator[Listener]:
    """Listen on IPv4 and IPv6; answer everything in one way."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        listener = Listener(server)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line, suppress(OSError):
                        line.settimeout(2)
                        asked = line.recv(4096)
                        listener.hits.append(asked)
                        line.sendall(answer(asked))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with live.running(model) as server:
        yield server


def addresses(port: int) -> list[str]:
    """Return this machine's port in every spelling that is known."""
    urls = [f"{scheme}://{host}:{port}/x" for scheme in SCHEMES for host in HOSTS]
    return [*urls, *(url.upper() for url in urls[:: len(HOSTS)]), *WORDS]


def test_no_field_of_a_client_opens_anything(server: Server, say: Say) -> None:
    with listening() as victim, server.channel() as channel:
        stub, asked = rpc.RecognitionServiceStub(channel), 0
        for address in addresses(victim.port):
            with pytest.raises(grpc.RpcError) as caught:
                next(stub.Watch(pb.WatchRequest(source=address), timeout=30))
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND
            with pytest.raises(grpc.RpcError) as caught:
                next(stub.Recognize(iter([config(model=address)]), timeout=30))
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND
            asked += 2
        pictures = [form(address).encode() for address in addresses(victim.port) for form in FORMS]
        replies = server.talk([config(), *film(pictures)], 120)
        kinds = {reply.WhichOneof("message") for reply in replies[1:-1]}
        assert kinds == {"frame_error"}
        assert victim.hits == []
    say(f"{asked} names and {len(pictures)} pictures that are addresses: 0 connections")


FORMS: tuple[Callable[[str], str], ...] = (
    str,
    lambda url: f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n",
    lambda url: f"ffconcat version 1.0\nfile '{url}'\n",
    lambda url: f"v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 0 RTP/AVP 96\r\na=control:{url}\r\n",
    lambda url: f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>',
)
"""Files that send whoever reads them elsewhere."""


def refused(uri: str) -> None:
    """Read a source to its end, which is an error."""
    with pytest.raises(StreamError), open_source(uri, timeout_s=3.0) as source:
        stream = frames(source)
        try:
            list(islice(stream, 3))
        finally:
            stream.close()


@pytest.mark.parametrize("kind", ["rtsp", "http"])
def test_a_camera_sends_nowhere_in_any_spelling(kind: str, say: Say) -> None:
    with listening() as victim:
        for host in HOSTS:
            to = f"{kind}://{host}:{victim.port}/internal"
            protocol = "RTSP/1.0 302 Found\r\nCSeq: 1" if kind == "rtsp" else "HTTP/1.1 302 Found\r\nContent-Length: 0"
            answer = f"{protocol}\r\nLocation: {to}\r\n\r\n".encode()
            with listening(lambda _, answer=answer: answer) as camera:
                refused(f"{kind}://127.0.0.1:{camera.port}/cam")
                assert camera.hits
        assert victim.hits == []
    say(f"{len(HOSTS)} spellings: 0 connections")


def play(part: str) -> None:
    """Read a playlist that has one part."""
    text = FORMS[1](part) + "#EXT-X-ENDLIST\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\nContent-Type: application/x-mpegURL\r\n\r\n"
    with listening(lambda _: (head + text).encode()) as camera:
        refused(f"http://127.0.0.1:{camera.port}/live.m3u8")


def test_a_playlist_opens_nothing_but_http(tmp_path: Path, say: Say) -> None:
    schemes = [scheme for scheme in SCHEMES if scheme not in ("http", "https")]
    with listening() as victim:
        targets = [*(f"{scheme}://127.0.0.1:{victim.port}/x.ts" for scheme in schemes), *WORDS]
        for target in targets:
            play(target)
        assert victim.hits == []
        play(f"http://127.0.0.1:{victim.port}/x.ts")
        assert victim.hits, "an address of its own kind is followed: the playlist is read"
    say(f"{len(targets)} parts that are elsewhere: 0 connections")


def test_a_client_still_gets_labels_afterwards(server: Server) -> None:
    assert len(server.talk([config(), *film(jpegs(5))])) == 7
