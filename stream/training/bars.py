"""Progress on stderr: a bar in a terminal, elsewhere a line as a stage begins and a few while it lasts."""

import time
from collections.abc import Collection, Generator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")

PAUSE_S = 10.0
"""Seconds between two lines of a stage, at least."""


def bar(steps: Collection[T], what: str, pause_s: float = PAUSE_S) -> Generator[T, None, None]:
    """Go through the steps of a stage and say how far it is; close it where it is not gone through to its end.

    Args:
        steps: of which one is done when the next is asked for.
        what: is being done.
        pause_s: seconds between two lines, where there is no terminal.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    if console.is_terminal:
        yield from track(steps, what, console=console, transient=True)
        return
    said_s = time.monotonic()
    console.print(f"{what}: 0 of {len(steps)}")
    for number, step in enumerate(steps):
        if number and time.monotonic() - said_s >= pause_s:
            said_s = time.monotonic()
            console.print(f"{what}: {number} of {len(steps)}")
        yield step
