"""Cameras over HTTP on 127.0.0.1, in a process of their own: MJPEG as cheap cameras send it, HLS as a folder of parts.

    python -m tests.sources.web_camera CLIP FOLDER

prints its port, then the path of every request. /elsewhere sends to another address, /asks wants a login, a path that
ends in .m3u8 or .ts is a file of FOLDER, and any other is MJPEG at 25 a second.
"""

import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av

from stream.decode import encode_jpeg
from stream.pictures import AvPicture

ROOT = Path(__file__).parents[2]
LOGIN = f"Basic {b64encode(b'bob:s3cret').decode()}"


def pictures(clip: Path) -> list[bytes]:
    """Return the frames of a video as JPEGs."""
    with av.open(str(clip)) as container:
        return [encode_jpeg(AvPicture(frame)) for frame in container.decode(video=0)]


def write_parts(clip: Path, folder: Path) -> None:
    """Write a video as HLS, a recording in parts of a second: live.m3u8."""
    folder.mkdir(exist_ok=True)
    options = {"hls_time": "1", "hls_playlist_type": "vod"}
    with av.open(str(clip)) as source, av.open(str(folder / "live.m3u8"), "w", format="hls", options=options) as parts:
        stream = parts.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                parts.mux(packet)


@contextmanager
def serving(clip: Path, folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve; give the address and the process, whose output is what was asked for."""
    command = [sys.executable, "-m", "tests.sources.web_camera", str(clip), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process
        finally:
            process.kill()


class _Camera(SimpleHTTPRequestHandler):
    jpegs: list[bytes]

    def do_GET(self) -> None:
        sys.stdout.write(f"{self.path}\n")
        sys.stdout.flush()
        if self.path.endswith((".m3u8", ".ts")):
            super().do_GET()
        elif self.path == "/elsewhere":
            self._head(302, "Location", "/internal")
        elif self.path == "/asks" and self.headers.get("Authorization") != LOGIN:
            self._head(401, "WWW-Authenticate", 'Basic realm="camera"')
        else:
            self._head(200, "Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self._film()

    def _head(self, status: int, name: str, value: str) -> None:
        self.send_response(status)
        self.send_header(name, value)
        self.end_headers()

    def _film(self) -> None:
        try:
            for number in range(10_000):
                jpeg = self.jpegs[number % len(self.jpegs)]
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
                self.wfile.write(head + jpeg + b"\r\n")
                time.sleep(0.04)
        except OSError:
            return  # who watched has gone

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


def _serve(clip: str, folder: str) -> None:
    _Camera.jpegs = pictures(Path(clip))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Camera, directory=folder))
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
