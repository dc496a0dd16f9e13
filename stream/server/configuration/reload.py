"""Reads files again when they change or when asked; one that is broken leaves everything as it was, and says where."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.errors import StreamError

LOOK_S = 2.0
"""Seconds between two looks at the files."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something that was read from files."""

    files: Callable[[], Iterable[Path]]
    """Which files, as it was last read."""
    work: Callable[[], None]
    """Reads them again and does what they say; raises a StreamError where it cannot, and has changed nothing then."""


class Reloader:
    """Looks at files and does jobs again, one after the other."""

    def __init__(self, jobs: Sequence[Job], count: Callable[[str], None]) -> None:
        """Take the files to be as they were read; `count` is told "done" or "failed" each time."""
        self._jobs, self._count = jobs, count
        self._asked = asyncio.Event()
        self._seen = [_look(job) for job in jobs]

    def ask(self) -> None:
        """Read all files again soon, changed or not."""
        self._asked.set()

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._asked.wait(), LOOK_S)
            except TimeoutError:
                is_asked = False
            else:
                is_asked = True
                self._asked.clear()
            for index, job in enumerate(self._jobs):
                if is_asked or _look(job) != self._seen[index]:
                    self._seen[index] = _look(job)
                    await self._do(job)
                    self._seen[index] = self._seen[index] | _look(job)

    async def _do(self, job: Job) -> None:
        try:
            await asyncio.to_thread(job.work)
        except StreamError as error:
            _log.error("%s; everything stays as it was", error)  # its words are enough
            self._count("failed")
        else:
            self._count("done")


def _look(job: Job) -> dict[Path, tuple[int, int, int] | None]:
    """Return the stamps of a job's files."""
    return {path: stamp(path) for path in job.files()}


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file does; None where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
