"""Sees in the names of files which of them look like clips of one recording: a scene, a person, a day."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

SEPARATORS = re.compile(r"[-_. ]+")
"""What parts of a file name stand between."""

SIMPLE = (r"_(\d+)_", r"-(\d+)-", r"_([^_/]+)_", r"([^/_]+)_[^/]*$", r"([^/-]+)-[^/]*$")
"""Patterns that people can read, tried before those that always fit."""

Take = Callable[[str, str], str]
"""Gives what may be the recording of a path and its label; blank where there is nothing."""


@dataclass(frozen=True, slots=True)
class Visible:
    """What looks like the name of a recording."""

    what: str
    """Where it stands, in words."""
    pattern: str
    """A regular expression whose first group it is."""
    names: tuple[str, ...]
    """All of them, sorted."""
    mean: float
    """Clips of each, within a class."""


def visible(labels: Mapping[str, str]) -> Visible | None:
    """Look for folders inside the classes, then for parts of the file names, that several clips of a class share.

    A part counts when a class has two or more clips of each on average, and there are two or more of them in all.

    Args:
        labels: path, with slashes, relative to the data's folder -> label.
    """
    candidates: list[tuple[str, str, Take]] = [("folders inside the classes", r"([^/]+)/[^/]+$", _folder)]
    for place in range(4):
        candidates.append((f"the file names' parts no. {place + 1}", _pattern(place), _part(place)))
    candidates.append(("the file names' beginnings", r"([^/]*?[^/0-9])[0-9]+\.[^/.]+$", _beginning))
    for what, pattern, take in candidates:
        names = {path: take(path, label) for path, label in labels.items()}
        if all(names.values()) and (found := _shared(what, _simplest(pattern, names), names, labels)):
            return found
    return None


def _simplest(pattern: str, names: Mapping[str, str]) -> str:
    """Return the first of `SIMPLE` that takes the same from every path; the pattern itself where none does."""
    for simple in SIMPLE:
        found = {path: re.search(simple, path) for path in names}
        if all(match and match[1] == names[path] for path, match in found.items()):
            return simple
    return pattern


def _shared(what: str, pattern: str, names: Mapping[str, str], labels: Mapping[str, str]) -> Visible | None:
    clips = defaultdict[tuple[str, str], int](int)
    for path, name in names.items():
        clips[labels[path], name] += 1
    known = sorted(set(names.values()))
    # a part that tells the class, or is the same everywhere, is no recording
    is_told = len({label for label, _ in clips}) == len(clips)
    mean = len(names) / len(clips)
    return Visible(what, pattern, tuple(known), mean) if len(known) >= 2 and mean >= 2 and not is_told else None


def _folder(path: str, label: str) -> str:
    parts = path.split("/")
    return parts[-2] if len(parts) >= 3 and parts[-2] != label else ""


def _part(place: int) -> Take:
    def take(path: str, _label: str) -> str:
        parts = SEPARATORS.split(Path(path).stem)
        return parts[place] if place < len(parts) - 1 else ""

    return take


def _pattern(place: int) -> str:
    return rf"(?:^|/)(?:[^/_. -]+[_. -]+){{{place}}}([^/_. -]+)[_. -][^/]*$"


def _beginning(path: str, _label: str) -> str:
    return Path(path).stem.rstrip("0123456789")
