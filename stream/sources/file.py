"""A video file: anything FFmpeg opens."""

from pathlib import Path
from urllib.parse import unquote

from stream.errors import SourceError
from stream.sources._av import AvSource, Media

SCHEME = "file:"


def build(uri: str, *, realtime: bool = False, timeout_s: float = 10.0) -> AvSource:
    """Prepare a video file; it is opened when the `with` begins.

    Only local files are read: a playlist that names a URL is refused by FFmpeg's protocol whitelist.

    Args:
        uri: a path, or `file:///path` with `%20` and the like.
        realtime: hold each frame back until its time, as a camera would; else as fast as they are taken.
        timeout_s: seconds after which a read counts as lost.

    Raises:
        SourceError: there is no such file.
    """
    path = Path(unquote(uri.removeprefix(SCHEME).removeprefix("//")) if uri.startswith(SCHEME) else uri)
    if not path.exists():
        raise SourceError(f"no such file: {path}")
    if path.is_dir():
        raise SourceError(f"{path} is a folder; accepted: a video file")
    return AvSource(
        Media(
            uri=str(path),
            url=f"{SCHEME}{path}",
            options={"protocol_whitelist": "file"},
            timeout_s=timeout_s,
            is_live=realtime,
            is_paced=realtime,
        )
    )
