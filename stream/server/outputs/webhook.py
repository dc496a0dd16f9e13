"""Posts each row as JSON to an address, in order, from a spool on disk.

A row is in the spool before it counts as taken, and leaves it when the receiver has answered 2xx: what was acknowledged
is not sent again, what was not is, after a crash, too. Where the crash falls between the answer and its being written
down, the row comes once more with the same id, in the body and as `Idempotency-Key`, for the receiver to see.
"""

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from stream import threads
from stream.config import check
from stream.errors import OutputError
from stream.server.backoff import Backoff
from stream.server.operations.named import SINK
from stream.server.outputs._lines import text
from stream.server.outputs._post import Post, Refused
from stream.server.outputs._spool import Spool
from stream.server.outputs.base import BEGIN_AND_END, Output, OutputSettings, Told, wanted

FIELDS = {
    **dict.fromkeys(("url", "url_env", "url_file", "token_env", "token_file", "spool"), "a text"),
    "tell": "a list of texts",
    "timeout_s": "a number",
    "max_waiting": "a whole number",
}
SECRETS = ("url", "token")
LONGEST_PAUSE_S = 60.0
"""Seconds between two attempts at most, a quarter more or less, unless the receiver asks for more."""
LEAVE_S = 2.0
"""Seconds that the sending thread has to end with what it is in the midst of."""

_log = logging.getLogger(__name__)


def build(settings: OutputSettings) -> "Webhook":
    """Prepare to post to `url`, with `token` as bearer; `spool` is a file, `NAME.spool` where absent.

    Raises:
        UsageError: no address, no folder for the spool, or a number out of range.
    """
    values = {"spool": f"{settings.name}.spool", "timeout_s": 10.0, "max_waiting": 10_000, **settings.values}
    check("timeout_s", 0.1 <= values["timeout_s"] <= 600, values["timeout_s"], "0.1 to 600 s")
    check("max_waiting", 1 <= values["max_waiting"] <= 10_000_000, values["max_waiting"], "1 to 10000000")
    spool = OutputSettings.path(_with(settings, values), "spool")
    post = Post(values.get("url", ""), values.get("token", ""), values["timeout_s"])
    return Webhook(settings.name, post, spool, values["max_waiting"], wanted(settings, BEGIN_AND_END))


def _with(settings: OutputSettings, values: Mapping[str, object]) -> OutputSettings:
    return OutputSettings(
        name=settings.name, kind=settings.kind, sources=settings.sources, folder=settings.folder, values=values
    )


class Webhook(Output):
    """Spools in the thread that tells, posts in one of its own."""

    def __init__(self, name: str, post: Post, path: Path, most: int, tell: frozenset[str]) -> None:
        """Open nothing yet."""
        self._name, self._post, self._path, self._most, self._tell = name, post, path, most, tell
        self._spool: Spool | None = None
        self._refused, self._trouble = 0, ""
        self._news, self._leaving = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Open the spool, and send what it holds from earlier."""
        self._spool = Spool(self._path, self._most)
        self._news, self._leaving = threading.Event(), threading.Event()
        spool, leaving = self._spool, self._leaving  # of this time: one that hangs keeps its own
        self._thread = threads.start(f"post {self._name}", lambda: self._send_all(spool, leaving))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._news.set()
        if self._thread:
            self._thread.join(LEAVE_S)
        if self._spool and not (self._thread and self._thread.is_alive()):
            self._spool.close()

    def take(self, told: Told) -> None:
        """Spool the rows of what was told."""
        rows = [(row["id"], text(row)) for row in told.about(self._tell)]
        if rows and self._spool:
            self._spool.add(rows)
            self._news.set()

    @property
    def kept_count(self) -> int:
        """Count of rows in the spool."""
        return self._spool.count if self._spool and not self._leaving.is_set() else 0

    @property
    def lost(self) -> Mapping[str, int]:
        """Count of rows that the receiver refused for good, and of those for which the spool had no room."""
        spool = self._spool
        return Counter(
            refused=self._refused,
            overflow=spool.overflow_count if spool else 0,
            damaged=spool.damaged_count if spool else 0,
        )

    @property
    def trouble(self) -> str:
        """What keeps it from posting."""
        return self._trouble

    def _send_all(self, spool: Spool, leaving: threading.Event) -> None:
        backoff = Backoff(LONGEST_PAUSE_S)
        while not leaving.is_set():
            self._news.clear()
            try:
                if not self._send_first(spool):
                    self._news.wait()
                if self._trouble:
                    backoff, self._trouble = Backoff(LONGEST_PAUSE_S), ""
            except OutputError as error:
                pause_s = max(backoff.pause_s(0.0), getattr(error, "after_s", 0.0))
                if self._trouble != str(error):
                    _log.warning("output %s: %s; tried again in %.1f s", self._name, error, pause_s, extra=SINK)
                self._trouble = str(error)
                leaving.wait(pause_s)

    def _send_first(self, spool: Spool) -> bool:
        """Post the oldest row and write down that it was taken; False where there is none."""
        if (item := spool.first()) is None:
            return False
        number, name, body = item
        try:
            self._post(name, body)
        except Refused as error:
            _log.error("output %s: %s; row %s is given up", self._name, error, name, extra=SINK)
            self._refused += 1
        spool.done(number)
        return True
