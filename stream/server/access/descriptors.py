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
WEB = 256
"""Count of connections at one port of HTTP, at most; a quarter of the files that there are."""


def connections(wished: int | None = None, web_ports: int = 0) -> tuple[int, int]:
    """Return how many connections can be held at once by gRPC, and by each port of HTTP.

    Args:
        wished: count of gRPC's; None: as many as there are files for, 1000 at most.
        web_ports: count of ports of HTTP.
    """
    if resource is None:
        return wished or MOST, WEB
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WISHED if hard == resource.RLIM_INFINITY else min(WISHED, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    room = max(LEAST, soft - _open_count() - KEPT) if soft != resource.RLIM_INFINITY else MOST
    web = min(WEB, max(LEAST, room // 4))
    return min(wished or MOST, max(LEAST, room - web * web_ports)), web


def _open_count() -> int:
    """Count the files that are open now."""
    with suppress(OSError):
        return len(list(Path("/proc/self/fd").iterdir()))
    return 32
