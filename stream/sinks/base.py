"""What a sink offers: `build(target) -> Sink`."""

import logging
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from stream.types import Frame, Update

_log = logging.getLogger(__name__)


def say_written(path: Path) -> None:
    """Log that a file is complete, and how big it is."""
    _log.info("wrote %s, %.1f kB", path, path.stat().st_size / 1000)


class Sink(Protocol):
    """Takes what a session says; closed when the `with` ends."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, frame: Frame, update: Update | None) -> None:
        """Take one frame and what it gave; None when the frame was dropped to keep the model's rate.

        Where actions still go on at the end, a last call repeats the last used frame with the events that END them.
        """
        ...
