"""Bounds how many connections of one address there are at the port of gRPC, which itself counts them in all only.

gRPC shows no connection that has no call. Their sockets are this process' own, though: now and then its files are
looked through, and of an address that has too many the newest are shut, which gRPC takes as a client that has gone.
"""

import logging
import os
import socket
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stream import threads
from stream.server.access.clients import network

EVERY_S = 0.5
"""Seconds between two looks."""
FILES = Path("/proc/self/fd")

_log = logging.getLogger(__name__)


class Crowds:
    """Looks after the connections at one port."""

    def __init__(self, port: int, most_each: int) -> None:
        """Let an address have `most_each` connections at `port`."""
        self._port, self._most_each = port, most_each
        self._seen: dict[int, int] = {}
        self._turn, self.shut_count = 0, 0

    def begin(self, is_over: threading.Event) -> None:
        """Look now and then, until it is over; nothing where the system does not show a process its files."""
        if FILES.is_dir():
            threads.start("count connections", lambda: self._work(is_over))

    def look(self) -> int:
        """Shut what is too much; return how many connections that was."""
        files = [int(path.name) for path in FILES.iterdir()]
        if len(files) <= self._most_each:
            return 0
        self._turn += 1
        found = sorted((self._seen.get(one, self._turn), one, caller, file) for one, caller, file in self._lines(files))
        self._seen = {one: turn for turn, one, _, _ in found}
        counts, shut = Counter[str](), 0
        for _, one, caller, file in found:  # who came first stays
            counts[caller] += 1
            if counts[caller] > self._most_each:
                shut += self._shut(file, one)
        return shut

    def _work(self, is_over: threading.Event) -> None:
        while not is_over.wait(EVERY_S):
            if (count := self.look()) and not self.shut_count:
                _log.warning("%d connections of one address were shut: more than %d", count, self._most_each)
            self.shut_count += count

    def _lines(self, files: list[int]) -> Iterator[tuple[int, str, int]]:
        """Give each connection: its number in the kernel, whose it is, its file."""
        for file in files:
            with suppress(OSError), self._borrowed(file) as line:
                if line.family in (socket.AF_INET, socket.AF_INET6) and line.getsockname()[1] == self._port:
                    yield os.fstat(line.fileno()).st_ino, network(line.getpeername()[0]), file

    def _shut(self, file: int, number: int) -> bool:
        """Shut a connection, if the file is still the one that was looked at."""
        with suppress(OSError), self._borrowed(file) as line:
            if os.fstat(line.fileno()).st_ino == number:
                line.shutdown(socket.SHUT_RDWR)
                return True
        return False

    @contextmanager
    def _borrowed(self, file: int) -> Iterator[socket.socket]:
        """Give a socket of this process by its file.

        Raises:
            OSError: it is none, or has gone.
        """
        if not stat.S_ISSOCK(os.fstat(file).st_mode):
            raise OSError("not a socket")
        copy = os.dup(file)
        try:
            line = socket.socket(fileno=copy)
        except OSError:
            os.close(copy)
            raise
        with line:
            yield line
