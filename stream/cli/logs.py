"""How a server writes its log to stderr: lines for people, or an object a line for programs."""

import json
import logging
import time

from stream.server.operations.named import STREAM

PLAIN = "%(asctime)s %(levelname)s %(message)s"


class _Json(logging.Formatter):
    """Writes {"time", "level", "logger", "stream", "stage", "message"} and, where the server failed, "error"."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "stream": STREAM.get(),
            "stage": getattr(record, "stage", None),
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def configure(*, is_json: bool, is_quiet: bool) -> None:
    """Write the log of this process to stderr.

    Args:
        is_json: an object a line; times are UTC.
        is_quiet: warnings and errors only.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if is_json else logging.Formatter(PLAIN))
    logging.basicConfig(level=logging.WARNING if is_quiet else logging.INFO, handlers=[handler])
