"""Pictures of a training and of an evaluation."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WINDOW = 15
"""Count: batches over which a curve is averaged."""


def curve(log: Path, path: Path) -> None:
    """Draw loss and accuracy over the streams seen, from a run's `log.jsonl`; the validation's too."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    learned = [line for line in lines if "loss" in line]
    judged = [line for line in lines if "validation_loss" in line]
    streams = [line["streams"] for line in learned]
    figure = Figure(figsize=(8, 4), layout="constrained")
    for place, name in enumerate(("loss", "accuracy"), 1):
        axes = figure.add_subplot(1, 2, place)
        _smooth(axes, streams, np.array([line[name] for line in learned]))
        if judged:
            values = [line[f"validation_{name}"] for line in judged]
            axes.plot([line["streams"] for line in judged], values, "o-", markersize=3, label="validation")
            axes.legend()
        axes.set(xlabel="streams seen", title=name)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def _smooth(axes: Axes, streams: Sequence[int], values: npt.NDArray[np.float64]) -> None:
    is_smooth = len(values) >= WINDOW
    axes.plot(streams, values, alpha=0.25 if is_smooth else 1.0, label=None if is_smooth else "training")
    if is_smooth:
        mean = np.convolve(values, np.ones(WINDOW) / WINDOW, "valid")
        axes.plot(streams[WINDOW - 1 :], mean, label="training")


def confusion(counts: npt.NDArray[np.int64], labels: Sequence[str], title: str, path: Path) -> None:
    """Draw a confusion matrix: (K, K) counts, a row for what was shown, a column for what was said."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="said", ylabel="shown; each row in %", title=title)
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:
            axes.text(
                column, row, f"{100 * share:.0f}", ha="center", va="center", color="white" if share > 0.5 else "black"
            )
    figure.savefig(path, dpi=120)
