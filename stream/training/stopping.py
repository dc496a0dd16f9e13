"""Why a training ends before all was seen: Ctrl-C, as a wish, or a validation that gets no better."""

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


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


@dataclass(slots=True)
class Patience:
    """Remembers the lowest validation loss, and how many looks ago it was."""

    most: int
    """Count: looks without a lower loss after which it is exhausted; 0: never."""
    best: float = math.inf
    """The lowest loss."""
    best_at: int = 0
    """Count: batches after which it was found."""
    waited: int = 0
    """Count: looks since."""

    @property
    def is_exhausted(self) -> bool:
        """Say whether it is no use to go on."""
        return 0 < self.most <= self.waited

    def look(self, loss: float, batches: int) -> bool:
        """Take a look's loss; True where it is the lowest so far."""
        if not loss < self.best:
            self.waited += 1
            return False
        self.best, self.best_at, self.waited = loss, batches, 0
        return True


@dataclass(frozen=True, slots=True)
class Course:
    """How a training went."""

    hours: float
    """Hours spent, those before a resumption included."""
    batches: int
    """Count: batches learned."""
    best_at: int
    """Count: batches after which the validation loss was lowest; 0 where nothing was judged."""
    best: float
    """That loss; inf where nothing was judged."""
    is_early: bool
    """It ended because the validation got no better."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C ended a training: it is saved, and the network holds the best of it so far."""

    def __init__(self, course: Course) -> None:
        super().__init__()
        self.course = course
