"""How weights of others come in: one file a format."""

from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from stream import rooms
from stream.errors import MissingDependency, UsageError

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
    kinds = "; ".join(kind(name) for name in rooms.names("importers"))
    raise UsageError(f"{source} is {_not_what_it_is_called(source)}nothing that can be imported; known: {kinds}")


def _not_what_it_is_called(source: str) -> str:
    """Say first that a file is not what its name says."""
    if not source.lower().endswith(".tflite") or not Path(source).is_file():
        return ""
    what = "does not begin as one" if Path(source).stat().st_size else "is empty"
    return f"no TensorFlow Lite file, it {what}, and "


def form(importer: ModuleType) -> str:
    """Return the name of an importer, by which `kind` and `require` know it."""
    return importer.__name__.rpartition(".")[2]


def kind(name: str) -> str:
    """Return what an importer reads, for people."""
    return str(rooms.find("importers", name).KIND)


def missing(name: str) -> str:
    """Return the first package an importer needs that is not installed, without loading it; empty where none is."""
    packages = rooms.find("importers", name).PACKAGES
    return next((package for package in packages if find_spec(package) is None), "")


def require(name: str, wish: str = "") -> None:
    """Look for the packages an importer needs, without loading them.

    Args:
        name: see `form`.
        wish: what they are needed for, as the message says it.

    Raises:
        MissingDependency: one is not installed; says how to get it.
    """
    if package := missing(name):
        what = f"{wish}: {kind(name)}" if wish else kind(name)
        raise MissingDependency(what, package, "torch" if package == "torch" else "tf")
