"""How late the machine itself is: processes that do nothing but sleep, one a processor, note when they woke too late.

On a machine with more to do than it has processors nobody answers before their next turn, so that a bound of
milliseconds says something of a server only while these wake in time.
"""

import os
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Self

LATE_S = 0.01
"""Seconds: one that wakes later than this shows that the machine is busy elsewhere."""
SLEEPER = f"""
import os, sys, time
os.sched_setaffinity(0, [int(sys.argv[1])])
while True:
    begin_s = time.monotonic()
    time.sleep(0.005)
    end_s = time.monotonic()
    if end_s - begin_s > 0.005 + {LATE_S}:
        os.write(1, f"{{begin_s}} {{end_s}}\\n".encode())  # a line is one piece: they share a file
"""


class Yardstick:
    """Runs them while the block runs; asked afterwards."""

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile("w+")
        places = sorted(os.sched_getaffinity(0))
        self._sleepers = [
            subprocess.Popen([sys.executable, "-c", SLEEPER, str(place)], stdout=self._said) for place in places
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sleeper in self._sleepers:
            sleeper.kill()
            sleeper.wait()
        self._said.seek(0)
        self._late = [tuple(map(float, line.split())) for line in self._said if line.endswith("\n")]
        self._said.close()

    @property
    def worst_s(self) -> float:
        """Seconds: how late the latest of them woke."""
        return max((end_s - begin_s for begin_s, end_s in self._late), default=0.0)

    def was_calm(self, begin_s: float, end_s: float) -> bool:
        """Say whether all of them woke in time between two moments of the monotonic clock."""
        return not any(late_begin_s < end_s and begin_s < late_end_s for late_begin_s, late_end_s in self._late)
