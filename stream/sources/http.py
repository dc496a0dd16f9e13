"""A camera over HTTP or HTTPS: HLS where the path ends in .m3u8, else MJPEG, one JPEG after the other.

HLS comes in parts of some seconds, each at once: its frames are held back until their time, so that live it is as far
behind as its parts are long, and no frame is lost. A playlist that says how long it is ends by itself.
"""

from urllib.parse import SplitResult, urlsplit

from stream.errors import UsageError
from stream.sources._address import secrets, shown
from stream.sources._av import AvSource
from stream.sources._media import Media

ACCEPTED = "http://user:password@host:80/path, or https://; a path that ends in .m3u8 is HLS, any other MJPEG"

PROTOCOLS = "http,https,tcp,tls,crypto"
"""What FFmpeg may open: no file, whatever a playlist says."""


def build(uri: str, *, realtime: bool = False, timeout_s: float = 10.0) -> AvSource:  # noqa: ARG001 - always real time
    """Prepare an HTTP camera; it is connected when the `with` begins. Redirections are not followed.

    Args:
        uri: `http://user:password@host/path` or `https://`; the password and the query are shown nowhere.
        realtime: has no meaning here.
        timeout_s: seconds without data after which the camera counts as lost.

    Raises:
        UsageError: no host; says what is accepted.
    """
    parts = _split(uri)
    is_hls = parts.path.lower().endswith(".m3u8")
    return AvSource(
        Media(
            uri=shown(parts),
            url=parts.geturl(),
            format="hls" if is_hls else "mpjpeg",
            options={
                "protocol_whitelist": PROTOCOLS,
                "rw_timeout": str(round(timeout_s * 1e6)),
                "max_redirects": "0",
            },
            timeout_s=timeout_s,
            secrets=secrets(parts),
            is_live=True,
            is_paced=is_hls,
            is_timeless=not is_hls,
            is_endless=True,
        )
    )


def _split(uri: str) -> SplitResult:
    parts = urlsplit(uri)
    try:
        is_good = bool(parts.hostname) and parts.port != 0 and "@" not in parts.path
    except ValueError:  # a port that is not a number
        is_good = False
    if not is_good:
        raise UsageError(f"this is not the address of an HTTP camera; accepted: {ACCEPTED}")
    return parts._replace(fragment="")
