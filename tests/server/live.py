"""A real server in a process of its own, a small real network for it, and a plain client."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from queue import SimpleQueue

import av
import grpc
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from stream import cards
from stream.cards import Card
from stream.decode import decode_image, encode_jpeg
from stream.exporters.onnx import encode
from stream.nets import movinet
from stream.pictures import RgbPicture
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc

ROOT = Path(__file__).parents[2]
CARD = Card(
    name="tiny",
    architecture="movinet",
    variant="t0",
    side_px=32,
    fps=10.0,
    labels=("ash", "birch", "cedar", "elm", "fir"),
    memory_s=2.0,
    licence="Apache-2.0",
    source="made by a test",
)


def write_model(folder: Path, change: Callable[[movinet.MoViNet], object] = lambda _: None) -> Path:
    """Write a MoViNet-T0 with random weights whose answers change with what it sees; return its card's path.

    Args:
        folder: where to.
        change: what else is done to the weights, for a model that is another under the same name.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # of so small a net, threads wait for one another, and on a busy machine for very long
    try:
        net = _net()
    finally:
        torch.set_num_threads(threads)
    with torch.no_grad():
        change(net)
    content = encode(net, CARD)
    (folder / "tiny.onnx").write_bytes(content)
    card = replace(CARD, weights="tiny.onnx", sha256=hashlib.sha256(content).hexdigest())
    (folder / "tiny.toml").write_text(cards.dump(card))
    return folder / "tiny.toml"


def _net() -> movinet.MoViNet:
    """Set the batch norms by what the net sees, and the last layer so that each logit has mean 0 and deviation 3."""
    generator = torch.Generator().manual_seed(7)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(7)
        net = movinet.build(CARD)
        for name, parameter in net.named_parameters():
            if name.endswith(".scale"):
                parameter.fill_(0.7)
            if name.endswith(".norm.weight"):
                parameter.uniform_(0.5, 1.5)
        for norm in (part for part in net.modules() if isinstance(part, torch.nn.modules.batchnorm._BatchNorm)):
            norm.momentum = None
        net.train()(_clips(generator), net.init_state(32))
        logits = net.eval()(_clips(generator), net.init_state(32))[0]  # (32, K)
        net.classifier.weight.mul_((3 / logits.std(0)).reshape(-1, *[1] * (net.classifier.weight.ndim - 1)))
        net.classifier.bias.copy_((net.classifier.bias - logits.mean(0)) * 3 / logits.std(0))
    return net


def _clips(generator: torch.Generator) -> Tensor:
    """Return (32, 3, 6, 32, 32): coloured patches that change a little from frame to frame."""
    patches = torch.rand(32, 3, 1, 4, 4, generator=generator) + 0.15 * torch.randn(32, 3, 6, 4, 4, generator=generator)
    wide = functional.interpolate(patches.clamp(0, 1).flatten(1, 2), size=32, mode="bilinear")
    return wide.reshape(32, 3, 6, 32, 32)


@cache
def jpegs(count: int, seed: int = 0, side_px: int = 48) -> tuple[bytes, ...]:
    """Return pictures that keep a scene for half a second or so each."""
    rng = np.random.default_rng(seed)
    made: list[bytes] = []
    scene = rng.random((4, 4, 3))
    for _ in range(count):
        if rng.random() < 0.2:
            scene = rng.random((4, 4, 3))
        patches = (255 * np.clip(scene + 0.1 * rng.standard_normal(scene.shape), 0, 1)).astype(np.uint8)
        scale = side_px // 4
        made.append(encode_jpeg(RgbPicture(np.ascontiguousarray(patches.repeat(scale, 0).repeat(scale, 1)))))
    return tuple(made)


@dataclass(frozen=True)
class Server:
    """A running `stream-serve`."""

    process: subprocess.Popen[str]
    address: str
    log: list[str]
    http: str = ""
    """Address of metrics and health, where it was asked for."""
    page: str = ""
    """Address of the page for phones, where it was asked for."""

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        with grpc.insecure_channel(self.address) as channel:
            yield channel

    def talk(self, requests: Iterable[pb.RecognizeRequest], timeout_s: float = 60) -> list[pb.RecognizeResponse]:
        """Send these, half-close, and return every reply."""
        with self.channel() as channel:
            return list(rpc.RecognitionServiceStub(channel).Recognize(iter(requests), timeout=timeout_s))

    def kill(self) -> None:
        """End it at once, and come back when it has gone: on a busy machine it goes on answering for a while."""
        self.process.kill()
        self.process.wait()

    def describe(self) -> pb.DescribeResponse:
        with self.channel() as channel:
            return rpc.RecognitionServiceStub(channel).Describe(pb.DescribeRequest(), timeout=10)


@contextmanager
def running(model: Path, *flags: str, **variables: str) -> Iterator[Server]:
    """Start a server on a free port, with variables in its environment; end it, and hold it to a clean end."""
    with started(model, *flags, **variables) as server:
        yield server
    assert server.process.returncode == 0, "".join(server.log)
    assert "Traceback" not in "".join(server.log), "".join(server.log)


@contextmanager
def started(model: Path, *flags: str, within: tuple[str, ...] = (), **variables: str) -> Iterator[Server]:
    """Start a server that may come to any end; `within` is a command that runs the rest of its line."""
    command = [*within, sys.executable, "-m", "stream.cli.serve", "--port", "0", "--model", str(model), *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    log: list[str] = []
    reader = threading.Thread(target=lambda: log.extend(process.stderr or ()), daemon=True)
    reader.start()
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on "), "".join(log)
        http = process.stdout.readline().split()[-1] if "--http-port" in flags else ""
        page = process.stdout.readline().split()[-1] if "--web" in flags else ""
        yield Server(process, line.split()[-1], log, http, page)
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            reader.join(5)
            process.stdout.close()
            assert process.stderr
            process.stderr.close()


def wait_for(truth: Callable[[], bool], limit_s: float = 20.0) -> None:
    """Wait until it is true; where more runs than the machine has processors, as much longer as each gets less."""
    began_s = time.monotonic()
    while not truth():
        waited_s = time.monotonic() - began_s
        assert waited_s < limit_s or waited_s < limit_s * slowness(), "it did not come true in time"
        time.sleep(0.02)


def slowness() -> float:
    """Say how many times longer a program takes for what it does here than alone, 10 at most."""
    if not hasattr(os, "getloadavg"):
        return 1.0
    return min(10.0, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))


def write_video(path: Path, pictures: Iterable[bytes], fps: int = 10) -> Path:
    """Write JPEGs as a video."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=fps)
        shots = list(map(decode_image, pictures))
        video.width, video.height = shots[0].width_px, shots[0].height_px
        for shot in shots:
            container.mux(video.encode(av.VideoFrame.from_ndarray(shot.rgb(), "rgb24")))
        container.mux(video.encode())
    return path


class Line:
    """Requests sent one at a time, as a test decides; iterates them for gRPC."""

    def __init__(self, *first: pb.RecognizeRequest) -> None:
        self._queue: SimpleQueue[pb.RecognizeRequest | None] = SimpleQueue()
        self.say(*first)

    def say(self, *requests: pb.RecognizeRequest) -> None:
        for request in requests:
            self._queue.put(request)

    def close(self) -> None:
        self._queue.put(None)

    def __iter__(self) -> Iterator[pb.RecognizeRequest]:
        return iter(self._queue.get, None)


def config(**fields: object) -> pb.RecognizeRequest:
    return pb.RecognizeRequest(config=pb.Config(**fields))


def frame(sequence: int, offset_s: float, image: bytes = b"", **fields: object) -> pb.RecognizeRequest:
    return _at(offset_s, pb.Frame(sequence=sequence, **(fields or {"image": image})))


def bare(sequence: int) -> pb.RecognizeRequest:
    return _at(0, pb.Frame(sequence=sequence))


def _at(offset_s: float, message: pb.Frame) -> pb.RecognizeRequest:
    message.offset.FromMicroseconds(round(offset_s * 1e6))
    return pb.RecognizeRequest(frame=message)


def film(pictures: Iterable[bytes], fps: float = 10.0) -> list[pb.RecognizeRequest]:
    """Return a frame for each picture, numbered from 1, at an even rate."""
    return [frame(number + 1, number / fps, picture) for number, picture in enumerate(pictures)]


def updates(replies: Iterable[pb.RecognizeResponse]) -> list[pb.Update]:
    return [reply.update for reply in replies if reply.HasField("update")]


def answers(replies: Iterable[pb.RecognizeResponse]) -> list[pb.Update]:
    """Return what must not depend on anything but the frames: all but age and drops."""
    said = updates(replies)
    for update in said:
        update.ClearField("age")
        update.ClearField("drops")
    return said
