"""One JSON object a line, in files that are put aside when they are large: at most `keep` and the one written to.

labels.jsonl is written to, labels.jsonl.1 is what was before it, and so on. Lines are those of `stream.sinks.jsonl`,
each with `id`, `source` and `time`. A line is whole or not there, on a full disk, too.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from stream.config import check
from stream.errors import OutputError
from stream.server.outputs._lines import lines
from stream.server.outputs.base import TOLD, Output, OutputSettings, Told, wanted

FIELDS = {"path": "a text", "rotate_mb": "a number", "keep": "a whole number", "tell": "a list of texts"}
SECRETS = ()
USUAL = tuple(one for one in TOLD if one != "update")
"""What is told where nothing is said: every label, but of an action its begin and its end."""


def build(settings: OutputSettings) -> "JsonLines":
    """Prepare to append to the file `path`.

    Raises:
        UsageError: no folder to write to, or a size out of range.
    """
    rotate_mb, keep = settings.values.get("rotate_mb", 10.0), settings.values.get("keep", 5)
    check("rotate_mb", 0.001 <= rotate_mb <= 10_000, rotate_mb, "0.001 to 10000 megabytes")
    check("keep", 0 <= keep <= 1000, keep, "0 to 1000 files")
    return JsonLines(settings.path("path"), int(rotate_mb * 1e6), keep, wanted(settings, USUAL))


class JsonLines(Output):
    """Appends; what cannot be written wholly is taken back, so that the file has whole lines only."""

    def __init__(self, path: Path, largest_bytes: int, keep: int, tell: frozenset[str]) -> None:
        """Open nothing yet."""
        self._path, self._largest_bytes, self._keep, self._tell = path, largest_bytes, keep, tell
        self._file, self._size = -1, 0

    def __enter__(self) -> Self:
        """Open the file, and end a line that was cut when the machine stopped."""
        try:
            self._open()
        except OSError as error:
            raise self._trouble(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def take(self, told: Told) -> None:
        """Write the lines of what was told."""
        data = lines(told.about(self._tell))
        if not data:
            return
        try:
            if not self._is_there():
                self._close()
                self._open()
            if self._size and self._size + len(data) > self._largest_bytes:
                self._rotate()
            self._write(data)
        except OSError as error:
            raise self._trouble(error) from error

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = os.fstat(self._file).st_size
        self._drop_torn_line()

    def _is_there(self) -> bool:
        """Say whether the file that is open is the one of that name: it may have been moved or removed."""
        try:
            named, ours = self._path.stat(), os.fstat(self._file)
        except OSError:
            return False
        return (named.st_ino, named.st_dev) == (ours.st_ino, ours.st_dev)

    def _drop_torn_line(self) -> None:
        """Take back a line without an end: the machine stopped in the midst of it."""
        at = self._size
        while at and (block := os.pread(self._file, min(at, 65536), max(0, at - 65536))):
            end = block.rfind(b"\n")
            at = at - len(block) + end + 1
            if end >= 0:
                break
        if at < self._size:
            os.ftruncate(self._file, at)
            self._size = at

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._file, data)
            if written < len(data):
                os.write(self._file, data[written:])  # says what is wrong: a full disk takes a part first
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)

    def _rotate(self) -> None:
        """Put the file aside, the oldest away."""
        names = [self._path, *(self._path.with_name(f"{self._path.name}.{n}") for n in range(1, self._keep + 1))]
        names[-1].unlink(missing_ok=True)
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        self._close()
        self._open()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _trouble(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self._path}: {error.strerror}")
