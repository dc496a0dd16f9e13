"""What a process holds: memory, threads, open files."""

from dataclasses import dataclass
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a process is looked at through /proc")


@dataclass(frozen=True)
class Footprint:
    """What a process holds at one moment."""

    memory_mb: float
    thread_count: int
    file_count: int


def footprint(process_id: int) -> Footprint:
    """Look at a process."""
    folder = Path(f"/proc/{process_id}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    return Footprint(
        int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"]), len(list((folder / "fd").iterdir()))
    )
