"""Measured figures as JSON and cards take them."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stream.evaluation.clips import BIN_COUNT, TOP
from stream.evaluation.clips import Clips as Scored
from stream.evaluation.footage import Shown
from stream.evaluation.generated import SOON_S, Sessions
from stream.evaluation.memory import Cell
from stream.evaluation.streams import Alarms, Streams
from stream.intervals import Figure

Table = dict[str, Any]


def of_generated(clips: Scored | None, sessions: Sessions | None) -> Table:
    """Say what was measured on generated gestures."""
    found: Table = of_clips(clips) if clips else {}
    if sessions:
        found["stream_minutes"] = sessions.minutes
        found["events_played"] = sessions.played
        found["events_recognised"] = of(sessions.recognised)
        found["labels_in_time"] = {**of(sessions.soon), "within_s": SOON_S}
        found["median_delay_after_end_s"] = of(sessions.delay_s)
        found["delay_after_end_of_nineteen_in_twenty_s"] = of(sessions.late_s)
        found["false_events_per_minute"] = of(sessions.false_per_minute)
    return found


def of_clips(clips: Scored) -> Table:
    """Say what was measured on single clips."""
    rows = ({**asdict(cell), "share": of(cell.share)} for cell in clips.confusion)
    return {
        "clips": int(clips.counts.sum()),
        "groups": clips.groups,
        "top1": of(clips.top1),
        **({"top5": of(clips.top5)} if len(clips.labels) > TOP else {}),  # of five labels or fewer it is always 1
        "calibration_error": {**of(clips.ece), "bins": BIN_COUNT},
        "recall": {label: of(figure) for label, figure in clips.recall.items()},
        "confusion": list(rows),
    }


def of_streams(streams: Streams) -> Table:
    """Say what was measured on clips joined to a stream."""
    return {
        "stream_minutes": round(streams.length_s / 60, 3),
        "changes": streams.changes,
        "groups": streams.groups,
        "time_right": of(streams.right),
        "changes_found": of(streams.found),
        "median_delay_s": of(streams.delay_s),
        "delay_of_nine_in_ten_s": of(streams.late_s),
    }


def of_alarms(alarms: Alarms) -> Table:
    """Say what was measured on footage without any of the actions."""
    return {
        "videos": alarms.videos,
        "hours": round(alarms.hours, 5),
        "events": alarms.events,
        "false_events_per_hour": of(alarms.per_hour),
    }


def of_footage(shown: Shown, alarms: Alarms) -> Table:
    """Say what was measured on real footage."""
    return {
        "showings": int(shown.counts.sum()),
        "scenes": shown.scenes,
        "accuracy": of(shown.accuracy),
        "quiet": of_alarms(alarms),
    }


def of_memory(cells: Sequence[Cell]) -> Table:
    """Say what was measured of memories and ages; a memory that never forgets is null."""
    names = ("accuracy", "found", "delay_s", "change")
    rows = [
        {"memory_s": _plain(cell.memory_s), "age_s": cell.age_s, **{name: of(getattr(cell, name)) for name in names}}
        for cell in cells
    ]
    return {"cells": rows}


def of(figure: Figure) -> Table:
    """Round a figure; what is not known, and a delay that does not end, is null."""
    return {"value": _plain(figure.value), "low": _plain(figure.low), "high": _plain(figure.high)}


def brief(figures: Any) -> Any:
    """Leave out what a card need not say: the cells of a confusion matrix, and nulls, which TOML does not know."""
    if isinstance(figures, dict):
        return {name: brief(value) for name, value in figures.items() if value is not None and name != "confusion"}
    return [brief(value) for value in figures] if isinstance(figures, list) else figures


def words(figure: Figure, scale: float = 100, unit: str = " %", places: int = 1) -> str:
    """Say a figure to people: 88.3 % (86.4 to 90.0)."""
    if math.isnan(figure.value):
        return "nothing to measure"
    value, low, high = (_word(end * scale, places) for end in (figure.value, figure.low, figure.high))
    known = math.isfinite(figure.low)  # neither unknown nor without end
    return f"{value}{unit if math.isfinite(figure.value) else ''}" + (f" ({low} to {high})" if known else "")


def _plain(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _word(value: float, places: int) -> str:
    return f"{value:.{places}f}" if math.isfinite(value) else "never"
