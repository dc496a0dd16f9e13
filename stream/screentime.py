"""How long each label was on: sums of ranges, and a timeline of bounded size. Whole microseconds, so sums are exact."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from stream.spans import Span

BIN_COUNT = 2048
"""Count, even: bins of a timeline; a longer stream gets wider bins, not more."""
FIRST_BIN_US = 1000
"""Microseconds: width of a bin as long as all fit."""

Bins = npt.NDArray[np.int64]


@dataclass(slots=True)
class Use:
    """How a label was used so far."""

    us: int = 0
    """Microseconds in all."""
    count: int = 0
    """Count: ranges."""
    first_us: int = 0
    """Microseconds since the first frame: when it was on first."""
    last_us: int = 0
    """Microseconds since the first frame: until when it was on last."""
    longest_us: int = 0
    """Microseconds: the longest range."""

    def add(self, span: Span) -> None:
        """Take in a range; they may come in any order."""
        self.first_us = min(self.first_us, span.begin_us) if self.count else span.begin_us
        self.last_us = max(self.last_us, span.end_us)
        self.longest_us = max(self.longest_us, span.us)
        self.us += span.us
        self.count += 1


class Timeline:
    """When each label was on, in bins of equal width."""

    def __init__(self) -> None:
        self.width_us = FIRST_BIN_US
        self._bins: dict[str, Bins] = {}  # (BIN_COUNT,) microseconds

    def add(self, span: Span) -> None:
        """Take in a range."""
        while span.end_us > BIN_COUNT * self.width_us:
            self._widen()
        bins = self._bins.setdefault(span.label, np.zeros(BIN_COUNT, np.int64))
        first, last = span.begin_us // self.width_us, (span.end_us - 1) // self.width_us
        edges = np.arange(first, last + 2) * self.width_us
        edges[0], edges[-1] = span.begin_us, span.end_us
        bins[first : last + 1] += np.diff(edges)

    def shares(self, label: str, length_us: int, count: int) -> npt.NDArray[np.float64]:
        """Return (count,) shares in [0, 1]: how much of each of `count` equal parts of the stream the label was on."""
        bins = self._bins.get(label, np.zeros(BIN_COUNT, np.int64))
        passed = np.concatenate([[0], np.cumsum(bins)])
        edges = np.linspace(0, length_us, count + 1)
        found = np.interp(edges, np.arange(BIN_COUNT + 1) * self.width_us, passed)
        return np.asarray(np.clip(np.diff(found) / (length_us / count), 0, 1))

    def _widen(self) -> None:
        """Merge every two bins into one."""
        self.width_us *= 2
        rest = np.zeros(BIN_COUNT // 2, np.int64)
        self._bins = {label: np.concatenate([bins[::2] + bins[1::2], rest]) for label, bins in self._bins.items()}


@dataclass(slots=True)
class ScreenTime:
    """What all ranges of one view add up to."""

    uses: dict[str, Use] = field(default_factory=dict)
    """Label -> how it was used."""
    timeline: Timeline = field(default_factory=Timeline)
    """When."""

    def add(self, span: Span) -> None:
        """Take in a range."""
        self.uses.setdefault(span.label, Use()).add(span)
        self.timeline.add(span)
