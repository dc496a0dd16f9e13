"""Words that others chose, in messages and logs of ours: short, on one line, without control characters."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

NAME, WORDS = 80, 1500
"""Characters of a name, and bytes of a message, shown at most: gRPC carries a status twice, escaped, in 8 kB."""
LISTED = 40
"""Count of names that are listed at most."""

COMPARED = 1000
"""Count of names that one that is not known is compared with at most: it may come from a stranger."""

NEAR = 0.7
"""Share of a name's letters, in their order, that the nearest one has at least."""

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


def nearest(name: object, known: Iterable[str]) -> str:
    """Return what a name was probably meant to be: the first that it begins, else the likest; empty where none is near.

    Case does not count.
    """
    text, names = str(name).casefold(), list(known)[:COMPARED]
    if not text or len(text) > NAME:
        return ""
    folded = {each.casefold(): each for each in reversed(names)}  # of several the first stays
    found = [each for each in names if len(text) > 2 and each.casefold().startswith(text)]
    likest = get_close_matches(text, folded, 1, NEAR)
    return found[0] if found else folded[likest[0]] if likest else ""


def meant(name: object, known: Iterable[str]) -> str:
    """Return "did you mean ...? " for a message, empty where nothing is near."""
    found = nearest(name, known)
    return f"did you mean {shown(found)}? " if found else ""


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
