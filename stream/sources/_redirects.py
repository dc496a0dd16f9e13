"""Asks a network camera whether it sends to another address, before FFmpeg does, which would follow.

FFmpeg opens whatever address an RTSP server answers with, within its protocols: one more way into a network. It has no
option against it, so the same questions are asked first, and an answer of 3xx ends the attempt. A camera that answers
the second time in another way is not caught. What FFmpeg cannot log in to is told here, too, since it only says that
it is not let in.
"""

import re
import socket
import ssl
from contextlib import ExitStack
from urllib.parse import SplitResult

from stream.errors import SourceError
from stream.sources._address import shown

QUESTIONS = ("OPTIONS", "DESCRIBE")
"""What FFmpeg asks first."""
PORTS = {"rtsp": 554, "rtsps": 322}
LONGEST_BYTES = 16 * 1024
"""Bytes of an answer's head that are read."""


def refuse(parts: SplitResult, timeout_s: float) -> None:
    """Ask, and hang up before FFmpeg calls: small cameras serve one connection at a time.

    Anything but a redirection and a login that FFmpeg does not know is FFmpeg's to judge.

    Raises:
        SourceError: it sends to another address, or wants another kind of login than FFmpeg has.
        OSError: it cannot be reached; TimeoutError where it says nothing for `timeout_s`.
    """
    scheme, host = parts.scheme.lower(), str(parts.hostname)
    with ExitStack() as stack:
        line = stack.enter_context(socket.create_connection((host, parts.port or PORTS[scheme]), timeout_s))
        if scheme == "rtsps":
            line = stack.enter_context(_unverified().wrap_socket(line, server_hostname=host))
        _ask(line, parts)


def _ask(line: socket.socket, parts: SplitResult) -> None:
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    for number, question in enumerate(QUESTIONS, 1):
        line.sendall(f"{question} {bare} RTSP/1.0\r\nCSeq: {number}\r\nAccept: application/sdp\r\n\r\n".encode())
        head = _head(line)
        status = _status(head)
        if status == "401" and (kinds := _unknown_logins(head)):
            words = f"{shown(parts)} wants a login by {', '.join(kinds)}, which FFmpeg cannot"
            raise SourceError(f"{words}; accepted: Basic, or Digest with MD5, if the camera can be set so")
        if status.startswith("3"):
            words = f"{shown(parts)} sends to another address (status {status}), which is not followed"
            raise SourceError(f"{words}; accepted: the address itself")
        if status != "200":
            return


def _unknown_logins(head: bytes) -> list[str]:
    """List the kinds of login that are asked for; none where FFmpeg knows one of them."""
    asked = re.findall(rb"(?im)^WWW-Authenticate:[ \t]*(\w+)(.*)$", head)
    kinds = [_login(kind, rest) for kind, rest in asked]
    return [] if {"Basic", "Digest with MD5"} & set(kinds) else kinds


def _login(kind: bytes, rest: bytes) -> str:
    name = kind.decode("ascii", "replace").capitalize()
    if name != "Digest":
        return name
    said = re.search(rb'(?i)algorithm="?([\w-]+)', rest)
    return f"Digest with {said[1].decode().upper() if said else 'MD5'}"


def _head(line: socket.socket) -> bytes:
    """Read the head of an answer."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < LONGEST_BYTES and (more := line.recv(4096)):
        head += more
    return head


def _status(head: bytes) -> str:
    """Return the status of an answer, empty where it is none of RTSP."""
    protocol, _, rest = head.partition(b" ")
    return rest[:3].decode("ascii", "replace") if protocol.startswith(b"RTSP/") else ""


def _unverified() -> ssl.SSLContext:
    """Most cameras carry a certificate that nobody signed; FFmpeg does not look at it either."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
