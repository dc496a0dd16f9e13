"""What pictures of a report share: runs of a timeline, and times for people."""

import math
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from stream.report.record import EVENTS, LABELS, Report

STEPS = 4
"""Count: shades by which a part of the timeline says how much of it a label was on."""
LANE_COUNT = 24
"""Count: labels that are drawn, the longest; the tables have all."""

DAY_S = 86_400.0
STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, DAY_S)
"""Seconds between two marks of an axis."""


class Run(NamedTuple):
    """A stretch of a lane."""

    begin: float
    """Share of the video's length at which it begins, in [0, 1]."""
    end: float
    """Share of the video's length at which it ends, in [0, 1]."""
    share: float
    """How much of it the label was on, in (0, 1]: 1 / STEPS, 2 / STEPS ... 1."""


def lanes(report: Report) -> list[str]:
    """List the labels to draw: those of both views, the longest on top first."""
    names = [row.label for view in (LABELS, EVENTS) for row in report.rows(view)]
    return list(dict.fromkeys(names))[:LANE_COUNT]


def runs(report: Report, view: str, label: str, count: int) -> Iterator[Run]:
    """Cut a lane into `count` equal parts and join neighbours that are alike; parts without the label are left out."""
    shares = report.timeline(view).shares(label, max(1, report.length_us), count)
    shades = [math.ceil(share * STEPS - 1e-9) for share in shares]
    for shade, part in groupby(range(count), shades.__getitem__):
        if shade:
            places = list(part)
            yield Run(places[0] / count, (places[-1] + 1) / count, shade / STEPS)


def ticks(length_s: float, most: int = 10) -> list[tuple[float, str]]:
    """Choose round seconds for an axis of `length_s`, at most `most` + 1 of them, 0 included; with words for each."""
    step_s = next((step for step in STEPS_S if length_s / step <= most), DAY_S * math.ceil(length_s / DAY_S / most))
    marks = [round(index * step_s, 6) for index in range(int(length_s / step_s + 1e-9) + 1)]
    return [(mark, clock(mark, 0 if step_s >= 1 else 1)) for mark in marks]


def clock(seconds: float, places: int = 1) -> str:
    """Say a time: 12.3 s, 4:05.0 from a minute on, 1:02:03 from an hour on."""
    if seconds < 60:
        return f"{seconds:.{places}f} s"
    minutes, rest = divmod(round(seconds, places), 60)
    width = places + 3 if places else 2
    if minutes < 60:
        return f"{minutes:.0f}:{rest:0{width}.{places}f}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:.0f}:{minutes:02.0f}:{math.floor(rest):02}"
