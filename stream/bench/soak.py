"""`stream-bench soak`: does a server hold more, or answer later, the longer it runs?"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from stream.bench.footprint import Footprint
from stream.bench.load import Load, offer
from stream.bench.serving import Serving
from stream.bench.streams import Ages
from stream.errors import UsageError


@dataclass(frozen=True, slots=True)
class Sample:
    """The server after one round."""

    minutes: float
    """Since the beginning."""
    frame_count: int
    """Frames sent so far."""
    held: Footprint
    """What its process holds while no stream is open."""
    ages: Ages
    """Of the frames of this round."""


@dataclass(frozen=True, slots=True)
class Soak:
    """What became of it."""

    samples: tuple[Sample, ...]
    """One a round; every stream is opened anew in each."""
    is_complete: bool = True
    """All minutes have passed; False after Ctrl-C."""

    @property
    def slope_mb_per_hour(self) -> float:
        """Megabytes an hour by which the second half grew, when all has been used once; 0 for fewer than two rounds."""
        late = self.samples[len(self.samples) // 2 :]
        if len(late) < 2:
            return 0.0
        hours, sizes = zip(*((one.minutes / 60, one.held.memory_mb) for one in late), strict=True)
        return float(np.polyfit(hours, sizes, 1)[0])

    def plain(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return {**asdict(self), "slope_mb_per_hour": self.slope_mb_per_hour}


def run(
    serving: Serving, load: Load, streams: int, minutes: float, told: Callable[[Sample], None] = lambda _: None
) -> Soak:
    """Send rounds of `load.seconds` by streams that come and go, until so many minutes have passed; one at least.

    Ctrl-C ends it with the rounds that are done; it is raised where there is none.

    Raises:
        UsageError: the server's process is not ours to look at.
        ServiceError: it cannot be reached, or ended a stream.
    """
    begin_s, samples = time.monotonic(), list[Sample]()
    count = 0
    try:
        while not samples or time.monotonic() - begin_s < 60 * minutes:
            heard = asyncio.run(offer(serving.address, replace(load, seed=len(samples)), streams))
            count += heard.sent_count
            held = serving.footprint()
            if held is None:
                raise UsageError("a soak looks at the server's process: it must be one that this command begins")
            sample = Sample((time.monotonic() - begin_s) / 60, count, held, Ages.of(heard.ages_s, heard.sent_count))
            samples.append(sample)
            told(sample)
    except KeyboardInterrupt:
        if not samples:
            raise
        return Soak(tuple(samples), is_complete=False)
    return Soak(tuple(samples))


def growth(samples: Sequence[Sample]) -> str:
    """Say how the last round differs from the one in the middle, when all has been used once."""
    middle, last = samples[len(samples) // 2], samples[-1]
    memory = f"{middle.held.memory_mb:.1f} -> {last.held.memory_mb:.1f} MB"
    threads = f"threads {middle.held.thread_count} -> {last.held.thread_count}"
    return f"{memory}, {threads}, descriptors {middle.held.file_count} -> {last.held.file_count}"
