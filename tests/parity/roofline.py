"""Where the fused engine's step stands under this machine's roofs, part by part: a table, and docs/roofline.png.

    python tests/parity/roofline.py [--card CARD.toml] [--steps 400] [--plot docs/roofline.png]

The library is built once more with a clock around each part. A part's bytes are those it cannot do without: its weights
and its share of the state, float32; pictures between layers stay in cache. The roofs are what one thread reaches that
adds and multiplies and nothing else (peak.cpp), and what NumPy's dot products read from memory and from cache. Williams
et al. 2009, "Roofline".
"""

import argparse
import ctypes
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from hatch_build import call, compile_library, find_compiler  # noqa: E402  # the checkout is on the path only from here
from stream import cards  # noqa: E402
from stream.nets import _movinet_specs as specs  # noqa: E402
from stream.nets._movinet_specs import make_divisible  # noqa: E402
from stream.runtimes import _fused_library as native  # noqa: E402
from stream.runtimes import fused  # noqa: E402
from stream.runtimes.base import stepper  # noqa: E402
from tests.parity.run import say  # noqa: E402

PARTS = ("stem", "expand", "depthwise", "squeeze-excitation", "project and skip", "features", "dense and classifier")
"""In the order of native/laps.h."""
BESIDE = {"squeeze-excitation": 1, "dense and classifier": 1, "depthwise": 1, "expand": 1}
"""Part -> where its name stands in the figure: to the right, 1, or the left, -1; else below."""
BEHIND = {"boxstyle": "square,pad=0.1", "facecolor": "white", "alpha": 0.8, "linewidth": 0}
"""Keeps lines out of the names."""


@dataclass
class Work:
    """What a part must do in a step."""

    macs: float = 0.0
    """Multiply-accumulates."""
    floats: float = 0.0
    """Weights and states, read or written."""

    def add(self, macs: float, floats: float) -> None:
        self.macs += macs
        self.floats += floats


@dataclass(frozen=True)
class Roofs:
    """What this machine reaches with one thread."""

    flops: float
    """Operations a second, of peak.cpp."""
    memory: float
    """Bytes a second, of a vector of 128 MB."""
    cache: float
    """Bytes a second, of a vector of 4 MB."""


def work(card: cards.Card) -> dict[str, Work]:
    """Count what each part of a step needs."""
    spec, found = specs.find(card.variant), {part: Work() for part in PARTS}
    side = -(-card.side_px // 2)
    found["stem"].add(27 * side**2 * spec.stem_filters, 27 * spec.stem_filters)
    for block in spec.blocks(card.side_px):
        pixels, middle = block.after_px**2, block.expand
        taps = block.taps if block.taps > 1 else 0
        hidden = make_divisible(0.5 * middle)
        is_reshaped = block.stride > 1 or block.inputs != block.outputs
        skip = block.inputs * block.outputs if is_reshaped else 0
        found["expand"].add(block.side_px**2 * block.inputs * middle, block.inputs * middle)
        found["depthwise"].add(
            pixels * middle * (block.kernel**2 + taps), middle * (block.kernel**2 + taps + pixels * taps)
        )
        found["squeeze-excitation"].add(3 * middle * hidden, 3 * middle * hidden + 2 * middle)
        found["project and skip"].add(pixels * (middle * block.outputs + skip), middle * block.outputs + skip)
        last = block
    channels, head, classes = spec.project_filters, spec.head_filters, len(card.labels)
    found["features"].add(last.after_px**2 * last.outputs * channels, last.outputs * channels + 2 * channels)
    dense = channels * head + head * classes
    found["dense and classifier"].add(dense, dense)
    return found


def times(card: cards.Card, steps: int) -> dict[str, float]:
    """Return the least seconds of each part over some steps."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "laps.so"
        compile_library(ROOT / "native", library, ("-DFUSED_LAPS=1",))
        native.LIBRARY = library
        native.library.cache_clear()
        one = stepper(fused.build(card))
        laps = (ctypes.c_double * len(PARTS)).in_dll(native.library(), "fused_laps")
        random, least = np.random.default_rng(0), np.full(len(PARTS), np.inf)
        clip = random.random((1, 3, 1, card.side_px, card.side_px), np.float32)
        for _ in range(steps):
            before = np.array(laps)
            one.step(clip)
            least = np.minimum(least, np.array(laps) - before)
    return dict(zip(PARTS, least.tolist(), strict=True))


def roofs() -> Roofs:
    """Measure the roofs."""
    large, small = np.ones(32 << 20, np.float32), np.ones(1 << 20, np.float32)
    return Roofs(
        flops=_flops(),
        memory=large.nbytes / _least(lambda: np.dot(large, large)),
        cache=small.nbytes / _least(lambda: np.dot(small, small)),
    )


def _flops(rounds: int = 100_000) -> float:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "peak.so"
        source = Path(__file__).with_name("peak.cpp")
        call([find_compiler(), "-O3", "-march=native", "-shared", "-fPIC", "-o", str(library), str(source)])
        peak = ctypes.CDLL(str(library)).peak
        peak.restype, peak.argtypes = ctypes.c_double, (ctypes.c_long,)
        return rounds * 16 * 16 * 2 / _least(lambda: peak(rounds))


def _least(call: Callable[[], object], count: int = 30) -> float:
    spent = []
    for _ in range(count):
        begin = time.perf_counter()
        call()
        spent.append(time.perf_counter() - begin)
    return min(spent)


def draw(card: cards.Card, rows: dict[str, tuple[Work, float]], roof: Roofs, file: Path) -> None:
    """Write the figure: operations for each byte, and a second."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    across = np.geomspace(0.2, 9000, 200)
    for speed, style, words, align in (
        (roof.memory, "-", " memory", "left"),
        (roof.cache, "--", "last cache", "right"),
    ):
        axes.plot(across, np.minimum(roof.flops, across * speed) / 1e9, style, color="#08519c")
        place = (0.4, 0.4 * speed / 1e9) if align == "left" else (1.6, 2.0 * speed / 1e9)
        axes.annotate(f"{words} {speed / 1e9:.0f} GB/s", place, color="#08519c", fontsize=8, va="center", ha=align)
    for part, (need, spent) in rows.items():
        x, y = need.macs / (2 * need.floats), 2 * need.macs / spent / 1e9
        axes.scatter(x, y, s=600 * spent * 1e3, color="#cb181d", alpha=0.6, linewidths=0)
        side = BESIDE.get(part, 0)
        place = (12 * side, 0) if side else (0, -16)
        words, align = f"{part}, {spent * 1e3:.2f} ms", ("center", "left", "right")[side]
        axes.annotate(words, (x, y), place, textcoords="offset points", fontsize=8, ha=align, va="center", bbox=BEHIND)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.2, 9000)
    axes.set_ylim(10, 400)
    axes.set_yticks([10, 20, 50, 100, 200, 400], ["10", "20", "50", "100", "200", "400"])
    axes.minorticks_off()
    axes.set_xlabel("operations for each byte of weights and state")
    axes.set_ylabel("GFLOP/s")
    axes.set_title(f"{card.name}, {card.side_px} px: parts of a step in one thread; the area is the time", fontsize=10)
    figure.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--card", default=str(ROOT / "build/bench/a0-stream.toml"), help="made by `make bench`")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--plot", type=Path, help="where the figure goes; none by default")
    given = parser.parse_args()
    card, roof = cards.load(given.card), roofs()
    spent = times(card, given.steps)
    rows = {part: (need, spent[part]) for part, need in work(card).items()}
    say(
        f"roofs: {roof.flops / 1e9:.0f} GFLOP/s, {roof.memory / 1e9:.1f} GB/s from memory, "
        f"{roof.cache / 1e9:.0f} GB/s from cache"
    )
    say(f"{'part':22}  {'MMAC':>6}  {'MB':>5}  {'ms':>5}  {'GFLOP/s':>7}  {'at the roof, ms':>15}")
    for part, (need, seconds) in rows.items():
        floor = max(2 * need.macs / roof.flops, 4 * need.floats / roof.cache)
        say(
            f"{part:22}  {need.macs / 1e6:6.2f}  {4 * need.floats / 1e6:5.2f}  {seconds * 1e3:5.2f}"
            f"  {2 * need.macs / seconds / 1e9:7.1f}  {floor * 1e3:15.2f}"
        )
    macs = sum(need.macs for need, _ in rows.values())
    say(f"{'sum':22}  {macs / 1e6:6.2f}  {'':5}  {sum(spent.values()) * 1e3:5.2f}")
    if given.plot:
        draw(card, rows, roof, given.plot)


if __name__ == "__main__":
    main()
