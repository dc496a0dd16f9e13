"""Starts the RTSP server of tests/rtsp_server.py, a process of its own that can be frozen and killed."""

import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

PYTHON = "/usr/bin/python3"
"""The system's Python: `gi` comes from Debian, not from PyPI."""

PROBE = """
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
missing = [name for name in ("videotestsrc", "x264enc", "rtph264pay") if not Gst.ElementFactory.find(name)]
assert not missing, f"GStreamer lacks {missing}"
"""
RANDOM = 2**32 - 1
"""Where GStreamer chooses itself at which tick RTP's timestamps begin."""
SERVER = Path(__file__).parents[1] / "rtsp_server.py"


class NetworkCamera:
    """A camera on 127.0.0.1, with a login if one is given; skips the test where GStreamer is not installed."""

    def __init__(self, user: str = "", password: str = "", begin: int = RANDOM) -> None:
        self._login, self._begin = [user, password] if user else [], begin
        self.port = 0

    def __enter__(self) -> Self:
        _need_gstreamer()
        self.start()
        return self

    def start(self) -> None:
        """Begin; once more after `kill`, at the same port."""
        command = [PYTHON, SERVER, str(self.port), str(self._begin), *self._login]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def uri(self) -> str:
        login = ":".join(self._login) + "@" if self._login else ""
        return f"rtsp://{login}127.0.0.1:{self.port}/cam"

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


def _need_gstreamer() -> None:
    try:
        found = subprocess.run([PYTHON, "-c", PROBE], capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        pytest.skip(f"no RTSP server: {error}")
    if found.returncode:
        pytest.skip(f"no RTSP server (Debian: gir1.2-gst-rtsp-server-1.0): {found.stderr.strip().splitlines()[-1]}")
