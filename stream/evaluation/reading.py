"""Reads the samples of a data set, frame by frame as a session takes them, and checks them against a model."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from stream.buffer import frames
from stream.errors import SourceError, UsageError
from stream.recogniser import Recogniser
from stream.sources import open_source
from stream.training import datasets, splits
from stream.training.datasets import Sample
from stream.types import Frame

PARTS = ("all", "train", "validation", "test")
"""Which samples are measured: all, or those of a part that the data names."""


def read(data: Path, recogniser: Recogniser, *, videos: Path | None = None, part: str = "all") -> tuple[Sample, ...]:
    """List the samples of a data set that a model is measured on.

    Raises:
        UsageError: it is no data set, has no such part, or names labels that the model does not know.
    """
    if part not in PARTS:
        raise UsageError(f"--part is {part!r}; accepted: {', '.join(PARTS)}")
    samples = datasets.read(data, videos, least_classes=1)
    if unknown := sorted(set(datasets.labels(samples)) - set(recogniser.labels)):
        raise UsageError(
            f"{data} has {unknown[0]!r}, which {recogniser.card.name} does not know; "
            f"accepted: {', '.join(recogniser.labels)}"
        )
    chosen = tuple(sample for sample in samples if part in ("all", sample.subset))
    if not chosen:
        found = ", ".join(sorted({sample.subset for sample in samples} - {""})) or "none"
        raise UsageError(f"{data} has no part {part!r}; it names: {found}")
    return chosen


def groups(samples: Sequence[Sample], data: Path, pattern: str | None) -> list[str]:
    """Say what is drawn together in a bootstrap: by a pattern on the path, else as the data says, else each by itself.

    Raises:
        UsageError: the pattern does not fit a path, or is no regular expression.
    """
    if pattern:
        key: Callable[[Sample], str] = splits.by_pattern(pattern, data if data.is_dir() else data.parent)
        return [key(sample) for sample in samples]
    if all(sample.group for sample in samples):
        return [sample.group for sample in samples]
    return [str(place) for place in range(len(samples))]


def film(sample: Sample) -> Iterator[Frame]:
    """Yield the frames of a sample; offsets count from its first frame.

    Raises:
        SourceError: it cannot be read, or has no frame.
        UsageError: it ends after its video, by more than a frame.
    """
    first_s, seen = None, deque[float](maxlen=2)
    with open_source(str(sample.path)) as source, closing(frames(source)) as stream:
        for frame in stream:
            seen.append(now_s := frame.offset_s)
            if now_s >= sample.end_s:
                break
            if now_s >= sample.start_s:
                first_s = now_s if first_s is None else first_s
                yield replace(frame, offset_s=now_s - first_s)
    if first_s is None:
        raise SourceError(f"{sample}: no frame can be read; the video lasts {seen[-1] if seen else 0.0:.2f} s")
    if fault := datasets.overrun(sample, seen):
        raise UsageError(f"{fault}; accepted: times within the video")
