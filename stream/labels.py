"""Reads a list of labels, one a line, and says which line is wrong."""

from pathlib import Path

from stream.errors import UsageError


def read(file: Path, count: int | None = None) -> tuple[str, ...]:
    """Return the labels in their order.

    Args:
        file: UTF-8, one label a line, in the order of the network's outputs; blank space around a label does not count.
        count: how many the network has; any number when None.

    Raises:
        UsageError: the file cannot be read, a line is blank or repeats an earlier one, or their number is another.
    """
    lines = [line.strip() for line in _text(file).splitlines()]
    seen: dict[str, int] = {}
    for number, label in enumerate(lines, 1):
        if not label:
            raise UsageError(f"{file}, line {number}: blank; every line is a label")
        if not label.isprintable():
            raise UsageError(f"{file}, line {number}: {label!r} has characters that cannot be shown")
        if label in seen:
            raise UsageError(f"{file}, line {number}: {label!r} is on line {seen[label]} already")
        seen[label] = number
    if count is not None and len(lines) != count:
        at = f"line {count + 1} is one too many" if len(lines) > count else f"line {len(lines) + 1} is missing"
        raise UsageError(f"{file} has {len(lines)} labels, the network {count}: {at}")
    return tuple(lines)


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the labels {file}: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{file}, line {line}: not UTF-8") from error
