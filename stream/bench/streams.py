"""`stream-bench serve`: how many streams a server follows while their labels stay fresh, and what each costs."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stream.bench.load import Heard, Load, offer
from stream.bench.serving import Serving
from stream.errors import UsageError

NEAR = 0.05
"""The search ends where the most that stay fresh and the fewest that do not are this near, in parts of the former."""


@dataclass(frozen=True, slots=True)
class Ages:
    """How old labels are when they come; a frame that was never used is infinitely old."""

    p50_ms: float
    """Milliseconds: half of the frames are younger."""
    p95_ms: float
    """Milliseconds."""
    p99_ms: float
    """Milliseconds."""

    @classmethod
    def of(cls, ages_s: Sequence[float], count: int) -> "Ages":
        """Summarise `count` frames, of which only some have an age."""
        found = np.full(max(1, count), math.inf)
        found[: len(ages_s)] = sorted(ages_s[:count])
        return cls(*(1e3 * float(value) for value in np.percentile(found, (50, 95, 99), method="higher")))


@dataclass(frozen=True, slots=True)
class Level:
    """What a number of streams gave."""

    streams: int
    """Count, open at once."""
    frame_count: int
    """Frames that were due in all."""
    is_fresh: bool
    """Their 99th percentile of age stayed under the limit."""
    ages: Ages
    """Here, from when a frame was due until its labels came."""
    server_ages: Ages
    """There, of the frames that were used."""
    drops: dict[str, int]
    """Cause -> count of frames not used."""
    stages_ms: dict[str, float]
    """Stage -> mean milliseconds a frame, by the server's own watch; empty where its metrics are unknown."""
    server_cpu_ms: float | None
    """Milliseconds of processor time a frame, of the server; None where its process is not ours."""
    client_cpu_ms: float
    """Milliseconds of processor time a frame that sending took here."""
    memory_mb: float | None
    """Megabytes resident in the server with all streams open."""
    stream_memory_mb: float | None
    """Megabytes of these a stream: what is more than without any, divided."""
    late_ms: float
    """Milliseconds by which the latest frame was sent too late: large where this side was too busy to be believed."""

    def plain(self) -> dict[str, Any]:
        """Return it as what JSON knows: null for an infinite age."""
        return {name: _finite(value) for name, value in asdict(self).items()}


class Bench:
    """One server under more and more streams."""

    def __init__(self, serving: Serving, load: Load, limit_ms: float) -> None:
        """Begin; `limit_ms` is the age that 99 of 100 frames must stay under."""
        self._serving, self._load, self.limit_ms = serving, load, limit_ms
        idle = serving.footprint()
        self._idle_mb = idle.memory_mb if idle else None

    def measure(self, streams: int) -> Level:
        """Open so many and look."""
        heard, spent = asyncio.run(self._watched(streams))
        ages = Ages.of(heard.ages_s, heard.sent_count)
        memory_mb = spent.memory_mb
        more_mb = None if memory_mb is None or self._idle_mb is None else (memory_mb - self._idle_mb) / streams
        return Level(
            streams=streams,
            frame_count=heard.sent_count,
            is_fresh=ages.p99_ms <= self.limit_ms,
            ages=ages,
            server_ages=Ages.of(heard.server_ages_s, len(heard.server_ages_s)),
            drops={cause: count for cause, count in heard.drops.items() if count},
            stages_ms=spent.stages_ms,
            server_cpu_ms=spent.server_cpu_ms,
            client_cpu_ms=spent.client_cpu_ms,
            memory_mb=memory_mb,
            stream_memory_mb=more_mb,
            late_ms=1e3 * heard.late_s,
        )

    async def _watched(self, streams: int) -> "tuple[Heard, _Spent]":
        """Offer the load; look at the server while the streams are still open."""
        before, stages, cpu_s = self._serving.footprint(), self._serving.stages(), time.process_time()
        task = asyncio.create_task(offer(self._serving.address, self._load, streams))
        memory_mb = None
        while not task.done():
            await asyncio.wait((task,), timeout=0.5)
            now = self._serving.footprint()
            memory_mb = max(memory_mb or 0.0, now.memory_mb) if now else None
        heard = await task
        used = max(1, streams * round((self._load.seconds + self._load.warmup_s) * self._load.film.fps))
        after = self._serving.footprint()
        server_ms = 1e3 * (after.cpu_s - before.cpu_s) / used if after and before else None
        client_ms = 1e3 * (time.process_time() - cpu_s) / used
        return heard, _Spent(self._serving.stages().since(stages), server_ms, client_ms, memory_mb)


@dataclass(frozen=True, slots=True)
class _Spent:
    stages_ms: dict[str, float]
    server_cpu_ms: float | None
    client_cpu_ms: float
    memory_mb: float | None


def search(measure: Callable[[int], Level], counts: Sequence[int]) -> list[Level]:
    """Take the counts in order until one is not fresh, then look between it and the last that was.

    Returns:
        What was measured, fewest streams first.

    Raises:
        UsageError: no count, or one below 1.
    """
    if not counts or min(counts) < 1:
        raise UsageError(f"streams are {', '.join(map(str, counts)) or 'none'}; accepted: counts of 1 or more")
    levels: dict[int, Level] = {}
    good, bad = 0, None
    for count in sorted(set(counts)):
        levels[count] = measure(count)
        if not levels[count].is_fresh:
            bad = count
            break
        good = count
    while bad is not None and bad - good > max(1, NEAR * good):
        middle = (good + bad) // 2
        levels[middle] = measure(middle)
        good, bad = (middle, bad) if levels[middle].is_fresh else (good, middle)
    return [levels[count] for count in sorted(levels)]


def most(levels: Sequence[Level]) -> int:
    """Return the most streams that stayed fresh, fewer ones all included; 0 where not even the fewest did."""
    found = 0
    for level in levels:
        if not level.is_fresh:
            break
        found = level.streams
    return found


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(entry) for name, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
