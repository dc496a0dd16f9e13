"""The figure of a measurement: every contestant's times, from the shortest to the longest."""

from pathlib import Path

from stream.bench.step import Report


def draw(report: Report, file: Path) -> None:
    """Write a PNG: a bar from the shortest step to the 95th percentile, a mark at the median."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # an extra

    figure = Figure(figsize=(8, 1.2 + 0.5 * len(report.times)), layout="constrained")
    axes = figure.add_subplot()
    for row, (name, found) in enumerate(report.times.items()):
        axes.barh(row, found.p95_ms - found.min_ms, left=found.min_ms, height=0.5, color="#9ecae1")
        axes.plot([found.p50_ms] * 2, [row - 0.25, row + 0.25], color="#08519c", linewidth=2)
        share = report.ratios[name]
        axes.annotate(f" {share.value:.2f}x", (found.p95_ms, row), va="center")
    axes.set_yticks(range(len(report.names)), list(report.times))
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.margins(x=0.1)
    axes.set_xlabel(f"ms a step ({report.plan.clock} time): shortest to 95th percentile, median marked")
    axes.set_title(f"{report.model}   {report.machine.get('processor', '')}", fontsize=10)
    figure.savefig(file, dpi=120)
