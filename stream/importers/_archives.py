"""Looks into folders and .tar.gz archives alike; nothing in an archive can leave the folder it is unpacked in."""

import lzma
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.errors import ModelError

DAMAGED = (tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)
"""What Python raises where an archive is not whole."""
LARGEST_BYTES, LARGEST_COUNT = 2 << 30, 10_000
"""What an archive may unpack to: twice the largest model, and files far beyond any."""


def holds(source: str, inner: re.Pattern[str]) -> bool:
    """Say whether a folder or an archive has a file whose path inside it fits."""
    path = Path(source)
    if path.is_dir():
        return any(inner.fullmatch(file.name) for file in path.iterdir())
    if not path.is_file():
        return False
    try:
        if not tarfile.is_tarfile(path):
            return False
        with tarfile.open(path) as archive:
            return any(inner.fullmatch(name) for name in archive.getnames())
    except DAMAGED as error:
        raise ModelError(f"{path} is an archive that is damaged or cut short ({type(error).__name__})") from error


@contextmanager
def opened(source: str, inner: re.Pattern[str]) -> Iterator[Path]:
    """Give the file that fits, unpacked together with all that lies beside it where the source is an archive.

    Raises:
        ModelError: the archive is damaged, too large, or wants to write outside its folder.
    """
    path = Path(source)
    if path.is_dir():
        yield next(file for file in sorted(path.iterdir()) if inner.fullmatch(file.name))
        return
    with tempfile.TemporaryDirectory() as folder:
        _unpack(path, Path(folder))
        found = sorted(file for file in Path(folder).rglob("*") if inner.fullmatch(file.name))
        yield found[0]


def _unpack(path: Path, folder: Path) -> None:
    try:
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            size = sum(member.size for member in members)
            if size > LARGEST_BYTES or len(members) > LARGEST_COUNT:
                raise ModelError(f"{path} unpacks to {len(members)} files of {size >> 20} MiB: refused")
            archive.extractall(folder, members, filter="data")
    except DAMAGED as error:
        raise ModelError(f"{path} cannot be unpacked: {error}") from error
