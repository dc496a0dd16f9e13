"""Ctrl-C as a wish: what is under way is done first."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def told_to_stop() -> Iterator[Callable[[], bool]]:
    """Take the first Ctrl-C as a wish, to be asked for; the second one interrupts as usual."""
    told: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # Ctrl-C is none of its business
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT)

    def tell(number: int, _frame: object) -> None:
        if told:
            raise KeyboardInterrupt
        told.append(number)

    signal.signal(signal.SIGINT, tell)
    try:
        yield lambda: bool(told)
    finally:
        signal.signal(signal.SIGINT, before)
