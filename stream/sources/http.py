"""A camera over HTTP or HTTPS: HLS where the path ends in .m3u8, else MJPEG, one JPEG after the other.

HLS comes in parts of some seconds, each at once: its frames are held back until their time, so that live it is as far
behind as its parts are long, and no frame is lost. A playlist that says how long it is ends by itself.
"""

from urllib.parse import SplitResult

from stream.errors import UsageError
from stream.sources._address import secrets, shown, split
from stream.sources._av import AvSource
from stream.sources._media import Media

ACCEPTED = "http://user:password@host:80/path, or https://; a path that ends in .m3u8 or .m3u is HLS, any other MJPEG"

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
    is_hls = parts.path.lower().endswith((".m3u8", ".m3u"))
    return AvSource(
        Media(
            uri=shown(parts),
            url=parts.geturl(),
            format="hls" if is_hls else "mpjpeg",
            other_format=None if is_hls else "mjpeg",
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
    try:
        return split(uri)._replace(fragment="")
    except ValueError:
        raise UsageError(f"this is not the address of an HTTP camera; accepted: {ACCEPTED}") from None
