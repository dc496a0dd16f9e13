"""The outputs of a stream.toml.

[output.alarm]                  # names: 1 to 64 of A-Z, a-z, 0-9, _ and -
kind = "webhook"                # a file of stream/server/outputs
sources = ["door"]              # what it is told of; absent: every source
...                             # what its kind takes
"""

from collections.abc import Mapping
from typing import Any

from stream import rooms
from stream.config import check
from stream.errors import StreamError, UnknownPart
from stream.server.configuration.tables import NAME, NAMES, Tables
from stream.server.outputs.base import Output, OutputSettings

ROOM = "server.outputs"
COMMON = {"kind": "a text", "sources": "a list of texts"}
"""What may stand in the table of every output."""


def output(tables: Tables, name: str, table: Mapping[str, Any], ends: Mapping[str, bool]) -> OutputSettings:
    """Read the table of an output, and hold it to what its kind accepts.

    Args:
        tables: the file.
        name: the operator's name for the output.
        table: what stands in its table.
        ends: every configured source, and whether it ends.

    Raises:
        UsageError: something is not accepted; names the file, the line, what was found and what is accepted.
        MissingDependency: it needs a package that is not installed.
    """
    where = f"output.{name}"
    if "kind" not in table:
        raise tables.wrong(where, "", f"kind is missing; accepted: {', '.join(rooms.names(ROOM))}")
    try:
        check("name", bool(NAME.fullmatch(name)), repr(name), NAMES)
        part = rooms.find(ROOM, str(table["kind"]))
    except StreamError as error:
        raise tables.wrong(where, "kind", str(error)) if isinstance(error, ValueError) else error from error
    tables.fields(where, table, {**COMMON, **part.FIELDS})
    values = {key: value for key, value in table.items() if key not in COMMON}
    for secret in part.SECRETS:
        _fill(tables, where, values, secret)
    try:
        sources = _sources(table.get("sources"), ends, needs_end=getattr(part, "NEEDS_END", False))
        found = OutputSettings(name=name, kind=table["kind"], sources=sources, folder=tables.path.parent, values=values)
        part.build(found)
    except StreamError as error:
        key = str(error).partition(" ")[0]
        key = next((name for name in (key, f"{key}_file", f"{key}_env") if name in table), "kind")
        raise tables.wrong(where, key, str(error)) from error
    except Exception as error:  # a library's; whatever a file says, it is told where
        raise tables.odd(where, "kind", error) from None
    return found


def _fill(tables: Tables, where: str, values: dict[str, Any], secret: str) -> None:
    """Put a secret in the place of the words that say where it is."""
    found = tables.secret(where, values, secret)
    for key in (f"{secret}_env", f"{secret}_file"):
        values.pop(key, None)
    if found is not None:
        values[secret] = found


def build(settings: OutputSettings) -> Output:
    """Prepare an output; it is opened when the `with` begins."""
    made: Output = rooms.find(ROOM, settings.kind).build(settings)
    return made


def _sources(asked: list[str] | None, ends: Mapping[str, bool], *, needs_end: bool) -> tuple[str, ...]:
    """Return whom an output is told of; one that writes at the end is told of what ends."""
    for name in asked or ():
        if name not in ends:
            raise UnknownPart("source", name, ends)
    accepted = [name for name, has_end in ends.items() if has_end or not needs_end]
    refused = [name for name in asked or () if name not in accepted]
    check("sources", not refused, refused, f"those that end: {', '.join(accepted) or 'there is none'}")
    check("kind", bool(accepted) or not needs_end, "told of no source", "one that ends: a file that does not loop")
    return tuple(sorted(accepted if asked is None else asked))
