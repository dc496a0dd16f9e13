"""The one way to run a thread here: one that ends by an error is noticed, counted, said, and begun again.

What a thread dies of is logged by its class and place. Its words are not: they may be a stranger's, or hold a secret.
`tests/test_threads.py` holds the package to it: nothing else makes a thread.
"""

import asyncio
import contextvars
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

AGAIN_S, LONGEST_S = 1.0, 30.0
"""Seconds until a thread that died is begun again the first time, and at most: twice as long each time."""
STEADY_S = 60.0
"""Seconds that a thread must live, begun again, until it counts as well."""
PACKAGE = Path(__file__).parent

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Board:
    """Which threads died, and since when they are not well. Any thread may ask."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock, self._ill = threading.Lock(), dict[str, tuple[float, float]]()
        self._deaths = Counter[str]()

    def died(self, name: str) -> int:
        """Note a death; return how many there were of this name."""
        with self._lock:
            since_s, _ = self._ill.get(name, (time.time(), 0.0))
            self._ill[name] = since_s, time.monotonic()
            self._deaths[name] += 1
            return self._deaths[name]

    def ended(self, name: str) -> None:
        """Note that a thread came to the end it should come to."""
        with self._lock:
            self._ill.pop(name, None)

    def failing(self) -> dict[str, float]:
        """Return the threads that died and have not lived long since, by name: seconds of the wall's clock."""
        now_s = time.monotonic()
        with self._lock:
            self._ill = {name: one for name, one in self._ill.items() if now_s - one[1] < STEADY_S}
            return {name: since_s for name, (since_s, _) in self._ill.items()}

    def deaths(self) -> Counter[str]:
        """Return how often threads died, by name."""
        with self._lock:
            return Counter(self._deaths)


BOARD = Board()
"""That of this process."""


def start(name: str, work: Callable[[], object], *, has_second_life: bool = True) -> threading.Thread:
    """Run `work` in a daemon thread.

    Args:
        name: what log, metrics and `/readyz` call it.
        work: what it does; one that ends by an error is begun again after a pause.
        has_second_life: False: its error is logged and counted, and it is not begun again.

    Returns:
        The thread, begun; it ends when `work` returns.
    """
    thread = threading.Thread(target=_live, args=(name, work, has_second_life), name=name, daemon=True)
    thread.start()
    return thread


async def aside(name: str, work: Callable[[], T]) -> T:
    """Have something done in a daemon thread of its own, which cannot hold the end of the process; give its result."""
    future: Future[T] = Future()
    context = contextvars.copy_context()
    start(name, lambda: settle(future, lambda: context.run(work)), has_second_life=False)
    return await asyncio.wrap_future(future)


def settle(future: Future[Any], work: Callable[[], Any]) -> None:
    """Do something, and tell whoever waits for it how it went."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:  # whoever waits is told, as `Executor` has it
        future.set_exception(error)


def place(error: BaseException) -> str:
    """Say what an error is and where it was raised, without its words: `ValueError in server/turns.py:98`."""
    at, trace = "", error.__traceback__
    while trace:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE):
            at = f" in {path.relative_to(PACKAGE).as_posix()}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{at}"


def _live(name: str, work: Callable[[], object], has_second_life: bool) -> None:
    pause_s = AGAIN_S
    while True:
        began_s = time.monotonic()
        try:
            work()
        except Exception as error:
            if time.monotonic() - began_s > STEADY_S:
                pause_s = AGAIN_S
            count = BOARD.died(name)
            what = f"tried again in {pause_s:g} s" if has_second_life else "it is not begun again"
            _log.error("the thread %r died (%s), for the %d. time; %s", name, place(error), count, what)
            del error
        else:
            BOARD.ended(name)
            return
        if not has_second_life:
            return
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_S)
