"""A video file: anything FFmpeg opens."""

from pathlib import Path
from urllib.parse import quote, unquote

from stream.config import check
from stream.errors import SourceError, UsageError
from stream.headers import ENDINGS
from stream.sources._av import AvSource
from stream.sources._media import Media
from stream.sources._streams import MAX_FPS

SCHEME = "file:"
UNKNOWN_BYTES = 0xFFFFFFFF
"""What a head says that was written before the end was known."""


def build(uri: str, *, realtime: bool = False, timeout_s: float = 10.0, fps: float | None = None) -> AvSource:
    """Prepare a video file; it is opened when the `with` begins.

    Only local files are read: a playlist that names a URL is refused by FFmpeg's protocol whitelist.

    Args:
        uri: a path, or `file:///path` with `%20` and the like.
        realtime: hold each frame back until its time, as a camera would; else as fast as they are taken.
        timeout_s: seconds after which a read counts as lost.
        fps: frames per second of one whose pictures have no times, such as a bare .h264; None: as it says itself.

    Raises:
        SourceError: there is no such file, or it is a folder.
        UsageError: it is a camera, or the rate is none.
    """
    path = Path(unquote(uri.removeprefix(SCHEME).removeprefix("//")) if uri.startswith(SCHEME) else uri)
    check("fps", fps is None or 0 < fps <= MAX_FPS, fps, f"more than 0, up to {MAX_FPS:g}")
    _refuse(uri, path)
    return AvSource(
        Media(
            uri=str(path),
            url=f"{SCHEME}{path}",
            options={"protocol_whitelist": "file"},
            timeout_s=timeout_s,
            cut=_cut(path),
            fps=fps,
            is_live=realtime,
            is_paced=realtime,
        )
    )


def _refuse(uri: str, path: Path) -> None:
    """Refuse what is no file, and name what may be meant."""
    if uri == "-":
        raise UsageError("- is no video, and a pipe is not read; accepted: a file, or a source such as camera://0")
    if path.is_char_device() and path.name.startswith("video"):
        raise UsageError(f"{path} is a device; did you mean camera://{path.absolute()}?")
    if not path.exists() and uri.isdecimal():
        raise SourceError(f"no such file: {path}; did you mean camera://{path}?")
    if not path.exists():
        raise SourceError(f"no such file: {path}")
    if path.is_dir() and any(one.suffix.lower() in ENDINGS for one in path.iterdir()):
        raise SourceError(f"{path} is a folder; did you mean images://{quote(str(path.absolute()))}?")
    if path.is_dir():
        raise SourceError(f"{path} is a folder; accepted: a video file")


def _cut(path: Path) -> str:
    """Say that an AVI is shorter than its head says, which FFmpeg hides by believing a shorter length."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
        found_bytes = path.stat().st_size
    except OSError:
        return ""  # FFmpeg says why
    said_bytes = int.from_bytes(head[4:8], "little") + 8
    if head[:4] != b"RIFF" or head[8:] != b"AVI " or not found_bytes < said_bytes < UNKNOWN_BYTES:
        return ""
    return f"it says {said_bytes} bytes, and {found_bytes} are there"
