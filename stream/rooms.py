"""Finds a part by its file name and imports it only when asked: no table to edit, no decorator."""

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

from stream.errors import MissingDependency, UnknownPart

KINDS = {
    "sources": "source",
    "nets": "architecture",
    "runtimes": "engine",
    "exporters": "export target",
    "importers": "importer",
    "sinks": "sink",
    "server.outputs": "output",
    "bench.peers": "peer",
}
"""Room -> what one of its parts is called in a message."""


@cache
def names(room: str) -> tuple[str, ...]:
    """List the parts of a room, sorted: every public module but `base`; `a_b.py` is called a-b."""
    package = importlib.import_module(f"stream.{room}")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(sorted(name.replace("_", "-") for name in found if name != "base" and not name.startswith("_")))


def find(room: str, name: str) -> ModuleType:
    """Import the part `name` of `room`.

    Raises:
        UnknownPart: the room has no such part; lists those it has.
        MissingDependency: the part is there but a package it needs is not installed.
    """
    if name not in names(room):
        raise UnknownPart(KINDS[room], name, names(room))
    with needing(f"the {KINDS[room]} {name!r}", name):
        return importlib.import_module(f"stream.{room}.{name.replace('-', '_')}")


@contextmanager
def needing(part: str, extra: str) -> Iterator[None]:
    """Import what only an extra brings.

    Raises:
        MissingDependency: a package is not installed; says how to get the extra.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingDependency(part, (error.name or "").split(".")[0], extra) from error
