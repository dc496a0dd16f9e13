"""Reads the lines of CSV tables, and knows what their headers may say."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stream.errors import UsageError

COLUMNS = {
    "path": "path", "video": "path", "file": "path", "filename": "path",
    "youtube_id": "id", "video_id": "id",
    "label": "label", "class": "label",
    "start": "start", "time_start": "start", "start_s": "start",
    "end": "end", "time_end": "end", "end_s": "end",
    "group": "group", "split": "subset", "subset": "subset",
}  # fmt: skip
"""What a CSV's header may say -> what is meant; other columns are not read."""

LAYOUTS = (
    "a folder of CLASS/CLIP.mp4, a .csv with the header path,label or path,label,start,end (Kinetics' own "
    "label,youtube_id,time_start,time_end,split too), or ActivityNet's .json"
)
"""What is accepted, in words."""

FRAMES = ("frame", "label")
"""The header of a table of labelled frames of one video."""


def is_table(path: Path) -> bool:
    """Say whether a file is a table of labelled frames, by its header."""
    return path.suffix.lower() == ".csv" and path.is_file() and header(path) == FRAMES


def header(path: Path) -> tuple[str, ...]:
    """Return the names of a CSV's columns, lower case.

    Raises:
        UsageError: it is no text, or empty.
    """
    return tuple(name.strip().lower() for name in next(lines(path))[1])


def rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield FILE:LINE and what the row says, by the names in `COLUMNS`.

    Raises:
        UsageError: no such columns, or a row has fewer or more; says the line.
    """
    names = header(path)
    meant = [COLUMNS.get(name, "") for name in names]
    if "label" not in meant or not {"path", "id"} & set(meant):
        raise UsageError(f"{path}:1: the header is {','.join(names)}; accepted: {LAYOUTS}")
    if doubled := [name for name, count in Counter(filter(None, meant)).items() if count > 1]:
        raise UsageError(f"{path}:1: the header {','.join(names)} gives the {doubled[0]} twice; accepted: once")
    for number, values in lines(path):
        if number == 1 or not any(values):
            continue
        if len(values) != len(names):
            raise UsageError(f"{path}:{number}: {len(values)} columns; accepted: {len(names)}, as in the header")
        yield f"{path}:{number}", {name: value for name, value in zip(meant, values, strict=True) if name}


def lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the columns of every line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            is_empty = True
            for values in reader:
                is_empty = False
                yield reader.line_num, [value.strip() for value in values]
    except (csv.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a CSV in UTF-8: {error}") from error
    if is_empty:
        raise UsageError(f"{path} is empty; accepted: {LAYOUTS}")


def seconds(where: str, text: str, otherwise: float) -> float:
    """Read a time; `otherwise` where the text is blank.

    Raises:
        UsageError: it is no number, or negative.
    """
    try:
        value = float(text) if text else otherwise
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise UsageError(f"{where}: a time is {text!r}; accepted: seconds, 0 or more, or blank")
    return value
