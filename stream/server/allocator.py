"""Gives memory back that large messages left behind: glibc keeps it otherwise, for as long as the process lives."""

import ctypes
import threading

from stream import threads

EVERY_S = 10.0
"""Seconds between two times."""
MMAP_THRESHOLD, MMAP_BYTES = -3, 256 * 1024
"""Bytes from which a block is given back as soon as it is free; glibc raises it by itself unless it is set."""
ARENA_MAX, ARENAS = -8, 2
"""Count of places that threads take memory from: with one a thread, each keeps the pieces that lie between others."""


def begin(is_over: threading.Event) -> None:
    """Give back now and then, until it is over; nothing where the C library has no such thing."""
    try:
        library = ctypes.CDLL("libc.so.6")
        trim, tune = library.malloc_trim, library.mallopt
    except (OSError, AttributeError):
        return
    tune(MMAP_THRESHOLD, MMAP_BYTES)
    tune(ARENA_MAX, ARENAS)

    def work() -> None:
        while not is_over.wait(EVERY_S):
            trim(0)

    threads.start("give memory back", work)
