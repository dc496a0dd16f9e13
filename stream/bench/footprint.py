"""What a process holds and has used, read from outside: through Linux's /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

from stream.errors import UsageError


@dataclass(frozen=True, slots=True)
class Footprint:
    """A process at one moment."""

    memory_mb: float
    """Megabytes (2^20 bytes) resident."""
    thread_count: int
    """Count."""
    file_count: int
    """Count of open descriptors."""
    cpu_s: float
    """Seconds of processor time since it began, of all its threads."""


def footprint(process_id: int) -> Footprint:
    """Look at a process.

    Raises:
        UsageError: there is no such process, or this system has no /proc.
    """
    folder = Path(f"/proc/{process_id}")
    try:
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        used = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]  # utime, stime: proc(5)
        files = len(list((folder / "fd").iterdir()))
    except OSError as error:
        raise UsageError(f"process {process_id} cannot be looked at through /proc: {error.strerror}") from error
    seconds = sum(map(int, used)) / os.sysconf("SC_CLK_TCK")
    return Footprint(int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"]), files, seconds)
