"""Records what a session says of a video; sums up what was recorded of several."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from stream.cards import Card
from stream.colours import of_labels
from stream.screentime import ScreenTime, Timeline, Use
from stream.spans import NO_LABEL, EventSpans, Spans, TopSpans
from stream.types import Frame, Update

LABELS, EVENTS = "labels", "events"
"""The two views: the label on top at every moment, and the actions that were told."""


class Row(NamedTuple):
    """One label of one view. Seconds are exact to the microsecond."""

    view: str
    """LABELS or EVENTS."""
    label: str
    """One of the model's, or NO_LABEL."""
    seconds: float
    """How long it was on in all."""
    share: float
    """Of the video's length, in [0, 1]."""
    occurrences: int
    """Count: how often it came on."""
    longest_s: float
    """Seconds of its longest occurrence."""
    first_s: float
    """Seconds since the first frame: when it came on first."""
    last_s: float
    """Seconds since the first frame: when it went off last."""


@dataclass(frozen=True, slots=True)
class Report:
    """How long each label was on in one video."""

    video: str
    """Where it was read from."""
    card: Card
    """The model."""
    length_us: int
    """Microseconds from the first frame to the end of the last one."""
    views: dict[str, ScreenTime]
    """View -> what its ranges add up to; those of LABELS add up to the length."""
    is_complete: bool = True
    """It was seen to its end."""

    @property
    def length_s(self) -> float:
        """Seconds from the first frame to the end of the last one."""
        return self.length_us / 1e6

    def rows(self, view: str) -> list[Row]:
        """List the labels that were on, the longest first."""
        uses = sorted(self.views[view].uses.items(), key=lambda item: (-item[1].us, item[0]))
        return [_row(view, label, use, self.length_us) for label, use in uses]

    def timeline(self, view: str) -> Timeline:
        """Say when."""
        return self.views[view].timeline


class Recorder:
    """Takes what a session says, as a sink does, in bounded memory."""

    def __init__(self, min_probability: float = 0.0) -> None:
        """Begin; a top label less probable than `min_probability`, in [0, 1], counts as none."""
        self._makers: dict[str, Spans] = {LABELS: TopSpans(min_probability), EVENTS: EventSpans()}
        self._views = {LABELS: ScreenTime(), EVENTS: ScreenTime()}

    def send(self, frame: Frame, update: Update | None) -> None:
        """Take one frame and what it gave."""
        for view, maker in self._makers.items():
            for span in maker.take(frame, update):
                self._views[view].add(span)

    def finish(self, video: str, card: Card, *, is_complete: bool = True) -> Report:
        """End what still is on, and report."""
        for view, maker in self._makers.items():
            for span in maker.finish():
                self._views[view].add(span)
        length_us = sum(use.us for use in self._views[LABELS].uses.values())
        return Report(video, card, length_us, self._views, is_complete)


class Total(NamedTuple):
    """One label in all videos together."""

    view: str
    """LABELS or EVENTS."""
    label: str
    """One of the model's, or NO_LABEL."""
    seconds: float
    """How long it was on in all."""
    share: float
    """Of the length of all videos, in [0, 1]."""
    occurrences: int
    """Count: how often it came on."""
    longest_s: float
    """Seconds of its longest occurrence."""
    videos: int
    """Count: videos in which it was on."""


def total(reports: Iterable[Report], view: str) -> list[Total]:
    """Add up one view of several reports, the longest first."""
    reports = list(reports)
    found: dict[str, list[Use]] = {}
    for report in reports:
        for label, use in report.views[view].uses.items():
            found.setdefault(label, []).append(use)
    length_us = sum(report.length_us for report in reports)
    rows = [_total(view, label, uses, length_us) for label, uses in found.items()]
    return sorted(rows, key=lambda row: (-row.seconds, row.label))


def colours(card: Card) -> dict[str, str]:
    """Give every label of a report its colour."""
    quiet = set(card.silent_labels) - set(card.experimental)
    return of_labels((*card.shown_labels, NO_LABEL), (*sorted(quiet), NO_LABEL))


def _row(view: str, label: str, use: Use, length_us: int) -> Row:
    times_s = (value / 1e6 for value in (use.longest_us, use.first_us, use.last_us))
    return Row(view, label, use.us / 1e6, use.us / max(1, length_us), use.count, *times_s)


def _total(view: str, label: str, uses: list[Use], length_us: int) -> Total:
    us, count = sum(use.us for use in uses), sum(use.count for use in uses)
    longest_us = max(use.longest_us for use in uses)
    return Total(view, label, us / 1e6, us / max(1, length_us), count, longest_us / 1e6, len(uses))
