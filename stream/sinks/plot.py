"""A timeline as a PNG: how probable each label was, when its events were, where the memory was cleared."""

import itertools
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from stream.colours import COLOURS, DARK, GREY
from stream.errors import UsageError
from stream.sinks.base import say_written
from stream.types import Array, Frame, LabelEvent, Phase, Update

POINT_COUNT = 4000
"""Count, even: past this many points neighbours are merged, two by two, so that a long stream takes no more memory."""
EVENT_COUNT = 2000
"""Count: the last events of which the intervals are shaded."""
LANE_COUNT = 12
"""Count: the labels that are drawn, those that reached most."""
FAINT = 0.2
"""Probability: a label without an event that never reached this is left out, unless all are so."""
CAUSE_COUNT = 30
"""Count: more resets than this are drawn without their causes."""


def build(target: str, *, title: str = "") -> "Plot":
    """Prepare to write the PNG `target`, when the `with` ends.

    A label that an update does not list counts as 0, so give it updates that list all: `top_k` = `EVERY_LABEL`.

    Raises:
        UsageError: not the path of a PNG, or its folder does not exist.
    """
    path = Path(target)
    if path.suffix.lower() != ".png" or not path.parent.is_dir():
        raise UsageError(f"cannot plot to {target}; accepted: a name ending in .png, in a folder that exists")
    return Plot(path, title)


@dataclass(slots=True)
class Point:
    """One frame, or several that were merged."""

    offset_s: float
    """Seconds since the first frame."""
    probabilities: dict[str, float]
    """Label -> the highest it had here."""

    def merge(self, other: "Point") -> None:
        """Take in a later point."""
        for name, probability in other.probabilities.items():
            self.probabilities[name] = max(probability, self.probabilities.get(name, 0.0))


class Plot:
    """Remembers a bounded number of points and draws them at the end, whatever ended the stream."""

    def __init__(self, path: Path, title: str) -> None:
        self._path, self._title = path, title
        self._points: list[Point] = []
        self._stride, self._taken = 1, 0  # frames a point, frames in the last point
        self._ongoing: dict[str, LabelEvent] = {}
        self._past: deque[LabelEvent] = deque(maxlen=EVENT_COUNT)
        self._resets: deque[tuple[float, str]] = deque(maxlen=EVENT_COUNT)
        self._last: Frame | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw and write.

        Raises:
            UsageError: the file cannot be written.
        """
        if not self._points:
            return
        try:
            self._draw().savefig(self._path)
            say_written(self._path)
        except OSError as failed:
            self._path.unlink(missing_ok=True)
            raise UsageError(f"cannot write {self._path}: {failed.strerror}") from failed

    def send(self, frame: Frame, update: Update | None) -> None:
        """Remember what a frame gave."""
        if update is None:
            return
        for event in update.events:
            self._ongoing[event.label] = event
            if event.phase is Phase.END:
                self._past.append(self._ongoing.pop(event.label))
        if frame is self._last:
            return
        self._last = frame
        if update.reset:
            self._resets.append((update.offset_s, update.reset))
        self._add(Point(update.offset_s, {label.name: label.probability for label in update.labels}))

    def _add(self, point: Point) -> None:
        if self._points and self._taken < self._stride:
            self._points[-1].merge(point)
            self._taken += 1
            return
        if len(self._points) == POINT_COUNT:
            self._halve()
        self._points.append(point)
        self._taken = 1

    def _halve(self) -> None:
        """Merge every two points into one; all of them are full when this is called."""
        for first, second in zip(self._points[::2], self._points[1::2], strict=True):
            first.merge(second)
        self._points, self._stride = self._points[::2], 2 * self._stride

    def _draw(self) -> Figure:
        names = self._names()
        offsets_s = np.array([point.offset_s for point in self._points])
        figure = Figure(figsize=(12, 1.4 + 0.62 * max(1, len(names))), dpi=110, layout="constrained", facecolor="white")
        lanes = figure.subplots(max(1, len(names)), 1, sharex=True, squeeze=False)[:, 0]
        for lane, name, colour in zip(lanes, names, itertools.cycle(COLOURS), strict=False):
            self._draw_lane(lane, name, colour, offsets_s)
        begin_s, end_s = offsets_s[0], max(offsets_s[-1], offsets_s[0] + 1e-3)
        lanes[-1].set_xlim(begin_s, end_s)
        self._draw_resets(lanes[0])
        lanes[-1].tick_params(axis="x", bottom=True, labelbottom=True, colors=DARK, labelsize=9)
        lanes[-1].xaxis.set_major_formatter(FuncFormatter(_clock if end_s > 180 else _seconds))
        unit = "hours : minutes : seconds" if end_s > 180 else "seconds"
        lanes[-1].set_xlabel(f"{unit} (lanes: probability from 0 to 1; shaded: events)", fontsize=9, color=DARK)
        if self._title:
            figure.suptitle(
                self._title, x=0.008, ha="left", fontsize=11, color=DARK, fontweight="bold", parse_math=False
            )
        return figure

    def _names(self) -> list[str]:
        """Choose the labels that reached most; those with events come first, in order of time."""
        peaks: dict[str, float] = {}
        for point in self._points:
            for name, probability in point.probabilities.items():
                peaks[name] = max(probability, peaks.get(name, 0.0))
        begins_s: dict[str, float] = {}
        for event in (*self._past, *self._ongoing.values()):
            begins_s.setdefault(event.label, event.begin_s)
        seen = [name for name in peaks if name in begins_s or peaks[name] >= FAINT] or list(peaks)
        best = sorted(seen, key=lambda name: (name not in begins_s, -peaks[name]))[:LANE_COUNT]
        return sorted(best, key=lambda name: (begins_s.get(name, np.inf), -peaks[name]))

    def _draw_lane(self, lane: Axes, name: str, colour: str, offsets_s: Array) -> None:
        events = [event for event in (*self._past, *self._ongoing.values()) if event.label == name]
        colour = colour if events else GREY
        values = [point.probabilities.get(name, 0.0) for point in self._points]
        for event in events:
            lane.axvspan(event.begin_s, max(event.offset_s, event.begin_s), color=colour, alpha=0.22, linewidth=0)
        lane.fill_between(offsets_s, values, color=colour, alpha=0.35, linewidth=0)
        lane.plot(offsets_s, values, color=colour, linewidth=1.2, solid_joinstyle="round")
        for offset_s, _ in self._resets:
            lane.axvline(offset_s, color=DARK, linewidth=0.8, linestyle=(0, (2, 2)), alpha=0.7)
        lane.set_ylim(0, 1.05)
        lane.set_yticks([])
        lane.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10, color=colour, parse_math=False)
        lane.tick_params(axis="x", bottom=False, labelbottom=False)
        lane.spines[["top", "right", "left"]].set_visible(False)
        lane.spines["bottom"].set_color("#d5d9de")

    def _draw_resets(self, lane: Axes) -> None:
        """Name what cleared the memory above the lanes, unless there is no room."""
        for offset_s, cause in self._resets if len(self._resets) <= CAUSE_COUNT else ():
            lane.annotate(
                cause, (offset_s, 1.05), (0, 2), textcoords="offset points", ha="center", fontsize=8, color=GREY
            )


def _seconds(value: float, _position: int) -> str:
    return f"{value:g}"


def _clock(value: float, _position: int) -> str:
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
