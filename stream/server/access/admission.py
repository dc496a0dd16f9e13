"""Who is let in: streams are counted, in all and of each client, and too many are told when to try again."""

import asyncio
import logging
import math
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from grpc import StatusCode

from stream import threads
from stream.decode import MAX_PIXELS
from stream.errors import StreamError
from stream.server.access.clients import Client
from stream.server.access.leash import Ended
from stream.server.operations.named import STREAM
from stream.words import cut

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server allows."""

    max_streams: int = 128
    """Count of streams open at once, watched ones among them, 1 or more."""
    max_streams_per_client: int = 128
    """Count of streams that one client may have open, 1 or more; a client is a token, a certificate or an address."""
    max_message_bytes: int = 16 * 1024 * 1024
    """Bytes: largest message taken, 1024 or more."""
    max_pixels: int = MAX_PIXELS
    """Pixels: largest picture taken, 1 or more."""
    max_decode_bytes: int = 2 * 10**9
    """Bytes, 1 or more: what the decoders of all pushed videos may hold together."""
    max_waiting_frames: int = 64
    """Count of frames of one stream that may wait for their turn, 1 or more; by policy fewer do."""
    max_waiting_bytes: int = 16 * 10**6
    """Bytes of one stream's frames that may wait, where it is more than one."""
    max_age_s: float = math.inf
    """Seconds, > 0: with the policy latest, an older frame is skipped, whatever its client asks."""
    max_fps: float = 1000.0
    """Frames per second, > 0, that one stream may send; a second's come at once."""
    idle_timeout_s: float = math.inf
    """Seconds, > 0: a stream without a frame for this long is ended."""
    max_connections: int = 1000
    """Count of connections open at once, of all clients, 1 or more; more are closed as they come."""
    max_connections_per_client: int = 500
    """Count of these of one IPv4 address or IPv6 /64, 1 or more; more are closed soon."""
    max_web_connections: int = 256
    """Count of connections open at once of HTTP, and of the page for phones, each; half may be of one address."""
    max_connection_age_s: float = math.inf
    """Seconds, > 0: a connection that is older takes no new streams, and is closed when its own have ended."""


class Admission:
    """Counts the streams that are open."""

    def __init__(self, limits: Limits) -> None:
        """Begin closed."""
        self._limits = limits
        self._open: dict[str, str] = {}
        self.closed: str | None = "still loading its models"
        self.opened: Counter[str] = Counter()
        """Count of streams that were open, by kind."""
        self.refused: Counter[str] = Counter()
        """Count of streams that were not let in, by reason."""

    @property
    def open_count(self) -> int:
        """Count of streams open now."""
        return len(self._open)

    @contextmanager
    def admitted(self, kind: str, client: Client, peer: str) -> Iterator[str]:
        """Count a stream in, and out whatever happens; give the name that the log calls it.

        Raises:
            Ended: there are too many, or the server takes none.
        """
        self._check(client)
        name, began_s, ending = secrets.token_hex(12), time.monotonic(), "done"  # nobody can guess another's
        STREAM.set(name)
        self._open[name] = client.name
        self.opened[kind] += 1
        _log.info("stream %s opened by %s: %s", name, peer, kind)
        try:
            yield name
        except BaseException as error:
            ending = _ending(error)
            raise
        finally:
            del self._open[name]
            _log.info("stream %s closed after %.1f s: %s", name, time.monotonic() - began_s, ending)

    def _check(self, client: Client) -> None:
        if self.closed:
            raise self._refusal("closed", StatusCode.UNAVAILABLE, f"the server is {self.closed}")
        if self.open_count >= self._limits.max_streams:
            words = f"{self.open_count} streams are open; accepted: {self._limits.max_streams} at once"
            raise self._refusal("streams", StatusCode.RESOURCE_EXHAUSTED, words)
        limit = min(self._limits.max_streams_per_client, client.max_streams or math.inf)
        if (count := sum(name == client.name for name in self._open.values())) >= limit:
            words = f"{count} streams of {client.name} are open; accepted: {limit} at once"
            raise self._refusal("client", StatusCode.RESOURCE_EXHAUSTED, words)

    def refuse(self, reason: str) -> None:
        """Count a call that was not let in."""
        self.refused[reason] += 1

    def _refusal(self, reason: str, status: StatusCode, words: str) -> Ended:
        self.refused[reason] += 1
        return Ended(status, words)


def _ending(error: BaseException) -> str:
    """Say how a stream ended that was not done."""
    if isinstance(error, asyncio.CancelledError):
        return "the client has gone, or has cancelled it"
    is_said = isinstance(error, (StreamError, Ended)) and str(error)
    return cut(str(error)) if is_said else threads.place(error)
