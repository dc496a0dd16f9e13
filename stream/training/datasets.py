"""Reads which clip shows what: folders, a CSV in the manner of Kinetics, or JSON in the manner of ActivityNet.

Nothing is decoded here. What is wrong with the data is said with its file and line.
"""

import json
import logging
import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from stream.errors import UsageError
from stream.training.tables import LAYOUTS, VIDEOS, rows, seconds
from stream.words import of_file

_log = logging.getLogger(__name__)

SUBSETS = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validate": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What data sets call their parts -> what we call them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A piece of a video that shows one action."""

    path: Path
    """The video."""
    label: str
    """What it shows."""
    start_s: float = 0.0
    """Seconds on the video's own clock: the first frame used is on or after this."""
    end_s: float = math.inf
    """Seconds: the last frame used is before this; inf is the video's end."""
    group: str = ""
    """What must not be on both sides of a split, as the data says: the recording. Blank where it does not say."""
    subset: str = ""
    """train, validation or test, as the data says. Blank where it does not say."""
    where: str = field(default="", compare=False)
    """FILE:LINE that names it, for messages."""

    def __str__(self) -> str:
        span = "" if (self.start_s, self.end_s) == (0.0, math.inf) else f" {self.start_s:g}-{self.end_s:g} s"
        return f"{self.path}{span}" + (f" ({self.where})" if self.where else "")


def read(
    data: Path, videos: Path | None = None, *, is_lenient: bool | None = False, least_classes: int = 2
) -> tuple[Sample, ...]:
    """List the samples of a data set in a fixed order.

    Args:
        data: a folder, a `.csv` or a `.json`; see `LAYOUTS`.
        videos: folder in which the names of a `.csv` or `.json` are looked for; by default the file's own.
        is_lenient: leave out samples whose video is missing; else that is an error. None: an error, too, of a command
            that has no --skip-faulty to recommend.
        least_classes: count: two to learn from; to measure by, one will do.

    Raises:
        UsageError: it is none of these, has fewer classes, or something in it is missing, double or contradictory; says
            where.
    """
    if data.is_dir():
        found = tuple(_folders(data))
    elif data.is_file() and data.suffix.lower() in READERS:
        shelf = Shelf(videos or data.parent)
        if not shelf.root.is_dir():
            raise UsageError(f"{shelf.root} is no folder; accepted: the folder that holds the videos of {data}")
        found = tuple(READERS[data.suffix.lower()](data, shelf, is_lenient))
        found = _present(data, found, is_lenient)
    else:
        raise UsageError(f"{data} {'is no data set' if data.exists() else 'does not exist'}; accepted: {LAYOUTS}")
    found = _once(data, found)
    if len(labels(found)) < least_classes:
        only = ", ".join(repr(label) for label in labels(found)) or "none"
        least = "two classes or more" if least_classes > 1 else "one sample or more"
        raise UsageError(f"{data} has {len(found)} samples of one class or none ({only}); accepted: {least}")
    return found


def labels(samples: Iterable[Sample]) -> tuple[str, ...]:
    """List the labels, sorted."""
    return tuple(sorted({sample.label for sample in samples}))


def overrun(sample: Sample, seen_s: Sequence[float]) -> str:
    """Say that a sample ends after its video, by more than a frame; blank where it does not.

    Args:
        sample: of a video that was read to its end.
        seen_s: offsets of its last frames, two or more where there are.
    """
    frame_s = seen_s[-1] - seen_s[-2] if len(seen_s) > 1 else 0.0
    length_s = seen_s[-1] + frame_s if seen_s else 0.0
    if not length_s + frame_s < sample.end_s < math.inf:
        return ""
    return f"{sample}: it ends at {sample.end_s:g} s, after its video, which lasts {length_s:.2f} s"


def is_video(path: Path) -> bool:
    """Say whether a file counts as a video, by its name."""
    return path.suffix.lower().lstrip(".") in VIDEOS and not path.name.startswith(".")


def _below(root: Path) -> Iterator[Path]:
    """Yield the files below a folder, those behind symbolic links too, and no folder twice."""
    seen = set[str]()
    for folder, folders, names in os.walk(root, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(folder, name) for name in names)


# --- folders ---


def _folders(root: Path) -> Iterator[Sample]:
    """Read CLASS/CLIP.mp4 of any depth, or train/CLASS/CLIP.mp4 beside val/CLASS/CLIP.mp4."""
    inside = _children(root)
    if inside and all(folder.name.lower() in SUBSETS for folder in inside):
        for folder in inside:
            yield from _classes(folder, SUBSETS[folder.name.lower()])
    else:
        yield from _classes(root, "")


def _classes(root: Path, subset: str) -> Iterator[Sample]:
    if stray := sorted(path.name for path in root.iterdir() if path.is_file() and is_video(path)):
        raise UsageError(f"{root / stray[0]} lies beside the classes, not in one; accepted: {root}/CLASS/{stray[0]}")
    folders = _children(root)
    if not folders:
        raise UsageError(f"{root} holds no class folders; accepted: {LAYOUTS}")
    for folder in folders:
        clips = sorted(path for path in _below(folder) if path.is_file() and is_video(path))
        if not clips:
            raise UsageError(
                f"class {folder.name!r} is empty: no video in {folder}; accepted: .{', .'.join(sorted(VIDEOS))}"
            )
        yield from (Sample(path, _label(folder), subset=subset) for path in clips)


def _label(folder: Path) -> str:
    try:
        folder.name.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{of_file(folder)} is named after a class, and its name is no UTF-8; accepted: another name"
        ) from error
    return folder.name


def _children(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


# --- tables ---


class Shelf:
    """The videos of a folder, found by what a table calls them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def by_path(self, name: str) -> Path:
        """Take a path as it is written, from the root where it is relative; backslashes part folders on Windows."""
        as_it_is = self.root / name
        if as_it_is.is_file():
            return as_it_is
        with suppress(UnicodeEncodeError):  # a table that is no UTF-8 may name files whose names are none either
            if (bare := self.root / os.fsdecode(name.encode("cp1252"))).is_file():
                return bare
        return self.root / name.replace("\\", "/") if "\\" in name else as_it_is

    def by_id(self, name: str, start_s: float, end_s: float) -> tuple[Path, bool]:
        """Find a video by its id; True where the file is the span alone, as Kinetics' tools name it: ID_000010_000020.

        Raises:
            UsageError: two files have that name.
        """
        if math.isfinite(end_s):
            cut = self._only(f"{name}_{int(start_s):06d}_{int(end_s):06d}")
            if cut:
                return cut, True
        return self._only(name) or self._only(f"v_{name}") or self.root / f"{name}.mp4", False

    def _only(self, stem: str) -> Path | None:
        found = self._stems.get(stem, [])
        if len(found) > 1:
            raise UsageError(f"{found[0]} and {found[1]} have the same name; accepted: one video of a name")
        return found[0] if found else None

    @cached_property
    def _stems(self) -> dict[str, list[Path]]:
        found = defaultdict[str, list[Path]](list)
        for path in sorted(_below(self.root)):
            if is_video(path):
                found[path.stem].append(path)
        return found


def _table(path: Path, shelf: Shelf, _is_lenient: bool | None) -> Iterator[Sample]:
    """Read a CSV with a header."""
    for where, row in rows(path):
        if not row.get("label"):
            raise UsageError(f"{where}: no label; accepted: {LAYOUTS}")
        start_s, end_s = seconds(where, row.get("start", ""), 0.0), seconds(where, row.get("end", ""), math.inf)
        if start_s >= end_s:
            raise UsageError(f"{where}: from {start_s:g} to {end_s:g} s; accepted: an end after the start")
        said = row.get("subset", "").lower()
        if said and said not in SUBSETS:
            raise UsageError(f"{where}: split is {said!r}; accepted: {', '.join(SUBSETS)}, or blank")
        place = shelf.by_path(row.get("path", "")), False
        if not row.get("path"):
            if not row.get("id"):
                raise UsageError(f"{where}: no path; accepted: {LAYOUTS}")
            place = shelf.by_id(row["id"], start_s, end_s)
        span = (0.0, math.inf) if place[1] else (start_s, end_s)
        group = row.get("group", "") or row.get("id", "")
        yield Sample(place[0], row["label"], *span, group, SUBSETS.get(said, ""), where)


def _activitynet(path: Path, shelf: Shelf, is_lenient: bool | None) -> Iterator[Sample]:
    """Read ActivityNet's JSON: `database`: id -> subset and annotations, each a label and a segment in seconds."""
    try:
        database = json.loads(path.read_text("utf-8"))["database"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not ActivityNet's JSON, which has a `database`: {error}") from error
    for name, entry in database.items():
        try:
            yield from _annotated(f"{path}: {name}", name, entry, shelf, is_lenient)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, UsageError):
                raise
            raise UsageError(f"{path}: {name}: an entry cannot be read ({error}); accepted: ActivityNet's") from error


def _annotated(where: str, name: str, entry: dict[str, Any], shelf: Shelf, is_lenient: bool | None) -> Iterator[Sample]:
    subset = SUBSETS.get(str(entry.get("subset", "")).lower(), "")
    video, _ = shelf.by_id(name, 0.0, math.inf)
    for item in entry.get("annotations", ()):
        start_s, end_s = map(float, item["segment"])
        if not 0 <= start_s < end_s:
            words = f"{where}: segment {start_s:g} to {end_s:g} s; accepted: 0 or more, an end after the start"
            if not is_lenient:
                raise UsageError(f"{words}{_or_without(is_lenient)}")
            _log.warning("%s; it is left out", words)
            continue
        yield Sample(video, str(item["label"]), start_s, end_s, name, subset, where)


READERS: dict[str, Callable[[Path, Shelf, bool | None], Iterator[Sample]]] = {".csv": _table, ".json": _activitynet}
"""Suffix -> what reads it."""


# --- what may be wrong with all of it ---


def _present(data: Path, samples: tuple[Sample, ...], is_lenient: bool | None) -> tuple[Sample, ...]:
    """Leave out, or refuse, samples without a video."""
    there = {path: path.is_file() for path in {sample.path for sample in samples}}
    missing = [sample for sample in samples if not there[sample.path]]
    if missing and not is_lenient:
        raise UsageError(
            f"{data}: the videos of {len(missing)} of {len(samples)} samples are missing, the first is {missing[0]}; "
            f"accepted: all of them, or --videos FOLDER to look elsewhere{_or_without(is_lenient)}"
        )
    if missing:
        _log.warning(
            "%s: the videos of %d of %d samples are missing; these are left out", data, len(missing), len(samples)
        )
    return tuple(sample for sample in samples if there[sample.path])


def _or_without(is_lenient: bool | None) -> str:
    return "" if is_lenient is None else ", or --skip-faulty to do without"


def _once(data: Path, samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Leave out what is said twice; refuse what is said to be one thing and another."""
    seen: dict[tuple[Path, float, float], Sample] = {}
    for sample in samples:
        first = seen.setdefault((sample.path, sample.start_s, sample.end_s), sample)
        if first.label != sample.label:
            place = f", first in {first.where}" if first.where else ""
            said = f"{first.label!r} and {sample.label!r}"
            raise UsageError(f"{data}: {sample} is {said}{place}; accepted: one label, once")
    count = len(samples) - len(seen)
    if count:
        _log.warning("%s: %d samples stand there twice; each is taken once", data, count)
    return tuple(seen.values())
