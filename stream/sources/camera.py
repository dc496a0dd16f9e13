"""A camera of this machine through FFmpeg: V4L2 on Linux, AVFoundation on macOS, DirectShow on Windows."""

import sys
from urllib.parse import parse_qsl, unquote, urlsplit

from stream.errors import UsageError
from stream.sources._av import AvSource
from stream.sources._media import Media

ACCEPTED = "camera://0, camera:///dev/video0 or camera://NAME, then ?size=640x480&fps=30 if wished"
QUERY = {"size": "video_size", "fps": "framerate"}
"""What the query may say -> FFmpeg's option."""


def build(uri: str, *, realtime: bool = False, timeout_s: float = 10.0) -> AvSource:  # noqa: ARG001 - always real time
    """Prepare a camera; it is opened when the `with` begins. Its end, a pulled plug, is an error.

    Args:
        uri: `camera://0` (the first one), `camera:///dev/video0` or, on macOS and Windows, `camera://NAME`; a query
            sets the size and the rate: `?size=640x480&fps=30`.
        realtime: has no meaning here.
        timeout_s: seconds for opening it.

    Raises:
        UsageError: the URI names no camera of this platform; says what is accepted.
    """
    return AvSource(media(uri, sys.platform, timeout_s))


def media(uri: str, platform: str, timeout_s: float = 10.0) -> Media:
    """Say what FFmpeg is to open for a camera's URI on a platform, one of `sys.platform`'s names."""
    parts = urlsplit(uri)
    name = unquote(parts.netloc + parts.path)
    query = dict(parse_qsl(parts.query))
    if not name or set(query) - set(QUERY):
        raise UsageError(f"camera {uri!r}; accepted: {ACCEPTED}")
    kind, url = _device(name, platform)
    options = {QUERY[key]: value for key, value in query.items()}
    return Media(uri=uri, url=url, format=kind, options=options, timeout_s=timeout_s, is_live=True, is_endless=True)


def _device(name: str, platform: str) -> tuple[str, str]:
    """Return FFmpeg's input format and name of a device."""
    if platform == "darwin":
        return "avfoundation", f"{name.removeprefix('/')}:none"  # video:audio
    if platform == "win32":
        if name.isdecimal():
            raise UsageError(f"camera {name}: Windows knows cameras by name; accepted: camera://Integrated%20Camera")
        return "dshow", f"video={name.removeprefix('/')}"
    return "v4l2", f"/dev/video{name}" if name.isdecimal() else name
