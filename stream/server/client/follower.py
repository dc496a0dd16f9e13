"""Follows a source that a server keeps open: labels come, no picture does."""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import grpc

from stream.errors import ServiceError, UsageError
from stream.pictures import UnseenPicture
from stream.server.backoff import Backoff
from stream.server.client import messages
from stream.server.client.entry import Entry
from stream.types import Frame, LabelEvent, Phase, Update
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc

Send = Callable[[Frame, Update | None], None]
CALLERS = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
"""What the caller can mend: the words name what is accepted."""
LONGEST_PAUSE_S = 30.0
"""Seconds between two attempts at most, a quarter more or less."""
NEAR_S = 0.5
"""Seconds: a clock this near to the time that passed while the server was away is the one that was heard before."""

UNSEEN = UnseenPicture("stays with the server that keeps its source")

_log = logging.getLogger(__name__)


def follow(name: str, target: str, send: Send, *, entry: Entry, stop_s: float = math.inf) -> None:
    """Send what a server's source gives until it ends; the counterpart of `client.watch`.

    A server that was reached once and goes away is tried again for as long as it takes. What went on then is ended, and
    what goes on when it is back begins there; time goes on by what really passed, whatever the server's clock says.

    Args:
        name: of a source that the server's operator has configured.
        target: HOST:PORT.
        send: takes each used frame, without its picture, and what it gave; what ends the last action comes with the
            last frame again.
        entry: what is shown to the server, and how the line is encrypted.
        stop_s: seconds of the stream after which to stop; never by default.

    Raises:
        ServiceError: the server cannot be reached at first, or ended the stream; carries its status and words.
        UsageError: there is no such source, or not for this client; lists those there are.
    """
    follower, backoff, pause = _Follower(send, stop_s), Backoff(LONGEST_PAUSE_S), threading.Event()
    while True:
        with entry.channel(target) as channel:  # a fresh one: an old one may never connect, while nobody waits on it
            stub = rpc.RecognitionServiceStub(channel)  # type: ignore[no-untyped-call]
            call = stub.Watch(pb.WatchRequest(source=name), metadata=entry.metadata)
            try:
                return follower.take(call)
            except grpc.RpcError as error:
                if error.code() in CALLERS:
                    raise UsageError(f"{target}: {error.details()}") from error
                if error.code() is not grpc.StatusCode.UNAVAILABLE or not follower.was_there:
                    raise ServiceError(f"{target}: {error.code().name}: {error.details()}") from error
                follower.lose()
                pause_s = backoff.pause_s(0.0)
                _log.warning("%s: %s; tried again in %.1f s", target, error.details(), pause_s)
            finally:
                call.cancel()
        pause.wait(pause_s)


class _Follower:
    """Gives on what is said, on one clock from the first update."""

    def __init__(self, send: Send, stop_s: float) -> None:
        self._send, self._stop_s, self._clock = send, stop_s, Clock()
        self._last: tuple[Frame, Update] | None = None
        self._begin_s: float | None = None
        self.was_there = False

    def lose(self) -> None:
        """End what went on: if it ends while nobody listens, nobody will say so."""
        self._give_ends(self._clock.lose())

    def take(self, call: Any) -> None:
        """Take what is said until the source ends, or it was enough."""
        for said in call:
            match said.WhichOneof("message"):
                case "watching":
                    self.was_there = True
                    self._status(said.watching.status)
                case "update":
                    if self._update(messages.update_of(said.update)):
                        return
                case "gap":
                    self._end(messages.events_of(said.gap.events))
                case "status":
                    self._status(said.status)
                case "finished":
                    self._end(messages.events_of(said.finished.events))

    def _update(self, update: Update) -> bool:
        """Give on an update; True, and it is not, where that was enough."""
        update = self._clock.place(update)
        self._begin_s = update.offset_s if self._begin_s is None else self._begin_s
        if update.offset_s - self._begin_s >= self._stop_s:
            return True
        self._last = Frame(UNSEEN, update.offset_s, 0), update
        self._send(*self._last)
        return False

    def _end(self, events: tuple[LabelEvent, ...]) -> None:
        self._give_ends(self._clock.events(events))

    def _give_ends(self, events: tuple[LabelEvent, ...]) -> None:
        if self._last and events:
            self._send(self._last[0], replace(self._last[1], events=events, reset=None))

    def _status(self, status: pb.SourceStatus) -> None:
        state = pb.SourceState.Name(status.state).removeprefix("SOURCE_STATE_").lower()
        _log.info("%s: %s%s", status.name, state, f": {status.last_error}" if status.last_error else "")


class Clock:
    """One time, and actions that begin once and end once, however often the server is lost and begins its own anew."""

    def __init__(self) -> None:
        self._last_s, self._heard_s, self._shift_s = -math.inf, 0.0, 0.0
        self._since_s = -math.inf
        """Seconds: when the server was back the last time; never lost before."""
        self._is_lost = False
        self._running: dict[str, LabelEvent] = {}

    def lose(self) -> tuple[LabelEvent, ...]:
        """Return the ends of what goes on."""
        ends = tuple(replace(one, phase=Phase.END, offset_s=self._last_s) for one in self._running.values())
        self._running.clear()
        self._is_lost = math.isfinite(self._last_s)
        return ends

    def place(self, update: Update) -> Update:
        """Return an update as of this time."""
        now_s, offset_s = time.monotonic(), update.offset_s + self._shift_s
        if self._is_lost:
            due_s = self._last_s + now_s - self._heard_s
            if offset_s <= self._last_s or abs(offset_s - due_s) > NEAR_S:  # another run of the server
                self._shift_s, offset_s = due_s - update.offset_s, due_s
            self._is_lost, self._since_s = False, offset_s
        self._last_s, self._heard_s = offset_s, now_s
        return replace(update, offset_s=offset_s, events=self.events(update.events))

    def events(self, found: tuple[LabelEvent, ...]) -> tuple[LabelEvent, ...]:
        """Return events as of this time: without the ends of what was ended, with the beginnings of what goes on."""
        return tuple(placed for event in found if (placed := self._event(event)))

    def _event(self, event: LabelEvent) -> LabelEvent | None:
        begin_s = max(event.begin_s + self._shift_s, self._since_s)
        placed = replace(event, offset_s=event.offset_s + self._shift_s, begin_s=begin_s)
        before = self._running.pop(event.label, None)
        is_cut = before is None and math.isfinite(self._since_s)  # it began when nobody listened
        if event.phase is Phase.END:
            return None if is_cut else placed
        highest = max(event.probability, before.probability if before else 0.0)
        self._running[event.label] = replace(placed, probability=highest)
        return replace(placed, phase=Phase.BEGIN) if is_cut else placed
