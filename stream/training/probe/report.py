"""What teaching brought: before and after, for the card and as a table of clips."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stream.intervals import Figure
from stream.training.datasets import Sample
from stream.training.probe.judging import Figures, Verdict
from stream.training.probe.linear import FEWEST


@dataclass(frozen=True, slots=True)
class Report:
    """Before and after, on clips whose group was not learned from."""

    before: Figures
    """Of the card that it began with."""
    after: Figures
    """Of layers that learned from the other groups."""
    clips: int
    """Count: clips judged."""
    groups: int
    """Count: recordings they are of."""
    lone: tuple[str, ...]
    """Classes of one recording only: not judged."""
    generated: tuple[float, float] | None
    """Share of frames of generated streams, not learned from, that are right before and after."""

    @property
    def has_intervals(self) -> bool:
        """Say whether there are recordings enough for intervals to mean something."""
        return self.groups >= FEWEST

    def trusted(self, figure: Figure) -> Figure:
        """Return a figure, without its ends where the recordings are too few."""
        return figure if self.has_intervals else replace(figure, low=math.nan, high=math.nan)


def tabulate(path: Path, samples: Sequence[Sample], verdicts: Mapping[int, Verdict]) -> None:
    """Write what was said of every clip by a layer that did not learn from its group."""
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "start", "end", "group", "said", "probability", "events"))
        for place, verdict in sorted(verdicts.items()):
            sample = samples[place]
            span = (sample.start_s, sample.end_s if np.isfinite(sample.end_s) else "")
            told = (verdict.said, f"{verdict.probability:.4f}", " + ".join(verdict.events))
            writer.writerow((sample.path.resolve(), sample.label, *span, sample.group, *told))


def figures(report: Report) -> dict[str, Any]:
    """Say it for the card and for programs."""
    found: dict[str, Any] = {"clips": report.clips, "recordings": report.groups}
    for name, measured in (("before", report.before), ("after", report.after)):
        found[name] = {
            key: [round(value, 4) for value in (figure.value, figure.low, figure.high) if np.isfinite(value)]
            for key, figure in ((key, report.trusted(getattr(measured, key))) for key in ("right", "told", "quiet"))
            if np.isfinite(figure.value)
        }
    if report.generated:
        found["generated_frames_right"] = [round(value, 4) for value in report.generated]
    what = "each recording" if report.groups > 1 else "each fifth of the clips of the only recording"
    found["note"] = f"{what} judged by a layer that learned from the others; value, and the ends of its 95 % interval"
    return found
