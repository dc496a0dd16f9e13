"""What is told of a configured source: to those who watch it, and to outputs."""

from dataclasses import dataclass

from stream.server.standing import Standing
from stream.types import Drops, LabelEvent, Update


@dataclass(frozen=True, slots=True)
class Used:
    """A frame was used."""

    number: int
    """Count of the source's updates, from 1."""
    update: Update
    """What it gave; offsets count from the source's first frame."""


@dataclass(frozen=True, slots=True)
class Gap:
    """No frame came for longer than `max_gap_s`."""

    offset_s: float
    """Seconds since the source's first frame: of the last frame."""
    events: tuple[LabelEvent, ...]
    """The END of what lasted."""


@dataclass(frozen=True, slots=True)
class Over:
    """There will be no more."""

    events: tuple[LabelEvent, ...]
    """The END of what lasted."""
    drops: Drops
    """Frames not used, all told."""
    last_s: float = 0.0
    """Seconds since the source's first frame: of the last frame, used or not."""
    end_s: float = 0.0
    """Seconds since the source's first frame: where the last frame ended."""


News = Used | Gap | Over | Standing
"""What is told of a source."""
