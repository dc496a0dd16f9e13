"""Reads files again when they change or when asked; one that is broken leaves everything as it was, and says where."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stream import threads
from stream.errors import StreamError

LOOK_S = 2.0
"""Seconds between two looks at the files."""

Stamp = tuple[int, int, int]
"""What changes when a file does."""
Stamps = Mapping[Path, Stamp | None]
"""Files, each with its stamp from before it was read; None: it was not there."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Job:
    """Something that was read from files."""

    read: Callable[[], Stamps]
    """Reads them again and does what they say; raises a StreamError where it cannot, and has changed nothing then."""
    seen: Stamps
    """The files, with their stamps from before they were last read: what is saved meanwhile is seen to be newer."""


class Reloader:
    """Looks at files and does jobs again, one after the other. Nothing that a job raises ends it."""

    def __init__(self, count: Callable[[str], None]) -> None:
        """Begin without jobs; `count` is told "done" or "failed" each time."""
        self._jobs, self._count = list[Job](), count
        self._asked = asyncio.Event()

    def add(self, read: Callable[[], Stamps], seen: Stamps) -> None:
        """Do `read` again whenever one of the files has another stamp than in `seen`."""
        self._jobs.append(Job(read, seen))

    def ask(self) -> None:
        """Read all files again soon, changed or not."""
        self._asked.set()

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            is_asked = await self._is_asked()
            for job in self._jobs:
                now = {path: stamp(path) for path in job.seen}
                if is_asked or now != job.seen:
                    await self._do(job, now)

    async def _is_asked(self) -> bool:
        try:
            await asyncio.wait_for(self._asked.wait(), LOOK_S)
        except TimeoutError:
            return False
        self._asked.clear()
        return True

    async def _do(self, job: Job, now: Stamps) -> None:
        """Do a job again; one that fails is done again when a file changes, not before."""
        try:
            job.seen = await threads.aside("read files again", job.read)
        except StreamError as error:
            _log.error("%s; everything stays as it was", error)  # its words are enough
        except Exception as error:  # a fault of ours; the next change is looked for all the same
            _log.error("files cannot be read again: %s; everything stays as it was", threads.place(error))
        else:
            self._count("done")
            return
        job.seen = now
        self._count("failed")


def stamp(path: Path) -> Stamp | None:
    """Return what changes when a file does; None where it is not there, or cannot be."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
