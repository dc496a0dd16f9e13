"""How the sources of a server are, as a table for people or an object a line for programs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.rows import Row

COLOURS = {"live": "green", "connecting": "blue", "stalled": "yellow", "failed": "red", "ended": "bright_black"}


def show(rows: Sequence[Row], *, is_json: bool) -> None:
    """Write them to stdout."""
    if is_json:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    table = Table("source", "state", "since", "fps in", "out", "dropped", "reconnects", "watch", box=box.SIMPLE_HEAD)
    for row in rows:
        drops = ", ".join(f"{count} {cause}" for cause, count in row["drops"].items() if count) or "none"
        state = Text(row["state"], COLOURS.get(row["state"], ""))
        numbers = (f"{row['fps_in']:g}", f"{row['fps_out']:g}", drops, str(row["reconnects"]), str(row["watchers"]))
        table.add_row(Text(row["source"]), state, _age(row["since"]), *numbers)
    console = Console(highlight=False, soft_wrap=True)
    console.print(table if table.row_count else "no source is configured there, or none is for this client")
    for row in rows:
        if row["error"]:
            console.print(Text(f"  {row['source']}: {row['error']}"))


def _age(since: str) -> str:
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    for unit, length_s in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} s"
