"""What travels: the values that pass from stage to stage. Frozen; imports nothing of ours.

source -> decode -> preprocess -> step -> smooth -> event -> sink
Packet    Frame     clip          Scores             Update(LabelEvent...)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
"""Numbers of a network: float32."""

Rgb = npt.NDArray[np.uint8]
"""A picture: (H, W, 3) RGB uint8."""

State = Mapping[str, Array]
"""What a stream remembers: name -> array of at most four dimensions, the first one the row of the batch."""


class Picture(Protocol):
    """A decoded picture that has not been converted yet, so that a dropped frame costs nothing more."""

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        ...

    @property
    def height_px(self) -> int:
        """Height in pixels."""
        ...

    def rgb(self, width_px: int | None = None, height_px: int | None = None) -> Rgb:
        """Convert to (height_px, width_px, 3) RGB uint8, scaling in the same pass; by default to its own size."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture and when it was."""

    picture: Picture
    """The picture, unconverted."""
    offset_s: float
    """Seconds since the first frame of this stream, by the stream's own timestamps."""
    arrival_ns: int
    """When it reached us: `time.monotonic_ns()`; the age of a label is counted from here."""
    duration_s: float | None = None
    """Seconds for which it is to be shown; None where the stream does not say."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the network says of one frame."""

    probabilities: Array
    """(K,) in [0, 1]."""
    offset_s: float
    """Seconds since the first frame of this stream."""


class Phase(Enum):
    """Where in its life an action is."""

    BEGIN = "begin"
    UPDATE = "update"
    END = "end"


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """An action began, goes on, or ended."""

    label: str
    """One of the card's labels."""
    phase: Phase
    """BEGIN once, UPDATE while it lasts, END once."""
    probability: float
    """Smoothed, in [0, 1]: with UPDATE as it is now, with BEGIN and END the highest since it began."""
    offset_s: float
    """Seconds since the first frame of this stream: with BEGIN when it began, with END when it ended."""
    begin_s: float
    """Seconds since the first frame of this stream at which this action began."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label and how probable it is now."""

    name: str
    """One of the card's labels."""
    probability: float
    """Smoothed, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Drops:
    """Frames of this stream that were not used, by cause, since it began."""

    rate: int = 0
    """Count: more frames than the model's rate needs."""
    backlog: int = 0
    """Count: thrown away because a newer frame was waiting."""
    decode: int = 0
    """Count: pictures that could not be read."""
    order: int = 0
    """Count: timestamps that did not increase."""
    late: int = 0
    """Count: older than the limit when their turn came."""


@dataclass(frozen=True, slots=True)
class Update:
    """What one used frame gave."""

    offset_s: float
    """Seconds since the first frame of this stream: the frame's timestamp."""
    labels: tuple[Label, ...]
    """The most probable labels, best first; empty where every label is denied."""
    events: tuple[LabelEvent, ...]
    """Actions that began, went on or ended with this frame."""
    age_s: float
    """Seconds from the frame's arrival until its labels were ready."""
    drops: Drops = field(default_factory=Drops)
    """What was not used so far, by cause."""
    reset: str | None = None
    """Why the memory was cleared: before this frame for a "gap" in time or a "cut" in the scene; after it where the
    network gave numbers that are not finite ("nan": no labels then). None when it was not."""
