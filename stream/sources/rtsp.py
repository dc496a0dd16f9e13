"""A network camera: RTSP, or RTSPS through TLS."""

import functools
from urllib.parse import SplitResult, parse_qsl

from stream.errors import UsageError
from stream.sources import _redirects
from stream.sources._address import secrets, shown, split
from stream.sources._av import AvSource
from stream.sources._media import Media

TRANSPORTS = ("tcp", "udp")
"""How pictures travel: tcp loses none; udp lags less on a bad line."""

ACCEPTED = (
    "rtsp://user:password@host:554/path, #transport=udp after it if wished; "
    "write %23 %2F %3F %40 for # / ? @ in a password"
)

QUICK = {"analyzeduration": "500000", "probesize": "65536", "fpsprobesize": "0"}
"""Looking at less of the stream before the first frame: 0.3 to 1.1 s instead of 3.1 s. Not `fflags=nobuffer`: it throws
away the first key frame, and so waits for the next one."""


def build(uri: str, *, realtime: bool = False, timeout_s: float = 10.0) -> AvSource:  # noqa: ARG001 - always real time
    """Prepare a network camera; it is connected when the `with` begins. The end of its stream is an error.

    The certificate of an `rtsps` camera is not verified: most of them carry one that nobody signed. A camera that sends
    to another address is refused.

    Args:
        uri: `rtsp://user:password@host:554/path`, or `rtsps://`; `#transport=udp` at the end leaves TCP. The password
            and the query are shown nowhere.
        realtime: has no meaning here.
        timeout_s: seconds without data after which the camera counts as lost.

    Raises:
        UsageError: no host, or no such transport; says what is accepted.
    """
    parts, transport = _split(uri)
    return AvSource(
        Media(
            uri=shown(parts),
            url=parts.geturl(),
            format="rtsp",
            options=QUICK
            | {
                "rtsp_transport": transport,
                "timeout": str(round(timeout_s * 1e6)),
                "protocol_whitelist": "rtsp,rtp,tcp,tls" + (",udp" if transport == "udp" else ""),
            },
            timeout_s=timeout_s,
            secrets=secrets(parts),
            is_live=True,
            is_endless=True,
            check=functools.partial(_redirects.refuse, parts, timeout_s),
        )
    )


def _split(uri: str) -> tuple[SplitResult, str]:
    """Return the URI without our own fragment, and the transport that it names."""
    try:
        parts = split(uri)
    except ValueError:
        raise UsageError(f"this is not the URI of a network camera; accepted: {ACCEPTED}") from None
    transport = dict(parse_qsl(parts.fragment)).get("transport", "tcp")
    if transport not in TRANSPORTS or parts.fragment not in ("", f"transport={transport}"):
        raise UsageError(f"this is not the URI of a network camera; accepted: {ACCEPTED}")
    return parts._replace(fragment=""), transport
