"""Connections to servers, one after the other: which is tried when, and for how long."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from stream.errors import ServiceError, UsageError
from stream.server.backoff import Backoff
from stream.server.client.entry import Entry, proxy
from stream.server.client.inbox import GoneAway
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc

CALLERS = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
"""What a server says of a configuration that the caller can mend: it names what is accepted."""
PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
"""What passes by itself."""
LONGEST_S = 5.0
"""Seconds of the longest pause between two attempts."""

_log = logging.getLogger(__name__)


class Lines:
    """A fresh channel for every attempt, since an old one may have been silent for long; servers are tried in turn."""

    def __init__(self, targets: str, entry: Entry, *, timeout_s: float, patience_s: float) -> None:
        """Take servers, HOST:PORT with commas between.

        Args:
            targets: where they are.
            entry: what is shown to them.
            timeout_s: seconds that one has to take up a connection.
            patience_s: seconds, 0 or more: for how long a server may be away; 0: a lost line is not mended.
        """
        self._targets = [target.strip() for target in targets.split(",") if target.strip()] or [targets]
        self._entry, self._timeout_s, self._patience_s = entry, timeout_s, patience_s
        self._backoff, self._is_open, self._mended_s = Backoff(LONGEST_S), False, -math.inf

    @property
    def target(self) -> str:
        """The server whose turn it is."""
        return self._targets[0]

    @contextmanager
    def line(self) -> Iterator[tuple[Any, pb.DescribeResponse]]:
        """Connect; give what calls, and what the server says of itself.

        Raises:
            ServiceError: the server ended what was called, or cannot be reached; carries its status and words.
            UsageError: it refused what the caller can mend.
        """
        self._is_open = False
        with self._entry.channel(self.target) as channel, translated(self.target):
            stub = rpc.RecognitionServiceStub(channel)  # type: ignore[no-untyped-call]
            answer = stub.Describe(pb.DescribeRequest(), timeout=self._timeout_s, metadata=self._entry.metadata)
            self._is_open = True
            yield stub, answer

    def mends(self, error: Exception, heard_s: float) -> bool:
        """Choose the next server after a line was lost, and wait for its turn; False where that is of no use any more.

        Args:
            error: how it was lost.
            heard_s: when something was last heard, `time.monotonic()`.
        """
        away_s = time.monotonic() - heard_s
        if not self._passes(error) or away_s >= self._patience_s:
            return False
        self._targets = [*self._targets[1:], self._targets[0]]
        _log.warning("%s; trying again at %s", error, self.target)
        if heard_s > self._mended_s:  # the first attempt is made at once
            self._backoff = Backoff(LONGEST_S)
        else:
            time.sleep(min(self._backoff.pause_s(0.0), self._patience_s - away_s))
        self._mended_s = time.monotonic()
        return True

    def is_refused(self, error: Exception) -> bool:
        """Say whether a server will not go on with a stream: its checkpoint is of another key, model or version."""
        cause = error.__cause__
        return isinstance(cause, grpc.RpcError) and cause.code() is grpc.StatusCode.FAILED_PRECONDITION

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every call."""
        return self._entry.metadata

    def _passes(self, error: Exception) -> bool:
        """Say whether a loss passes by itself: the server has gone, is slow to take us up, or has no room just now."""
        if isinstance(error, GoneAway):
            return True
        if not isinstance(error.__cause__, grpc.RpcError):
            return False
        code = error.__cause__.code()
        return code in PASSING or (code is grpc.StatusCode.DEADLINE_EXCEEDED and not self._is_open)


@contextmanager
def translated(target: str) -> Iterator[None]:
    """Turn gRPC's errors into ours."""
    try:
        yield
    except grpc.RpcError as error:
        if error.code() in CALLERS:
            raise UsageError(f"{target}: {error.details()}") from error
        through = f"; the variable {name} sends it through a proxy" if (name := proxy(target)) else ""
        raise ServiceError(f"{target}: {error.code().name}: {error.details()}{through}") from error
