"""Clips to learn from, decoded once: every frame of them at the model's rate, as bytes."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stream.buffer import frames
from stream.cards import Card
from stream.errors import UsageError
from stream.preprocess import square
from stream.resampling import Resampler
from stream.sources import open_source
from stream.training.datasets import Sample
from stream.types import Rgb

MAX_FRAMES = 150
"""Count: of a longer clip, so many frames from its middle."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One clip."""

    frames: Rgb
    """(T, S, S, 3) RGB uint8."""
    label: str
    """What it shows: a row's name, or anything else."""
    group: str
    """What it must not be parted from."""


def read(samples: Sequence[Sample], card: Card) -> Iterator[Shot]:
    """Decode the samples one by one.

    Raises:
        SourceError: one cannot be read.
        UsageError: one has no frame in its span.
    """
    for sample in samples:
        found = list(_frames(sample, card))
        if not found:
            raise UsageError(f"{sample} has no frame; accepted: clips of one frame or more")
        first = max(0, (len(found) - MAX_FRAMES) // 2)
        yield Shot(np.stack(found[first : first + MAX_FRAMES]), sample.label, sample.group)


def _frames(sample: Sample, card: Card) -> Iterator[npt.NDArray[np.uint8]]:
    clock = Resampler(card.fps)
    with open_source(str(sample.path)) as source, closing(frames(source)) as stream:
        for frame in stream:
            if frame.offset_s >= sample.end_s:
                return
            if frame.offset_s >= sample.start_s and clock.takes(frame.offset_s):
                yield square(frame.picture, card.side_px, card.fit).copy()
