"""Sees which clips of a data set a model learned from, by the split that its run wrote down."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from stream.cards import Card
from stream.training.datasets import Sample

SPLIT = "split.json"
"""What a run writes down of its data; see `splits.Split.story`."""


def split_of(card: Card) -> Path | None:
    """Return the split of the run that made a model: beside its card, or where the card says the run was."""
    places = [card.path.parent] if card.path else []
    places += [Path(card.training["run"])] if "run" in card.training else []
    return next((place / SPLIT for place in places if _is_of(card, place / SPLIT)), None)


def learned_from(samples: Iterable[Sample], split: Path) -> int:
    """Count the samples that share time with one that was learned from; a file is known by its name and its size."""
    known = defaultdict[tuple[str, int], list[tuple[float, float]]](list)
    for path, _, start_s, end_s, size in json.loads(split.read_text("utf-8"))["samples"]["train"]:
        known[Path(path).name, size].append((start_s, end_s))
    return sum(
        any(sample.start_s < end_s and start_s < sample.end_s for start_s, end_s in known[_file(sample.path)])
        for sample in samples
    )


def size_of(path: Path) -> int:
    """Return a file's bytes; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0


def _file(path: Path) -> tuple[str, int]:
    return path.name, size_of(path)


def _is_of(card: Card, split: Path) -> bool:
    """Say whether a split is of the run that made the model: it counts the same clips."""
    try:
        told = json.loads(split.read_text("utf-8"))
        return bool(told["counts"] == card.training.get("clips")) and len(told["samples"]["train"][0]) == 5
    except (OSError, ValueError, LookupError, TypeError):  # none there, or another's
        return False
