"""The most that one stranger, one client with a token and one camera can take of a server, each measured."""

import contextlib
import http.server
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import h2.exceptions
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stream.server.access import clients
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.reliability.footprint import footprint, needs_proc
from tests.reliability.stranger import is_open, silent, stranger
from tests.reliability.watcher import configure
from tests.server import live
from tests.server.live import Server, config, film, frame, jpegs, wait_for

Say = Callable[[str], None]
RECOGNIZE = "/stream.v1.RecognitionService/Recognize"
ALONE = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1))
LARGE = 15 * 2**20
SECONDS = float(os.environ.get("ATTACK_S", "30"))
"""How long the server is under attack in the last test; 300 in `make chaos`."""
MOST_OF_GRPC = 4
"""Count of threads that gRPC may keep beside those it had."""

pytestmark = [needs_proc, pytest.mark.slow]


@contextlib.contextmanager
def peak(server: Server) -> Iterator[list[float]]:
    """Note the megabytes that a server holds more than before, at most."""
    before, found, is_over = footprint(server.process.pid).memory_mb, [0.0], threading.Event()

    def look() -> None:
        while not is_over.wait(0.02):
            found[0] = max(found[0], footprint(server.process.pid).memory_mb - before)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        is_over.set()
        watcher.join()


def works(server: Server, token: str) -> float:
    """Have an honest client with a token be answered; return the seconds it took."""
    began_s = time.monotonic()
    with grpc.insecure_channel(server.address, ALONE) as channel:
        call = rpc.RecognitionServiceStub(channel).Recognize
        replies = list(call(iter([config(), *film(jpegs(2))]), metadata=shown(token), timeout=60))
    assert len(replies) == 4
    return time.monotonic() - began_s


def shown(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def quietly(work: Callable[[], object]) -> Callable[[], None]:
    def quiet() -> None:
        with contextlib.suppress(grpc.RpcError, OSError):
            work()

    return quiet


def at_once(*work: Callable[[], object]) -> None:
    """Do all of this at once, whatever comes of it."""
    workers = [threading.Thread(target=quietly(one)) for one in work]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def strange(server: Server) -> None:
    """Do what somebody without a token can: large messages to every method, calls that take nothing."""
    large = health_pb2.HealthCheckRequest(service="x" * LARGE)
    with grpc.insecure_channel(server.address, ALONE) as channel, stranger(server.address, window=0) as one:
        with contextlib.suppress(h2.exceptions.TooManyStreamsError):  # as many as the server lets a connection have
            for _ in range(50):
                one.call("/grpc.health.v1.Health/Check")
                one.call(RECOGNIZE, ends=False)
        stub = health_pb2_grpc.HealthStub(channel)
        push = channel.stream_stream(RECOGNIZE, None, None)
        checks = [lambda: stub.Check(large, timeout=20)] * 16
        at_once(*checks, *[lambda: list(push(iter([bytes(LARGE)]), timeout=20))] * 16)


def greedy(server: Server, token: str, count: int) -> None:
    """Do what a client with a token can: fill every queue of its streams, and take slowly."""
    padding = b"\x12\x00\x7a\x80\x80\xc0\x06" + bytes(13 * 2**20)  # AV1 from which no picture comes

    def fill() -> None:
        with grpc.insecure_channel(server.address, ALONE) as channel:
            video = pb.VideoFormat(codec=pb.CODEC_AV1)
            asked = [config(video=video), *(frame(n, n / 10, packet=padding) for n in range(1, 9))]
            for _ in rpc.RecognitionServiceStub(channel).Recognize(iter(asked), metadata=shown(token), timeout=60):
                time.sleep(0.1)

    at_once(*[fill] * count)


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[str, str, Path]:
    path = tmp_path / "tokens.toml"
    return clients.add_token("honest", path), clients.add_token("greedy", path), path


def test_one_stranger_takes_no_place_little_memory_and_no_time(
    model: Path, tokens: tuple[str, str, Path], say: Say
) -> None:
    honest, _, path = tokens
    with live.running(model, "--tokens", str(path), "--max-connections", "40") as server:
        alone_s = works(server, honest)
        with peak(server) as found:
            worker = threading.Thread(target=lambda: [strange(server) for _ in range(3)])
            worker.start()
            time.sleep(0.5)
            beside_s = max(works(server, honest) for _ in range(5))
            worker.join()
        with silent(server.address, 60) as lines:
            time.sleep(1)
            count = sum(map(is_open, lines))
        wait_for(lambda: works(server, honest) < 30)
    assert count <= 40
    assert found[0] < 500
    say(
        f"{found[0]:.0f} MB at most while 16 messages of 15 MB come at once; no place; a stream beside it "
        f"{beside_s:.2f} s, alone {alone_s:.2f}; {count} of --max-connections 40"
    )


def test_one_client_with_a_token_takes_its_places_and_what_waits_in_them(
    model: Path, tokens: tuple[str, str, Path], say: Say
) -> None:
    honest, other, path = tokens
    flags = ("--tokens", str(path), "--max-streams", "8", "--max-streams-per-client", "4")
    with live.running(model, *flags) as server:
        alone_s = works(server, honest)
        with peak(server) as found:
            worker = threading.Thread(target=lambda: greedy(server, other, 6))
            worker.start()
            time.sleep(2)
            beside_s = max(works(server, honest) for _ in range(5))
            worker.join()
    assert found[0] < 1200
    say(
        f"{found[0]:.0f} MB at most by 4 streams (2 more refused) that push 13 MB a message; a stream beside them "
        f"{beside_s:.2f} s, alone {alone_s:.2f}"
    )


def test_one_camera_takes_its_worker_and_little_memory(model: Path, tmp_path: Path, say: Say) -> None:
    begin = jpegs(1)[0]
    size = begin[begin.index(b"\xff\xc0") :][:19]
    bomb = begin[:2] + size * 20_000 + begin[2:]

    class Camera(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=b")
            self.end_headers()
            with contextlib.suppress(OSError):
                for number in range(600):
                    data = begin if number % 2 else bomb
                    head = f"--b\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                    self.wfile.write(head.encode() + data + b"\r\n")
                    time.sleep(0.05)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera) as camera:
        threading.Thread(target=camera.serve_forever, args=(0.05,), daemon=True).start()
        text = f'[source.door]\nuri = "http://127.0.0.1:{camera.server_port}/"\n'
        with live.running(model, *configure(tmp_path, text)) as server, peak(server) as found:
            wait_for(lambda: _updates(server) > 20, 60)
            used_s = footprint(server.process.pid).cpu_s
            time.sleep(4)
            share = (footprint(server.process.pid).cpu_s - used_s) / 4
        camera.shutdown()
    assert found[0] < 150
    say(f"every second picture says its size 20,000 times: {found[0]:+.0f} MB, {share:.2f} of a core, labels go on")


def _updates(server: Server) -> int:
    with server.channel() as channel:
        stub = rpc.RecognitionServiceStub(channel)
        return sum(one.update_count for one in stub.ListSources(pb.ListSourcesRequest(), timeout=20).sources)


class Held:
    """What a server holds; gRPC keeps a few threads of its own as they come, one a processor and more."""

    def __init__(self, process: int) -> None:
        found = footprint(process)
        self.memory_mb, self.file_count = found.memory_mb, found.file_count
        names = Counter(path.read_text().strip() for path in Path(f"/proc/{process}/task").glob("*/comm"))
        self.of_grpc = names["event_engine"] + names["lifeguard"]
        self.thread_count = names.total() - self.of_grpc

    def is_as(self, before: "Held") -> bool:
        return (
            self.memory_mb < before.memory_mb + 10
            and self.file_count <= before.file_count + 1
            and self.thread_count <= before.thread_count
            and self.of_grpc <= before.of_grpc + MOST_OF_GRPC
        )

    def __repr__(self) -> str:
        threads = f"{self.thread_count} threads and {self.of_grpc} of gRPC's"
        return f"{self.memory_mb:.1f} MB, {threads}, {self.file_count} files"


@pytest.mark.timeout(SECONDS + 300)
def test_after_the_attack_all_is_as_before(model: Path, tokens: tuple[str, str, Path], say: Say) -> None:
    honest, other, path = tokens
    flags = ("--tokens", str(path), "--max-streams-per-client", "4", "--idle-timeout-s", "5")
    with live.running(model, *flags) as server:
        strange(server)
        greedy(server, other, 4)
        time.sleep(12)
        before, slowest_s, end_s = Held(server.process.pid), 0.0, time.monotonic() + SECONDS
        while time.monotonic() < end_s:
            worker = threading.Thread(target=lambda: at_once(lambda: strange(server), lambda: greedy(server, other, 4)))
            worker.start()
            slowest_s = max(slowest_s, works(server, honest))
            worker.join()
        with contextlib.suppress(AssertionError):
            wait_for(lambda: Held(server.process.pid).is_as(before), 90)
        after = Held(server.process.pid)
    assert after.is_as(before), (before, after)
    say(f"{SECONDS:g} s: {before!r} before, {after!r} after; honest streams {slowest_s:.2f} s at most")
