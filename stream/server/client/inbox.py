"""What a client is told: every frame goes to `send` once, in its turn, however often the line was lost."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace

from stream.errors import ServiceError
from stream.server.client import messages
from stream.server.client.outbox import Out, Outbox
from stream.server.wire.fields import offset_s
from stream.types import Drops, Frame, LabelEvent, Phase, Update
from stream.v1 import recognition_pb2 as pb

Send = Callable[[Frame, Update | None], None]

_log = logging.getLogger(__name__)


class GoneAway(Exception):  # not one of the tree: nobody is at fault, and the stream goes on
    """The server is about to shut down, and said what the stream can be resumed from."""


class Inbox:
    """Gives every frame to `send`, with what came back for it, and knows what the stream can be resumed from."""

    def __init__(self, outbox: Outbox, send: Send, config: pb.Config, *, is_leaving: bool) -> None:
        """Begin with nothing said; `is_leaving`: leave a server that goes away for another."""
        self._is_leaving = is_leaving
        self._outbox, self._send, self._config = outbox, send, config
        self._last: tuple[Frame, Update] | None = None
        self._running: dict[str, LabelEvent] = {}
        self._stream_id, self._epoch, self._is_heard = "", 0, False
        self._is_anew = False
        self._checkpoint, self._finished = pb.Checkpoint(), pb.Finished()
        self.fault = ""
        """What the server said of the last frame that it could not use."""
        self.used_count = 0
        """Count of frames that were used."""
        self.drops = Drops()
        """What was not used, on both sides, once all is said."""
        self.resume_count = 0
        """Count of times that a lost line was taken up again."""
        self.heard_s = time.monotonic()
        self.trips_ms: deque[float] = deque(maxlen=1000)
        self.server_ms: deque[float] = deque(maxlen=1000)

    @property
    def can_resume(self) -> bool:
        """Say whether nothing would be lost with this line; older servers do not count epochs."""
        return self._epoch > 0 and self._outbox.can_resume

    @property
    def last_s(self) -> float:
        """Seconds of the last frame that was used."""
        return self._last[1].offset_s if self._last else 0.0

    @property
    def was_refused(self) -> bool:
        """Say whether a stream was to be gone on with, and the server said nothing of it on the last line."""
        return self._epoch > 0 and not self._is_heard

    @property
    def first(self) -> pb.RecognizeRequest:
        """What a line is to begin with."""
        if not self._epoch:
            return pb.RecognizeRequest(config=self._config)
        named = pb.Resume(config=self._config, stream_id=self._stream_id, epoch=self._epoch + 1)
        named.checkpoint = self._checkpoint.data
        return pb.RecognizeRequest(resume=named)

    def take(self, replies: Iterable[pb.RecognizeResponse]) -> None:
        """Take a line's replies until the server ends it.

        Raises:
            GoneAway: the server goes away.
        """
        self._finished, self._is_heard = pb.Finished(), False
        for reply in replies:
            self.heard_s = time.monotonic()
            match reply.WhichOneof("message"):
                case "configured":
                    self._begin(reply.configured)
                case "update":
                    self._update(reply.update)
                case "frame_skipped":
                    self._unused(reply.frame_skipped)
                case "frame_error":
                    _log.warning("frame %d: %s", reply.frame_error.sequence, reply.frame_error.message)
                    self.fault = reply.frame_error.message
                    self._unused(reply.frame_error)
                case "checkpoint":
                    self._keep(reply.checkpoint)
                case "go_away":
                    self._leave(reply.go_away)
                case "finished":
                    self._finished = reply.finished

    def begin_anew(self) -> None:
        """End what went on, and let the next line begin a stream that remembers nothing."""
        if self._last:
            ends = (replace(one, phase=Phase.END, offset_s=self.last_s) for one in self._running.values())
            self._end(tuple(ends), self._last[1].drops)
        self._running.clear()
        self._stream_id, self._epoch, self._checkpoint = "", 0, pb.Checkpoint()
        self._is_anew = True

    def finish(self) -> None:
        """Give what is left: frames that were never answered, and the END of what went on."""
        while self._outbox.out:
            self._send(self._outbox.out.popleft().frame, None)
        drops = self.drops = _sum(messages.drops_of(self._finished.drops), self._outbox.drops)
        self._end(messages.events_of(self._finished.events), drops)

    def _end(self, events: tuple[LabelEvent, ...], drops: Drops) -> None:
        if self._last and events:
            frame, update = self._last
            self._send(frame, replace(update, events=events, drops=drops, reset=None))

    def _begin(self, message: pb.Configured) -> None:
        if self._epoch:
            _log.info("resumed: stream %s, epoch %d", message.stream_id, message.epoch)
        self.resume_count += self._epoch > 0 or self._is_anew
        self._stream_id, self._epoch, self._is_heard = message.stream_id, message.epoch, True

    def _keep(self, checkpoint: pb.Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._outbox.trim(offset_s(checkpoint.offset))

    def _leave(self, message: pb.GoAway) -> None:
        if message.HasField("checkpoint"):
            self._keep(message.checkpoint)
        if self._is_leaving and self.can_resume:
            raise GoneAway("the server is shutting down")

    def _update(self, message: pb.Update) -> None:
        out = self._match(message.sequence, None)
        if not out:
            return
        now_ns, said = time.monotonic_ns(), messages.update_of(message)
        self.trips_ms.append((now_ns - out.sent_ns) / 1e6)
        self.server_ms.append(said.age_s * 1e3)
        age_s = (now_ns - out.frame.arrival_ns) / 1e9
        update = replace(said, offset_s=out.frame.offset_s, age_s=age_s, drops=_sum(said.drops, out.drops))
        self._last, self.used_count = (out.frame, update), self.used_count + 1
        for event in update.events:
            self._running.pop(event.label, None)
            if event.phase is not Phase.END:
                self._running[event.label] = event
        self._send(out.frame, update)

    def _unused(self, message: pb.FrameSkipped | pb.FrameError) -> None:
        if out := self._match(message.sequence, messages.cause_of(message.cause)):
            self._send(out.frame, None)

    def _match(self, sequence: int, cause: str | None) -> Out | None:
        """Find the frame of a reply, those before it were never sent; None where it was given to `send` before."""
        if not self._outbox.answered(sequence, cause):
            return None
        unsent, out = self._outbox.taken(sequence)
        for one in unsent:
            self._send(one.frame, None)
        if not out:
            raise ServiceError(f"the server answered frame {sequence}, which was not waiting for an answer")
        return out


def _sum(one: Drops, other: Drops) -> Drops:
    return Drops(**{cause: count + getattr(other, cause) for cause, count in asdict(one).items()})
