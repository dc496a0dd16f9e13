"""What each part of the fused engine gives: it is built without that part and timed beside the whole, in one run.

    python tests/parity/waterfall.py [--card CARD.toml] [--rounds 40]

Processor time of one thread (`stream-bench step --clock cpu`); the answers are compared first.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from hatch_build import compile_library  # noqa: E402  # the checkout is on the path only from here
from stream import cards  # noqa: E402
from stream.bench.figures import ratio  # noqa: E402
from stream.bench.meter import Contestant, Plan, agree, measure  # noqa: E402
from stream.bench.step import Engine  # noqa: E402
from stream.runtimes import _fused_library as native  # noqa: E402
from stream.runtimes import fused, onnxruntime  # noqa: E402
from tests.parity.run import say  # noqa: E402

WITHOUT = {
    "without fetching ahead": "-DFUSED_AHEAD=0",
    "with small pages": "-DFUSED_LARGE_PAGES=0",
    "without either": "-DFUSED_AHEAD=0 -DFUSED_LARGE_PAGES=0",
}


def engine(card: cards.Card, library: Path, level: str = "") -> Contestant:
    native.LIBRARY = library
    native.library.cache_clear()
    return Engine(fused.build(card, level=level))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--card", default=str(ROOT / "build/bench/a0-stream.toml"))
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument(
        "--libraries", type=Path, help="where the variants are, or are put; a temporary folder by default"
    )
    given = parser.parse_args()
    card, whole = cards.load(given.card), native.LIBRARY
    with tempfile.TemporaryDirectory() as temporary:
        who = {"onnxruntime": Engine(onnxruntime.build(card))}
        who |= {f"level {level}": engine(card, whole, level) for level in native.levels()[:0:-1]}
        for number, (name, flags) in enumerate(reversed(WITHOUT.items())):
            library = (given.libraries or Path(temporary)) / f"variant{number}.so"
            if not library.exists():
                compile_library(ROOT / "native", library, tuple(flags.split()))
            who[name] = engine(card, library)
        who["the whole engine"] = engine(card, whole)
        report(card, who, given.rounds)


def report(card: cards.Card, who: dict[str, Contestant], rounds: int) -> None:
    random = np.random.default_rng(0)
    clips = [random.random((1, 3, 1, card.side_px, card.side_px), np.float32) for _ in range(8)]
    agree(who, clips)
    times = measure(who, clips, Plan(rounds=rounds, clock="cpu"))
    for name, found in times.items():
        share = ratio(found, times["the whole engine"])
        say(f"{name:24} {share.value:5.2f}  ({share.low:.2f} to {share.high:.2f})  lowest {found.min() / 1e6:.2f} ms")


if __name__ == "__main__":
    main()
