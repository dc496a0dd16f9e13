"""Reads the samples of a data set, frame by frame as a session takes them, and checks them against a model."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from stream.buffer import frames
from stream.errors import SourceError, UsageError
from stream.evaluation import mapping
from stream.recogniser import Recogniser
from stream.sources import open_source
from stream.training import datasets, splits
from stream.training.datasets import Sample
from stream.types import Frame
from stream.words import listed, meant, shown

PARTS = ("all", "train", "validation", "test")
"""Which samples are measured: all, or those of a part that the data names."""


def read(
    data: Path,
    recogniser: Recogniser,
    *,
    videos: Path | None = None,
    part: str = "all",
    has_others: bool = False,
    is_joined: bool = False,
    table: Path | None = None,
) -> tuple[Sample, ...]:
    """List the samples of a data set that a model is measured on.

    Args:
        data: a data set.
        recogniser: the model.
        videos: where its videos are, when not beside it.
        part: one of PARTS.
        has_others: clips of labels that the model does not know are kept, as something else.
        is_joined: clips are joined to a stream: only then may there be others.
        table: says which of the model's labels its clips have; see `stream.evaluation.mapping`.

    Raises:
        UsageError: it is no data set, has no such part, or names labels that the model does not know.
    """
    if part not in PARTS:
        raise UsageError(f"--part is {part!r}; accepted: {', '.join(PARTS)}")
    samples = datasets.read(data, videos, is_lenient=None, least_classes=1)
    if table:
        root = data if data.is_dir() else videos or data.parent
        samples = mapping.apply(mapping.read(table, recogniser.labels), samples, root)
    known = set(recogniser.labels)
    if (unknown := sorted(set(datasets.labels(samples)) - known)) and not has_others:
        near = meant(unknown[0], recogniser.labels)
        ways = "; --map CSV, which says what each clip is to the model"
        ways += "; or --others, which takes all else as something else" if is_joined else ""
        raise UsageError(
            f"{data} has {shown(unknown[0])}, which {recogniser.card.name} does not know; "
            f"{near}accepted: {listed(recogniser.labels)}{ways}"
        )
    if known.isdisjoint(datasets.labels(samples)):
        raise UsageError(
            f"{data} has no label of {recogniser.card.name}; accepted: {listed(recogniser.labels)}; "
            "--map CSV, which says what each clip is to the model"
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
