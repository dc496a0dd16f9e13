"""How a server writes its log to stderr: lines for people, or an object a line for programs."""

import atexit
import json
import logging
import queue
import sys
import threading
import time
from typing import Any

from stream import threads
from stream.server.operations.named import STREAM
from stream.words import cut

PLAIN = "%(asctime)s %(levelname)s %(message)s"
ROOM = 2000
"""Count of lines that wait to be written."""
LONGEST = 4000
"""Bytes of a message that are written."""
LEAVE_S = 1.0
"""Seconds that waiting lines have at the end of the process."""
GONE = ("ExecuteBatchError", "InternalError")
"""What gRPC raises where a client has gone."""

_log = logging.getLogger(__name__)


class _Plain(logging.Formatter):
    """Writes a line for people, whatever is in it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = cut(record.message, LONGEST)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # where it was, in a line; not its words
        return threads.place(ei[1])


class _Json(logging.Formatter):
    """Writes {"time", "level", "logger", "stream", "stage", "message"} and, where the server failed, "error"."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "stream": STREAM.get(),
            "stage": getattr(record, "stage", None),
            "message": cut(record.getMessage(), LONGEST),
        }
        if record.exc_info and record.exc_info[1]:
            said["error"] = threads.place(record.exc_info[1])
        return json.dumps(said, ensure_ascii=False)


def configure(*, is_json: bool, is_quiet: bool) -> None:
    """Write the log of this process to stderr.

    Args:
        is_json: an object a line; times are UTC.
        is_quiet: warnings and errors only.
    """
    stderr = logging.StreamHandler()
    stderr.setFormatter(_Json() if is_json else _Plain(PLAIN))
    handler = _Queued(stderr)
    handler.addFilter(_is_news)
    logging.basicConfig(level=logging.WARNING if is_quiet else logging.INFO, handlers=[handler])
    logging.captureWarnings(True)
    sys.excepthook = _unexpected
    threading.excepthook = lambda found: _unexpected(found.exc_type, found.exc_value, found.exc_traceback)
    sys.unraisablehook = lambda found: _unexpected(found.exc_type, found.exc_value, found.exc_traceback)


def _unexpected(_: object, error: BaseException | None, __: object = None) -> None:
    """Log an error that nobody took, in a line like any other; its words may be a stranger's."""
    if error and not isinstance(error, KeyboardInterrupt | SystemExit):
        _log.critical("an error that nobody expected: %s", threads.place(error))


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out what gRPC logs of a client that went while something was said to it: that happens all the time."""
    error = record.exc_info[1] if record.exc_info else None
    return not (record.name.startswith("grpc") and type(error).__name__ in GONE)


class _Queued(logging.Handler):
    """Hands lines to a thread that writes them: a reader of stderr that stalls costs lines, which are counted."""

    def __init__(self, to: logging.Handler) -> None:
        super().__init__()
        self._to, self._waiting, self._lost = to, queue.Queue[str](ROOM), 0
        threads.start("log", self._write)
        atexit.register(self._leave)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self._to.format(record)
        except Exception as error:  # a line that cannot be made must not end who wanted to write it
            line = f"a line of {record.name} cannot be shown: {type(error).__name__}"
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self._lost += 1

    def _write(self) -> None:
        while True:
            self._say(self._waiting.get())
            if self._lost and self._waiting.empty():
                lost, self._lost = self._lost, 0
                _log.error("%d lines of the log were lost: nobody read them", lost)
            self._waiting.task_done()

    def _say(self, line: str) -> None:
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):  # nobody reads any more
            self._lost += 1

    def _leave(self) -> None:
        """Have what waits written, if that is soon."""
        end_s = time.monotonic() + LEAVE_S
        while self._waiting.unfinished_tasks and time.monotonic() < end_s:
            time.sleep(0.01)
