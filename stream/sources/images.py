"""A folder of pictures as a film: in the order of their names, numbers by their value, at a rate."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from stream.decode import decode_image
from stream.errors import DecodeError, SourceError, UsageError
from stream.headers import ENDINGS
from stream.types import Frame

ACCEPTED = "images:///FOLDER or images://FOLDER, then ?fps=10 if wished: more than 0, up to 240"
USUAL_FPS = 10.0
"""Frames per second where the URI does not say."""
LARGEST_BYTES = 64 * 1024 * 1024
"""Bytes of a file that are read: a larger one is cut short, and no picture."""


class Packet(NamedTuple):
    """A file, and which one it is."""

    path: Path
    number: int


def build(
    uri: str,
    *,
    realtime: bool = False,
    timeout_s: float = 10.0,  # noqa: ARG001  # files do not hang
    fps: float | None = None,
) -> "Images":
    """Prepare a folder of pictures; it is listed when the `with` begins.

    Args:
        uri: `images:///path/of/folder` or `images://relative/folder`, with `%20` and the like; `?fps=10` sets the rate.
        realtime: hold each picture back until its time; else as fast as they are taken.
        timeout_s: has no meaning here.
        fps: frames per second where the URI does not say; 10 where neither does.

    Raises:
        UsageError: no folder is named, or the rate is none; says what is accepted.
    """
    parts = urlsplit(uri)
    query = dict(parse_qsl(parts.query))
    folder = unquote(parts.netloc + parts.path)
    try:
        rate = float(query.pop("fps", fps or USUAL_FPS))
    except ValueError:
        rate = 0.0
    if not folder or query or not 0 < rate <= 240:
        raise UsageError(f"images {uri!r}; accepted: {ACCEPTED}")
    return Images(uri, Path(folder), rate, is_live=realtime)


class Images:
    """Satisfies `sources.base.Source`; a packet is a file."""

    def __init__(self, uri: str, folder: Path, fps: float, *, is_live: bool) -> None:
        self.uri, self.fps, self.is_live, self.is_paced = uri, fps, is_live, is_live
        self._folder = folder
        self._files: list[Path] = []

    def __enter__(self) -> Self:
        """List the folder.

        Raises:
            SourceError: it is no folder, or has no pictures.
        """
        try:
            found = [path for path in self._folder.iterdir() if path.suffix.lower() in ENDINGS]
        except OSError as error:
            raise SourceError(f"{self._folder} cannot be listed: {error.strerror}") from error
        self._files = sorted((path for path in found if not path.name.startswith(".")), key=natural)
        if not self._files:
            raise SourceError(f"{self._folder} has no pictures; accepted: {', '.join(ENDINGS)}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    def __iter__(self) -> Iterator[Packet]:
        """Yield the files; live, each at its time."""
        begin_s = time.monotonic()
        for number, path in enumerate(self._files):
            if self.is_live:
                time.sleep(max(0.0, begin_s + number / self.fps - time.monotonic()))
            yield Packet(path, number)

    def decode(self, packet: Packet) -> Iterator[Frame]:
        """Yield the picture of a file.

        Raises:
            DecodeError: it cannot be read, or is no picture; the next one may.
        """
        try:
            with packet.path.open("rb") as file:
                data = file.read(LARGEST_BYTES)
        except OSError as error:
            raise DecodeError(f"{packet.path.name} cannot be read: {error.strerror}") from error
        yield Frame(decode_image(data), packet.number / self.fps, time.monotonic_ns())


def natural(path: Path) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return what sorts names as people count: 2.jpg before 10.jpg; names that count alike by their letters."""
    parts = re.findall(r"\d+|\D+", path.name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts), path.name
