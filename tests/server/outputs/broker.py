"""A real broker, Debian's mosquitto, on 127.0.0.1."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

PLACES = ("mosquitto", "/usr/sbin/mosquitto")


class Broker:
    """Runs while the `with` does; can be killed and started again. Skips the test where mosquitto is not installed."""

    def __init__(self, folder: Path, *more: str) -> None:
        found = next(filter(None, map(shutil.which, PLACES)), None)
        if not found:
            pytest.skip("no broker (Debian: mosquitto)")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        lines = ("user root", f"listener {self.port} 127.0.0.1", *(more or ("allow_anonymous true",)))
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self._command = [found, "-c", str(folder / "mosquitto.conf")]

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end_s = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, self._process.stderr and self._process.stderr.read()
                assert time.monotonic() < end_s, "the broker does not listen"
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stderr
        self._process.stderr.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
