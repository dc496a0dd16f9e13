"""Reads a TensorFlow checkpoint: its prefix, its .index file, a folder or a .tar.gz that holds one."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stream.errors import ModelError
from stream.importers import _archives
from stream.importers._bare import bare
from stream.importers._tensorflow import package
from stream.importers.base import Reading

KIND = "a TensorFlow checkpoint, or a folder or .tar.gz with one"
PACKAGES = ("tensorflow",)
INNER = re.compile(r"(?:^|.*/)(?!variables\b)[^/]+\.index")


def recognises(source: str) -> bool:
    """Say whether it is a checkpoint's prefix or index, or holds one; see `importers.base.Importer`."""
    return _index(source) is not None or _archives.holds(source, INNER)


def read(source: str, given: Mapping[str, Any]) -> Reading:
    """Return its weights, and Google's own code as the reference where it is installed."""
    package("tensorflow", "a TensorFlow checkpoint")
    if index := _index(source):
        return _read(index, given)
    with _archives.opened(source, INNER) as file:
        return _read(file, given)


def _index(source: str) -> Path | None:
    """Return the index file where the source is a checkpoint itself."""
    for path in (Path(f"{source}.index"), Path(source)):
        if path.is_file() and path.suffix == ".index":
            return path
    return None


def _read(index: Path, given: Mapping[str, Any]) -> Reading:
    tensorflow = package("tensorflow", "a TensorFlow checkpoint")
    prefix = str(index.with_suffix(""))
    try:
        reader = tensorflow.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map()
        values = {path: reader.get_tensor(path) for path in shapes if not path.startswith("_CHECKPOINTABLE")}
    except (tensorflow.errors.OpError, RuntimeError, ValueError, IndexError) as error:
        raise ModelError(f"{prefix} is not a checkpoint: {str(error).splitlines()[0]}") from error

    def restore(model: Any) -> None:
        try:
            tensorflow.train.Checkpoint(model=model).read(prefix).assert_existing_objects_matched().expect_partial()
        except AssertionError as error:
            raise ModelError(f"Google's own network does not take {prefix}: {str(error).splitlines()[0]}") from error

    return bare(values, given, restore)
