"""How the fused engine's steps a second grow with the threads that step, each a stream of its own.

    python tests/bench/cores.py [CARD ...]

Prints, for one thread up to one for each processor, the steps a second over those of one thread: median of five rounds
in which all have their turn.
"""

import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from stream import cards
from stream.runtimes import fused
from stream.runtimes.base import Runtime, stepper

SECONDS, ROUNDS = 1.0, 5


def stepped(runtime: Runtime, threads: int) -> float:
    """Let so many threads step for a while; return steps a second of all together."""
    side = runtime.card.side_px
    clip = np.random.default_rng(0).random((1, 3, 1, side, side), np.float32)
    end_s = time.perf_counter() + SECONDS

    def step(_: int) -> int:
        one, count = stepper(runtime), 0
        while time.perf_counter() < end_s:
            one.step(clip)
            count += 1
        return count

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(step, range(threads))) / SECONDS


def main(names: list[str]) -> None:
    """Print a line for each model."""
    for name in names:
        runtime = fused.build(cards.load(name))
        counts = range(1, len(os.sched_getaffinity(0)) + 1)
        rounds = [[stepped(runtime, threads) for threads in counts] for _ in range(ROUNDS)]
        shares = [statistics.median(row[index] / row[0] for row in rounds) for index in range(len(counts))]
        print(f"{name}: " + ", ".join(f"{n} threads {share:.2f}" for n, share in zip(counts, shares, strict=True)))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:] or ["gestures-a0"])
