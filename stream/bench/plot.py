"""The figures of a measurement."""

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from stream.bench.soak import Soak
from stream.bench.step import Report
from stream.bench.streams import Level

DARK, LIGHT, RED = "#08519c", "#9ecae1", "#cb181d"
ROOM = 1.15
"""An axis from 0 ends at this many times its largest value: a line, and what stands behind a bar, are inside."""


def draw(report: Report) -> Figure:
    """Draw steps: a bar from the shortest to the 95th percentile, a mark at the median."""
    figure = Figure(figsize=(8, 1.2 + 0.5 * len(report.times)), layout="constrained")
    axes = figure.add_subplot()
    for row, (name, found) in enumerate(report.times.items()):
        axes.barh(row, found.p95_ms - found.min_ms, left=found.min_ms, height=0.5, color=LIGHT)
        axes.plot([found.p50_ms] * 2, [row - 0.25, row + 0.25], color=DARK, linewidth=2)
        if name in report.ratios:
            axes.annotate(f" {report.ratios[name].value:.2f}x", (found.p95_ms, row), va="center")
    axes.set_yticks(range(len(report.names)), list(report.times))
    axes.invert_yaxis()
    axes.set_xlim(0, ROOM * max(found.p95_ms for found in report.times.values()))
    axes.set_xlabel(f"ms a step ({report.plan.clock} time): shortest to 95th percentile, median marked")
    axes.set_title(f"{report.model}   {report.machine.get('processor', '')}", fontsize=10)
    return figure


def draw_levels(levels: Sequence[Level], limit_ms: float, title: str) -> Figure:
    """Draw ages over the count of streams, with the limit."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    counts = [level.streams for level in levels]
    for share, colour in (("p50_ms", LIGHT), ("p95_ms", "#4292c6"), ("p99_ms", DARK)):
        values = [getattr(level.ages, share) for level in levels]
        axes.plot(counts, [value if math.isfinite(value) else math.nan for value in values], "o-", color=colour)
        axes.annotate(f" {share[:3]}", (counts[0], values[0]), color=colour, va="bottom")
    axes.axhline(limit_ms, color=RED, linewidth=1, linestyle="--")
    axes.set_yscale("log")
    axes.set_xlabel("streams (a missing point: more than 1 frame in 100, 20 or 2 was dropped)")
    axes.set_ylabel("age of a frame, ms")
    axes.set_title(title, fontsize=10)
    return figure


def draw_soak(soak: Soak, title: str) -> Figure:
    """Draw memory, threads and descriptors, and age, over minutes."""
    figure = Figure(figsize=(8, 7), layout="constrained")
    memory, counts, ages = figure.subplots(3, sharex=True)
    minutes = [one.minutes for one in soak.samples]
    memory.plot(minutes, [one.held.memory_mb for one in soak.samples], ".-", color=DARK)
    memory.set_ylabel("memory, MB")
    for name, colour in (("thread_count", DARK), ("file_count", RED)):
        counts.plot(
            minutes, [getattr(one.held, name) for one in soak.samples], ".-", color=colour, label=name[:-6] + "s"
        )
    counts.legend()
    for share, colour in (("p50_ms", LIGHT), ("p99_ms", DARK)):
        ages.plot(minutes, [getattr(one.ages, share) for one in soak.samples], ".-", color=colour, label=share[:3])
    ages.set_ylabel("age of a frame, ms")
    ages.legend()
    for axes in (memory, counts, ages):
        highest = max((y for line in axes.lines for y in line.get_ydata() if math.isfinite(y)), default=0.0)
        axes.set_ylim(0, ROOM * highest or None)
    ages.set_xlabel("minutes")
    figure.suptitle(title, fontsize=10)
    return figure
