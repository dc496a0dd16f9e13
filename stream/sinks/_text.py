"""What sinks of text share: a file that is written anew, or stdout, and clear words when it cannot be."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stream.errors import UsageError

STDOUT = "-"


@contextmanager
def opened(target: str) -> Iterator[TextIO]:
    """Open the file `target`, anew, or stdout for "-", which stays open.

    Raises:
        UsageError: it cannot be written.
    """
    if target == STDOUT:
        yield sys.stdout
        return
    try:
        file = Path(target).open("w", encoding="utf-8")  # noqa: SIM115  # closed below; only opening may fail like this
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    with file:
        yield file
