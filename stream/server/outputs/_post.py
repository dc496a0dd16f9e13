"""One POST over HTTP(S): redirections are not followed, and nothing of the address is shown but its host."""

import http.client
import io
import socket
import ssl
import time
from functools import partial
from typing import Any
from urllib.parse import SplitResult, urlsplit

from stream.config import check
from stream.errors import OutputError

GIVEN_UP = (400, 413, 415, 422)
"""Answers to this very row: it would get them for ever. All others pass, or are mended by the operator."""
LONGEST_AFTER_S = 300.0
"""Seconds: no receiver is let to ask for a longer pause."""


class Refused(Exception):  # not one of the tree: never leaves its output
    """The receiver will not have this row."""


class Post:
    """Posts rows to one address; a connection each, and a time within which all of it must be over."""

    def __init__(self, url: str, token: str, timeout_s: float) -> None:
        """Prepare; `token` is shown as bearer, none if empty.

        Raises:
            UsageError: the address is none, has a login, or one of the two cannot stand in a header; shows neither.
        """
        parts = _parts(url)
        check("token", token.isascii() and token.isprintable(), "not one line of letters", "what a header can carry")
        self._host, self._port, self._timeout_s = parts.hostname or "", parts.port, timeout_s
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._shown = f"{parts.scheme}://{parts.netloc}"
        self._headers = {"Content-Type": "application/json", "User-Agent": "movinet-stream"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    def __call__(self, name: str, body: str) -> None:
        """Post one row; returns when it was acknowledged.

        Raises:
            Refused: the receiver will never have it.
            OutputError: it was not acknowledged in time; `after_s` says how long the receiver asks to wait.
        """
        try:
            status, after = self._answer({**self._headers, "Idempotency-Key": name}, body.encode())
        except TimeoutError:
            raise OutputError(f"{self._shown} did not answer within {self._timeout_s:g} s") from None
        except OSError as error:
            words = error.strerror or type(error).__name__
            raise OutputError(f"{self._shown} cannot be reached: {words}") from None
        except (http.client.HTTPException, ValueError) as error:  # whose words may show the address, or the token
            raise OutputError(f"{self._shown} does not speak HTTP as it should: {type(error).__name__}") from None
        if status in GIVEN_UP:
            raise Refused(f"{self._shown} answered {status}")
        if not 200 <= status < 300:
            raise _later(f"{self._shown} answered {status}", after)

    def _answer(self, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Return the status, and what Retry-After says."""
        end_s = time.monotonic() + self._timeout_s
        line = self._line()
        try:
            line.connect()
            line.response_class = partial(_Answer, end_s=end_s)  # type: ignore[assignment]
            line.sock.settimeout(_left_s(end_s))
            line.request("POST", self._path, body, headers)
            answer = line.getresponse()
            answer.read(1024)
            return answer.status, answer.headers.get("Retry-After", "")
        finally:
            line.close()

    def _line(self) -> http.client.HTTPConnection:
        if self._tls:
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)


class _Answer(http.client.HTTPResponse):
    """One that must have come by a moment, however it drips: a socket's own timeout holds for each byte."""

    def __init__(self, sock: socket.socket, *args: Any, end_s: float, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Until(sock, end_s))


class _Until(io.RawIOBase):
    def __init__(self, sock: socket.socket, end_s: float) -> None:
        self._socket, self._end_s = sock, end_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(_left_s(self._end_s))
        return self._socket.recv_into(buffer)


def _left_s(end_s: float) -> float:
    if (left_s := end_s - time.monotonic()) <= 0:
        raise TimeoutError
    return left_s


def _parts(url: str) -> SplitResult:
    """Take an address apart; an error shows nothing of it."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # whose words may show a password
        is_one = False
    check("url", is_one, "not one", "https://HOST/PATH, or http")
    is_plain = url.isascii() and url.isprintable() and " " not in url
    check("url", is_plain, "more than an address", "one line without spaces, other letters as %XX")
    check("url", "@" not in parts.netloc, "one with a login", "one without, and token_file or token_env")
    return parts


def _later(words: str, after: str) -> OutputError:
    error = OutputError(words)
    error.after_s = min(float(after), LONGEST_AFTER_S) if after.isdecimal() else 0.0  # type: ignore[attr-defined]
    return error
