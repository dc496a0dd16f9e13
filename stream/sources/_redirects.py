"""Asks a network camera whether it sends to another address, before FFmpeg does, which would follow.

FFmpeg opens whatever address an RTSP server answers with, within its protocols: one more way into a network. It has no
option against it, so the same questions are asked first, and an answer of 3xx ends the attempt. A camera that answers
the second time in another way is not caught.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import SplitResult

from stream.errors import SourceError
from stream.sources._address import shown

QUESTIONS = ("OPTIONS", "DESCRIBE")
"""What FFmpeg asks first."""
PORTS = {"rtsp": 554, "rtsps": 322}
LONGEST_BYTES = 16 * 1024
"""Bytes of an answer's head that are read."""


@contextmanager
def refused(parts: SplitResult, timeout_s: float) -> Iterator[None]:
    """Ask, and stay connected: a server that has made its picture ready for us need not do so twice.

    Anything but a redirection is FFmpeg's to judge.

    Raises:
        SourceError: it sends to another address.
        OSError: it cannot be reached; TimeoutError where it says nothing for `timeout_s`.
    """
    scheme, host = parts.scheme.lower(), str(parts.hostname)
    with ExitStack() as stack:
        line = stack.enter_context(socket.create_connection((host, parts.port or PORTS[scheme]), timeout_s))
        if scheme == "rtsps":
            line = stack.enter_context(_unverified().wrap_socket(line, server_hostname=host))
        _ask(line, parts)
        yield


def _ask(line: socket.socket, parts: SplitResult) -> None:
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    for number, question in enumerate(QUESTIONS, 1):
        line.sendall(f"{question} {bare} RTSP/1.0\r\nCSeq: {number}\r\nAccept: application/sdp\r\n\r\n".encode())
        status = _status(line)
        if status.startswith("3"):
            words = f"{shown(parts)} sends to another address (status {status}), which is not followed"
            raise SourceError(f"{words}; accepted: the address itself")
        if status != "200":
            return


def _status(line: socket.socket) -> str:
    """Read the head of an answer; return its status, empty where it is none of RTSP."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < LONGEST_BYTES and (more := line.recv(4096)):
        head += more
    protocol, _, rest = head.partition(b" ")
    return rest[:3].decode("ascii", "replace") if protocol.startswith(b"RTSP/") else ""


def _unverified() -> ssl.SSLContext:
    """Most cameras carry a certificate that nobody signed; FFmpeg does not look at it either."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
