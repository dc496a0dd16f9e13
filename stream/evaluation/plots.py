"""Pictures of an evaluation: how soon a change of action is seen, and what a memory is good for."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from stream.colours import COLOURS, DARK
from stream.evaluation.joined import Row
from stream.evaluation.memory import Cell
from stream.evaluation.streams import Streams
from stream.intervals import Figure

C = TypeVar("C", Cell, Row)
"""One memory at one age."""


def delays(found: Streams, title: str, path: Path) -> None:
    """Draw which share of the changes had their label on top after how many seconds."""
    known = sorted(delay for delay in found.delays_s if math.isfinite(delay))
    shares = np.arange(1, len(known) + 1) / max(1, len(found.delays_s))
    canvas = Canvas(figsize=(8, 4), layout="constrained")
    axes = canvas.add_subplot()
    axes.step([0, *known], [0, *shares], where="post", color=COLOURS[0])
    axes.axhline(found.found.value, color=DARK, linewidth=0.8, linestyle=(0, (2, 2)))
    axes.set(xlabel="seconds after the change", ylabel="share of changes with the right label", title=title)
    axes.set(ylim=(0, 1.02), xlim=(0, None))
    axes.grid(alpha=0.3)
    canvas.savefig(path, dpi=120)


@dataclass(frozen=True, slots=True)
class Panel(Generic[C]):
    """One of the plots side by side."""

    name: str
    """Of its vertical axis."""
    pick: Callable[[C], Figure]
    """What is drawn: a share, drawn as percent; or seconds."""
    never: str = ""
    """Of seconds: what a triangle means, which stands where they never end."""

    def draw(self, axes: Axes, cells: Sequence[C]) -> None:
        """Draw it over the memory, a line an age."""
        _lines(axes, cells, self.pick, 1 if self.never else 100)
        axes.set(ylabel=self.name, ylim=(0, None if self.never else 100))
        if self.never and any(self.pick(cell).value == math.inf for cell in cells):
            axes.set_title(f"triangles: {self.never}", fontsize=9)


def memory(cells: Sequence[Cell], title: str, path: Path) -> None:
    """Draw accuracy and delay over the memory, a line an age."""
    right: Panel[Cell] = Panel("actions right at their end, %", lambda cell: cell.accuracy)
    never = "half of them or more never had their label"
    delay: Panel[Cell] = Panel("median seconds from an action's begin to its label", lambda cell: cell.delay_s, never)
    _side_by_side(cells, (right, delay), title, path, (11, 4.6))


def joined_memory(rows: Sequence[Row], title: str, path: Path) -> None:
    """Draw right seconds, false ones and delay over the memory, a line an age."""
    right: Panel[Row] = Panel("seconds with the right label on top, %", lambda row: row.right)
    false: Panel[Row] = Panel("seconds of other clips with an event, %", lambda row: row.false)
    never = "half of the clips or more never had it"
    delay: Panel[Row] = Panel("median seconds to the right label", lambda row: row.delay_s, never)
    _side_by_side(rows, (right, false, delay), title, path, (13, 4.4))


def _side_by_side(
    cells: Sequence[C], panels: Sequence[Panel[C]], title: str, path: Path, size: tuple[float, float]
) -> None:
    canvas = Canvas(figsize=size, layout="constrained")
    canvas.suptitle(title)
    places = canvas.subplots(1, len(panels))
    for axes, panel in zip(places, panels, strict=True):
        panel.draw(axes, cells)
    places[0].legend(title="age of the stream", frameon=False)
    canvas.savefig(path, dpi=120)


def _lines(axes: Axes, cells: Sequence[C], pick: Callable[[C], Figure], scale: float) -> None:
    memories = sorted({cell.memory_s for cell in cells})
    ages = sorted({cell.age_s for cell in cells})
    for place, (age_s, colour) in enumerate(zip(ages, COLOURS, strict=False)):
        shift = 0.17 * (place - (len(ages) - 1) / 2)
        line = {cell.memory_s: pick(cell) for cell in cells if cell.age_s == age_s}
        places = np.array([memories.index(memory_s) for memory_s in line]) + shift
        values, lows, highs = (
            np.array([_drawn(getattr(figure, name)) * scale for figure in line.values()])
            for name in ("value", "low", "high")
        )
        errors = np.nan_to_num(np.clip([values - lows, highs - values], 0, None))
        axes.errorbar(places, values, errors, fmt="o-", color=colour, capsize=3, markersize=4, label=age(age_s))
        never = places[np.isnan(values)]
        if len(never):
            axes.plot(never, [0.97] * len(never), "^", color=colour, transform=axes.get_xaxis_transform())
    axes.set_xticks(range(len(memories)), [f"{memory_s:g}" for memory_s in memories])
    axes.set_xlabel("memory_s, seconds")
    axes.grid(alpha=0.3)


def _drawn(value: float) -> float:
    """Leave out a delay that does not end."""
    return value if math.isfinite(value) else math.nan


def age(age_s: float) -> str:
    """Say how old a stream is."""
    return f"{age_s:g} s" if age_s < 60 else f"{age_s / 60:g} min"
