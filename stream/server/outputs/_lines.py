"""Rows as JSON, a line each."""

import json
from collections.abc import Iterable

from stream.rows import Row


def text(row: Row) -> str:
    """Return a row as JSON."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def lines(rows: Iterable[Row]) -> bytes:
    """Return rows as lines, each with its end."""
    return "".join(f"{text(row)}\n" for row in rows).encode()
