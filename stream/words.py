"""Words that others chose, in messages and logs of ours: short, on one line, without control characters."""

import re
from collections.abc import Iterable

NAME, WORDS = 80, 1500
"""Characters of a name, and bytes of a message, shown at most: gRPC carries a status twice, escaped, in 8 kB."""
LISTED = 40
"""Count of names that are listed at most."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(name: object) -> str:
    """Return a name in quotes, its control characters escaped, and cut."""
    text = str(name)
    return repr(text) if len(text) <= NAME else f"{text[:NAME]!r}... ({len(text)} characters)"


def listed(names: Iterable[str]) -> str:
    """Return names in alphabetical order, separated by commas; the first ones where there are many."""
    every = sorted(names)
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return ", ".join(plain(name)[:NAME] for name in every[:LISTED]) + more


def plain(text: str) -> str:
    """Return a text with its control characters escaped: it stays on one line, and no terminal obeys it."""
    return _CONTROL.sub(lambda found: _escaped(ord(found[0])), text)


def of_file(name: object) -> str:
    """Return a file's name as text that can be written and drawn: bytes of it that are no UTF-8 are escaped."""
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def cut(text: str, most: int = WORDS) -> str:
    """Return a text on one line, cut where it has more bytes than `most`."""
    data = plain(text[: most + 1]).encode()
    return data.decode() if len(data) <= most else f"{data[: most - 20].decode(errors='ignore')}... (cut)"


def _escaped(point: int) -> str:
    return f"\\x{point:02x}" if point < 256 else f"\\u{point:04x}"
