"""Fetches one file: resumes where it was cut, says how far it is, gives it only if it is the one that was meant."""

import hashlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from stream.errors import DownloadError, ModelError

Progress = Callable[[int, int | None], None]
"""Called with bytes here and bytes in all, None where the server does not say."""

CHUNK_BYTES = 1 << 18
LARGEST_BYTES = 1 << 30
"""No file of ours is near it; a server that sends more is not the one that was meant."""
TIMEOUT_S = 30.0
"""Seconds without a byte after which a connection counts as cut."""
TRIES, PAUSE_S = 4, 0.5
"""Count of connections, and seconds before the second, doubled before each one after it."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file elsewhere."""

    address: str
    """Where it is: https, or http."""
    git_blob: str = ""
    """SHA-1 of "blob SIZE", a zero byte and the content; empty where none is known."""
    sha256: str = ""
    """SHA-256 of the content, hexadecimal; empty where none is known."""
    size: int = 0
    """Bytes; 0 where it is not known."""

    @property
    def expected(self) -> tuple[str, str]:
        """What tells the file, and what that must be; twice empty where nothing is known."""
        return (
            ("SHA-256", self.sha256) if self.sha256 else ("git blob id", self.git_blob) if self.git_blob else ("", "")
        )

    def by_hand(self, where: str = "") -> str:
        """Say what to do without a network; `where` stands for the address."""
        kind, value = self.expected
        size = f", {self.size} bytes" if self.size else ""
        known = f" ({kind} {value}{size})" if kind else " (no id of it is published: running it proves it)"
        return f"fetch {where or self.address}{known} by hand and give it with --from FILE"


def git_blob(file: Path) -> str:
    """Return the git blob id of a file, hexadecimal.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        digest = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
        with file.open("rb") as content:
            while chunk := content.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(f"cannot read {file}: {error.strerror}") from error
    return digest.hexdigest()


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read {file}: {error.strerror}") from error


def _found(file: Path, remote: Remote) -> str:
    """Return what a file has of the kind that is expected."""
    kind, _ = remote.expected
    return sha256(file) if kind == "SHA-256" else git_blob(file) if kind else ""


def check(file: Path, remote: Remote) -> None:
    """Compare a file, however it came here, with what was meant.

    Raises:
        ModelError: another file; names both ids. Nothing is deleted.
    """
    kind, expected = remote.expected
    if (found := _found(file, remote)) != expected:
        raise ModelError(f"{file} has {kind} {found}, {expected} is expected: refused, and nothing was changed")


def fetch(remote: Remote, part: Path, progress: Progress = lambda _here, _total: None) -> Path:
    """Bring the file to `part`, which may hold the beginning of it, and check it.

    One process at a time may hold `part`. What it holds stays when the connection is cut, for the next call; it goes
    when it turns out to be something else.

    Returns:
        `part`, complete and checked.

    Raises:
        DownloadError: no connection, a refusal, or another file; says the address, the expected id and what to do.
    """
    for _ in range(2):  # what lay here from another time may be what is wrong: once more from the start
        was_begun = part.exists()
        _complete(remote, part, progress)
        kind, expected = remote.expected
        found = _found(part, remote)
        if found == expected:
            return part
        clear(part)
        if not was_begun:
            break
    raise DownloadError(f"what {remote.address} gives has {kind} {found}, {expected} is expected: refused")


def clear(part: Path) -> None:
    """Take away what was fetched, and what was noted of it."""
    for left in (part, _mark(part)):
        left.unlink(missing_ok=True)


def _mark(part: Path) -> Path:
    """Return where it is noted which file `part` is the beginning of."""
    return part.with_suffix(".etag")


def _complete(remote: Remote, part: Path, progress: Progress) -> None:
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            if _advance(remote, part, progress):
                return
            cause = "the connection was cut"
        except DownloadError:  # a ConnectionError too, but trying again will not help
            raise
        except urllib.error.HTTPError as error:
            cause = f"the server answers {error.code} {error.reason}"
            if error.code < 500:
                break
        except (HTTPException, OSError) as error:
            cause = str(getattr(error, "reason", error)) or type(error).__name__
    raise DownloadError(f"cannot fetch {remote.address}: {cause}", remote.by_hand())


def _advance(remote: Remote, part: Path, progress: Progress) -> bool:
    """Take what one connection gives; say whether the file is complete."""
    here, opener = _resumable(remote, part), _opener(remote.address)
    request = urllib.request.Request(remote.address, headers=here.headers)  # noqa: S310  # the opener takes http(s) only
    try:
        with opener.open(request, timeout=TIMEOUT_S) as reply:
            start = here.size if reply.status == 206 and _starts_at(reply.headers, here.size) else 0
            length = reply.headers.get("Content-Length")
            total = start + int(length) if length else None
            _mark(part).write_text(reply.headers.get("ETag") or "", "utf-8")
            with part.open("ab" if start else "wb") as file:
                size = _copy(reply, file, start, total, remote.size or LARGEST_BYTES, progress)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # there is nothing after what is here
            raise
        return True
    return total is None or size == total


@dataclass(frozen=True, slots=True)
class _Begun:
    size: int
    headers: dict[str, str]


def _resumable(remote: Remote, part: Path) -> _Begun:
    """Say how much is here, and ask for the rest; where no id will tell, only of the very same file."""
    size = part.stat().st_size if part.exists() else 0
    mark = _mark(part)
    etag = mark.read_text("utf-8") if mark.exists() else ""
    is_sure = etag.startswith('"')  # a weak one may name other bytes
    if not size or not (remote.expected[0] or is_sure):
        return _Begun(0, {})
    return _Begun(size, {"Range": f"bytes={size}-"} | ({"If-Range": etag} if is_sure else {}))


def _starts_at(headers: Message, size: int) -> bool:
    return (headers.get("Content-Range") or "").startswith(f"bytes {size}-")


def _copy(reply: IO[bytes], file: IO[bytes], size: int, total: int | None, most: int, progress: Progress) -> int:
    """Append the reply to the file; return the size of the whole."""
    progress(size, total)
    while chunk := reply.read(CHUNK_BYTES):
        size += len(chunk)
        if size > most or (total or 0) > most:
            raise DownloadError(f"what the server gives is larger than {most} bytes: refused")
        file.write(chunk)
        progress(size, total)
    return size


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirection, but never from https to anything else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise urllib.error.URLError(f"it leads from https to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(address: str) -> urllib.request.OpenerDirector:
    if not address.lower().startswith(("https://", "http://")):
        raise DownloadError(f"cannot fetch {address!r}: only http:// and https:// addresses can be fetched")
    return urllib.request.build_opener(_Redirects)
