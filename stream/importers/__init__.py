"""How weights of others come in: one file a format."""

from pathlib import Path
from types import ModuleType

from stream import rooms
from stream.errors import UsageError

HANDLES = ("https://", "http://")
"""Beginnings of what is no path: addresses that TensorFlow Hub resolves."""


def find(source: str) -> ModuleType:
    """Return the importer that knows what `source` is, by looking at it.

    Raises:
        UsageError: nothing is there, or no importer knows it.
    """
    if not source.startswith(HANDLES) and not Path(source).exists() and not Path(f"{source}.index").exists():
        raise UsageError(f"nothing to import at {source}: no such file or folder")
    for name in rooms.names("importers"):
        importer = rooms.find("importers", name)
        if importer.recognises(source):
            return importer
    kinds = "; ".join(rooms.find("importers", name).KIND for name in rooms.names("importers"))
    raise UsageError(f"{source} is nothing that can be imported; known: {kinds}")
