"""How many connections a process can hold: fewer than it may have files open, so that files can be opened, too."""

from contextlib import suppress
from pathlib import Path

try:
    import resource
except ModuleNotFoundError:  # Windows has no such limit
    resource = None  # type: ignore[assignment, unused-ignore]

WISHED = 8192
"""Count of files that the process asks to be allowed, where it has fewer."""
KEPT = 96
"""Count of files that connections leave free: models, sources, outputs, logs."""
MOST = 1000
"""Count of connections where files set no limit."""
LEAST = 8


def connections(wished: int | None = None) -> int:
    """Return how many connections can be held at once: as many as are wished, if there are files for them.

    Args:
        wished: count of connections; None: as many as there are files for, 1000 at most.
    """
    if resource is None:
        return wished or MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WISHED if hard == resource.RLIM_INFINITY else min(WISHED, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    room = max(LEAST, soft - _open_count() - KEPT) if soft != resource.RLIM_INFINITY else MOST
    return min(wished or MOST, room)


def _open_count() -> int:
    """Count the files that are open now."""
    with suppress(OSError):
        return len(list(Path("/proc/self/fd").iterdir()))
    return 32
