"""One POST over HTTP(S): redirections are not followed, and nothing of the address is shown but its host."""

import http.client
import ssl
import urllib.error
import urllib.request
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

from stream.errors import OutputError

GIVEN_UP = (400, 413, 415, 422)
"""Answers to this very row: it would get them for ever. All others pass, or are mended by the operator."""
LONGEST_AFTER_S = 300.0
"""Seconds: no receiver is let to ask for a longer pause."""


class Refused(Exception):  # not one of the tree: never leaves its output
    """The receiver will not have this row."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """The address is the operator's choice, and so is who sees the token."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Go nowhere: the redirection is the answer."""


class Post:
    """Posts rows to one address; a connection each."""

    def __init__(self, url: str, token: str, timeout_s: float) -> None:
        """Prepare; `token` is shown as bearer, none if empty."""
        parts = urlsplit(url)
        self._url, self._timeout_s = url, timeout_s
        self._shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._headers = {"Content-Type": "application/json", "User-Agent": "movinet-stream"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        handlers: tuple[Any, ...] = (_Stay(), urllib.request.ProxyHandler({}))  # the environment decides nothing here
        self._opener = urllib.request.build_opener(
            *handlers, urllib.request.HTTPSHandler(context=ssl.create_default_context())
        )

    def __call__(self, name: str, body: str) -> None:
        """Post one row; returns when it was acknowledged.

        Raises:
            Refused: the receiver will never have it.
            OutputError: it was not acknowledged; `after_s` says how long the receiver asks to wait.
        """
        headers = {**self._headers, "Idempotency-Key": name}
        request = urllib.request.Request(self._url, body.encode(), headers, method="POST")  # noqa: S310  # http(s)
        try:
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                answer.read(1024)
        except urllib.error.HTTPError as error:
            with error:
                words = f"{self._shown} answered {error.code}"
                if error.code in GIVEN_UP:
                    raise Refused(words) from None
                raise _later(words, error.headers.get("Retry-After", "")) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
            raise OutputError(f"{self._shown} cannot be reached: {words}") from None


def _later(words: str, after: str) -> OutputError:
    error = OutputError(words)
    error.after_s = min(float(after), LONGEST_AFTER_S) if after.isdecimal() else 0.0  # type: ignore[attr-defined]
    return error
