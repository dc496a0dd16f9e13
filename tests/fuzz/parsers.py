"""What takes a stranger's bytes: each with what it may raise, which is an error of ours and nothing else."""

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from stream import bitstream, cards, checkpoint, headers, labels
from stream.decode import CODECS, VideoDecoder, decode_image, decode_raw
from stream.errors import StreamError
from stream.importers import _archives, safetensors
from stream.importers._tflite_file import TfliteFile
from stream.onnxfile import OnnxFile
from stream.server.access import clients
from stream.server.configuration import settings
from stream.server.pushed.seal import Seal
from stream.server.wire import fields, heard
from stream.sources import _redirects
from stream.training import tables
from stream.v1 import recognition_pb2 as pb

CORPUS = Path(__file__).with_name("corpus")
ALLOWED = (StreamError, fields.Unreadable)
"""What a parser may raise, whatever it is given."""
MOST_PIXELS = 1 << 16
LIKE = {"pool": np.zeros((2, 3), np.float32), "count": np.zeros(1, np.uint64), "clock": np.zeros(1, np.float64)}
INNER = re.compile(r"(.*/)?saved_model\.pb")
_folder = tempfile.TemporaryDirectory()


def message(data: bytes) -> None:
    found = pb.RecognizeRequest.FromString(data)
    for read in (lambda: heard.opening(found, "name"), lambda: heard.incoming(found, 0)):
        try:
            read()
        except StreamError:
            continue
    config = found.config if found.HasField("config") else found.resume.config
    for check in (heard.video, heard.policy, heard.max_age_s, heard.checkpoint_frames, _settings):
        try:
            check(config)
        except StreamError:
            continue
    raw = found.frame.raw
    if found.frame.HasField("raw") and raw.pixel_format in heard.LAYOUTS:
        decode_raw(raw.data, raw.width_px, raw.height_px, heard.LAYOUTS[raw.pixel_format], MOST_PIXELS).rgb()


def _settings(config: Any) -> None:
    heard.settings(config, 5)


def picture(data: bytes) -> None:
    headers.look(data)
    decode_image(data, MOST_PIXELS, 32).rgb()


def packet(data: bytes) -> None:
    """The first byte chooses the codec, and whether lengths stand before units."""
    codec = tuple(CODECS)[data[0] % len(CODECS)] if data else "h264"
    for prefix in (0, 1, 2, 4):
        try:
            bitstream.check_packet(codec, data[1:], MOST_PIXELS, prefix)
        except StreamError:
            continue
    decoder = VideoDecoder(codec, max_pixels=MOST_PIXELS)
    decoder.decode(data[1:], 0)
    decoder.flush()


def resumed(data: bytes) -> None:
    checkpoint.unpack(Seal().take(data), LIKE, "a model")


def onnx(data: bytes) -> None:
    file = OnnxFile(data)
    for read in (lambda: file.metadata, lambda: file.check(["Conv", "Add"]), file.weights):
        try:
            read()
        except StreamError:
            continue


def tflite(data: bytes) -> None:
    file = TfliteFile(data)
    for index in range(min(len(file.tensors), 50)):
        try:
            file.constant(index)
        except StreamError:
            continue


def rtsp(data: bytes) -> None:
    class Camera:
        """Says the bytes, whatever it is asked."""

        said = data

        def sendall(self, _: bytes) -> None: ...

        def recv(self, count: int) -> bytes:
            now, self.said = self.said[:count], self.said[count:]
            return now

    _redirects._ask(Camera(), urlsplit("rtsp://user:secret@camera.example/x"))  # type: ignore[arg-type]


def peer(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    clients.address(text)
    clients.network(text)


def filed(read: Callable[[Path], object], name: str) -> Callable[[bytes], None]:
    """Return what writes bytes to a file of that name and has it read."""

    def work(data: bytes) -> None:
        path = Path(_folder.name) / name
        path.write_bytes(data)
        read(path)

    return work


def _archive(path: Path) -> None:
    if _archives.holds(str(path), INNER):
        with _archives.opened(str(path), INNER):
            pass


def _table(path: Path) -> None:
    tables.header(path)
    list(tables.rows(path))


PARSERS: Mapping[str, Callable[[bytes], object]] = {
    "message": message,
    "picture": picture,
    "packet": packet,
    "checkpoint": resumed,
    "onnx": onnx,
    "tflite": tflite,
    "rtsp": rtsp,
    "peer": peer,
    "card": filed(lambda path: cards.load(str(path)), "card.toml"),
    "config": filed(lambda path: settings.load(path, {}), "stream.toml"),
    "tokens": filed(clients.load, "tokens.toml"),
    "labels": filed(labels.read, "labels.txt"),
    "table": filed(_table, "clips.csv"),
    "safetensors": filed(lambda path: safetensors._entries(str(path)), "x.safetensors"),
    "archive": filed(_archive, "x.tar.gz"),
}
"""Name of a parser, and of its folder in the corpus -> what reads bytes."""


def tried(name: str, data: bytes) -> None:
    """Have a parser read bytes; raises what it must not raise."""
    try:
        PARSERS[name](data)
    except ALLOWED:
        return
