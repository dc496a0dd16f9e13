"""Reads a `.weights.h5` file, as Keras saves the weights of Google's network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.errors import ModelError
from stream.importers._bare import bare
from stream.importers._tensorflow import package
from stream.importers.base import Reading
from stream.words import cut

KIND = "a .weights.h5 file of Google's network"
PACKAGES = ("h5py",)
MOST_NUMBERS = 1 << 27
"""Count of numbers of one file, whatever its shapes say: many times the largest model's."""
MAGIC = b"\x89HDF\r\n\x1a\n"


def recognises(source: str) -> bool:
    """Say whether it is an HDF5 file; see `importers.base.Importer`."""
    file = Path(source)
    if not file.is_file():
        return False
    with file.open("rb") as content:
        return content.read(len(MAGIC)) == MAGIC


def read(source: str, given: Mapping[str, Any]) -> Reading:
    """Return its weights, and Google's own code as the reference where it is installed."""

    def restore(model: Any) -> None:
        model.load_weights(_named(source))

    return bare(_values(source), given, restore)


def _values(source: str) -> dict[str, npt.NDArray[Any]]:
    h5py = package("h5py", "a .weights.h5 file")
    found: dict[str, npt.NDArray[Any]] = {}
    count = 0

    def outside(path: str, link: Any) -> str | None:
        return path if isinstance(link, h5py.ExternalLink) else None

    def keep(path: str, entry: Any) -> None:
        nonlocal count
        if isinstance(entry, h5py.Dataset):
            if entry.external or entry.is_virtual:
                raise ModelError(f"{source}: {cut(path, 100)} lies in another file; accepted: one file with all of it")
            count += entry.size or 0  # an empty one has none
            if count > MOST_NUMBERS:
                raise ModelError(f"{source} has {count} numbers up to {cut(path, 100)}; accepted: {MOST_NUMBERS}")
            found[path] = np.asarray(entry[()])

    try:
        with h5py.File(source) as file:
            if path := file.visititems_links(outside):
                raise ModelError(f"{source}: {cut(path, 100)} lies in another file; accepted: one file with all of it")
            file.visititems(keep)
    except (OSError, RuntimeError) as error:
        raise ModelError(f"{source} cannot be read as HDF5: {error}") from error
    return found


def _named(source: str) -> str:
    """Return the path: Keras goes by how it ends."""
    if not source.endswith(".weights.h5"):
        raise ModelError(f"{source} is HDF5; what Keras saved as weights ends with .weights.h5: name it so")
    return source
