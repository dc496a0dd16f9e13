"""Reads the lines of CSV tables, and knows what their headers may say."""

import csv
import functools
import io
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from stream.errors import UsageError

COLUMNS = {
    "path": "path", "video": "path", "file": "path", "filename": "path", "file_name": "path", "video_path": "path",
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

VIDEOS = frozenset(
    ("mp4", "mkv", "avi", "mov", "webm", "m4v", "mpg", "mpeg", "mts", "m2ts", "3gp", "wmv", "flv", "ogv")
)
"""Suffixes of what counts as a video in a folder."""

SEPARATORS = (",", ";", "\t")
"""What may lie between columns."""

BARE = ("path", "label")
"""What the columns of a table without a header mean."""

_log = logging.getLogger(__name__)

FRAMES = ("frame", "label")
"""The header of a table of labelled frames of one video."""


def is_table(path: Path) -> bool:
    """Say whether a file is a table of labelled frames, by its header."""
    return path.suffix.lower() == ".csv" and path.is_file() and header(path) == FRAMES


def header(path: Path) -> tuple[str, ...]:
    """Return the names of a table's columns, lower case; of one without a header those that its first row must mean.

    Raises:
        UsageError: it is no text, or empty.
    """
    first = next(lines(path))[1]
    return BARE if _is_bare(first) else tuple(name.lower() for name in first)


def rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield FILE:LINE and what the row says, by the names in `COLUMNS`.

    Raises:
        UsageError: no such columns, or a row has fewer or more; shows the line as it stands.
    """
    names = header(path)
    meant = [COLUMNS.get(name, "") for name in names]
    if "label" not in meant or not {"path", "id"} & set(meant):
        stands = next(iter(_text(path).splitlines()), "")
        raise UsageError(f"{path}:1: the header is {stands!r}; accepted: {LAYOUTS}")
    if doubled := [name for name, count in Counter(filter(None, meant)).items() if count > 1]:
        raise UsageError(f"{path}:1: the header {','.join(names)} gives the {doubled[0]} twice; accepted: once")
    for number, values in lines(path):
        if (number == 1 and not _is_bare(values)) or not any(values):
            continue
        if len(values) != len(names):
            stands = _text(path).splitlines()[number - 1]
            counted = f"{len(values)} columns; accepted: {len(names)}, as in the header"
            raise UsageError(f"{path}:{number}: {stands!r} has {counted}")
        yield f"{path}:{number}", {name: value for name, value in zip(meant, values, strict=True) if name}


def lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the columns of every line, parted as the first one is: by commas, semicolons or tabs."""
    text = _text(path)
    if not text.strip():
        raise UsageError(f"{path} is empty; accepted: {LAYOUTS}")
    first = text.lstrip().partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    if not first.count(separator):  # PATH LABEL, as SlowFast's tools write it: the label is the last word
        pairs = ((number, line.strip().rpartition(" ")) for number, line in enumerate(text.splitlines(), 1))
        yield from ((number, [path.strip(), label]) for number, (path, _, label) in pairs if path or label)
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    try:
        for values in reader:
            yield reader.line_num, [value.strip() for value in values]
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: {error}; accepted: a CSV") from error


def _text(path: Path) -> str:
    """Return the text of a table; a file that has not changed is read once."""
    return _decoded(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _decoded(path: Path, _stamp: int) -> str:
    """Read a table in UTF-8, or else in what Excel writes on Windows, which is told."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        line = content.splitlines()[number - 1]
        if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content:
            raise UsageError(f"{path} is no UTF-8; accepted: UTF-8 or cp1252") from error
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            raise UsageError(f"{path}:{number}: {line!r} is no UTF-8; accepted: UTF-8 or cp1252") from error
        _log.warning("%s:%d: %r is no UTF-8; it is read as cp1252: %r", path, number, line, line.decode("cp1252"))
        return text


def _is_bare(first: Sequence[str]) -> bool:
    """Say whether a first row is no header, but the path of a video and its label."""
    return len(first) == 2 and Path(first[0].replace("\\", "/")).suffix.lower().lstrip(".") in VIDEOS


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
