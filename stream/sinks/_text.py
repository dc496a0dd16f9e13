"""What sinks of text share: a file that is written anew, or stdout, and clear words when it cannot be."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stream.errors import StreamError, UsageError

STDOUT = "-"


@contextmanager
def opened(target: str) -> Iterator[TextIO]:
    """Open the file `target`, anew, or stdout for "-", which stays open.

    A file that cannot be written to its end, since the disk is full for instance, is removed.

    Raises:
        UsageError: it cannot be opened.
        StreamError: it cannot be written.
    """
    if target == STDOUT:
        yield sys.stdout
        return
    try:
        file = Path(target).open("w", encoding="utf-8")  # noqa: SIM115  # closed below; only opening may fail like this
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    try:
        with file:
            yield file
    except OSError as error:
        if isinstance(error, StreamError):
            raise
        Path(target).unlink(missing_ok=True)
        raise StreamError(f"cannot write {target}: {error.strerror}") from error
