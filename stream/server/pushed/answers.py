"""What is said of each frame of one stream: no loops, sockets or threads."""

import math
import time

from stream.errors import DecodeError, UsageError
from stream.lateness import Lateness
from stream.pipeline import Session
from stream.server.operations.metrics import PUSHED, Metrics, Stopwatch
from stream.server.pushed.film import Film
from stream.server.pushed.seal import Seal
from stream.server.turns import Deadlines
from stream.server.wire import heard, told
from stream.server.wire.fields import MAX_OFFSET_S
from stream.server.wire.heard import Incoming
from stream.types import Frame, Picture
from stream.v1 import recognition_pb2 as pb


class Answers:
    """A session, and the questions asked of a frame before its picture is decoded. One caller at a time."""

    def __init__(
        self, session: Session, metrics: Metrics, stopwatch: Stopwatch, max_pixels: int, max_age_s: float
    ) -> None:
        self.session, self._max_pixels, self._max_age_s = session, max_pixels, max_age_s
        self._metrics, self._stopwatch = metrics, stopwatch
        self._lateness, self._deadlines = Lateness(), Deadlines(session.fps)
        self.checkpoint_frames = 0  # count: updates from one checkpoint to the next; 0: there are none
        self.seal = Seal()
        self.film: Film | None = None  # the video whose packets come, where they do
        self._sequence, self._used_count = 0, 0

    def refuse(self, frame: Incoming, is_behind: bool = False) -> pb.RecognizeResponse | None:
        """Answer a frame whose picture is not needed: out of order, or skipped. None for one that is to be used."""
        cause = self.session.skip(frame.offset_s, self._lost(frame, is_behind))
        if cause not in (None, "order"):
            self._sequence = frame.sequence
        if cause:
            self._metrics.dropped(PUSHED, cause)
        if cause == "order":  # an offset out of range is not a number
            return told.fault(frame, cause, self._order(frame.offset_s))
        return told.skipped(frame, cause) if cause else None

    def due_s(self, frame: Incoming) -> float:
        """Say when a frame that needs work is due, in seconds on the monotonic clock; asked once of each."""
        return self._deadlines.next(frame.arrival_ns / 1e9, time.monotonic())

    def use(self, frame: Incoming) -> list[pb.RecognizeResponse]:
        """Decode and answer a frame, and say what the stream can be resumed from when it is time to."""
        self._stopwatch.start()
        try:
            return self._feed(frame, heard.picture(frame, self._max_pixels, self.session.side_px))
        except DecodeError as error:
            return [self._fault(frame, str(error))]

    def play(self, packet: Incoming, is_behind: bool) -> list[pb.RecognizeResponse]:
        """Decode a packet, and answer those whose pictures that completes; `is_behind`: too late to use them.

        Raises:
            UsageError: the configuration names no video.
        """
        if self.film is None:
            raise UsageError(f"frame {packet.sequence} is a packet; accepted: image, raw, as the config names no video")
        if math.isnan(packet.offset_s) and (refusal := self.refuse(packet)):
            return [refusal]
        self._stopwatch.start()
        is_needed = not packet.is_context and self.session.needs(packet.offset_s)
        shown = self.film.take(packet, is_needed=is_needed)
        return [reply for one in shown for reply in self._show(*one, is_behind)]

    def flush(self) -> list[pb.RecognizeResponse]:
        """Answer what is left of a video at its end."""
        self._stopwatch.start()
        return [reply for shown in (self.film.finish() if self.film else ()) for reply in self._show(*shown, False)]

    def _show(self, packet: Incoming, found: Picture | str, is_behind: bool) -> list[pb.RecognizeResponse]:
        if packet.is_context:
            return [told.skipped(packet, "unspecified")]
        if isinstance(found, str):
            return [self._fault(packet, found)]
        if refusal := self.refuse(packet, is_behind):
            return [refusal]
        return self._feed(packet, found)

    def _feed(self, frame: Incoming, picture: Picture) -> list[pb.RecognizeResponse]:
        answer = self._use(frame, picture)
        if not answer.HasField("update"):
            return [answer]
        is_due = self.checkpoint_frames and self._used_count % self.checkpoint_frames == 0
        replies = [answer, pb.RecognizeResponse(checkpoint=self._checkpoint())] if is_due else [answer]
        self._stopwatch.track.done("event")
        return replies

    def sent(self) -> None:
        """Note that all there was to say has been said."""
        self._stopwatch.track.sent()

    def go_away(self, grace_s: float) -> pb.RecognizeResponse:
        """Say that the server is about to shut down, and what the stream can be resumed from."""
        is_wanted = self.checkpoint_frames and math.isfinite(self.session.seen_s)
        return told.go_away(self._checkpoint() if is_wanted else None, grace_s)

    def _checkpoint(self) -> pb.Checkpoint:
        return told.checkpoint(self._sequence, self.session.seen_s, self.seal.put(self.session.checkpoint()))

    def _use(self, frame: Incoming, picture: Picture) -> pb.RecognizeResponse:
        """Preprocess, step, smooth. A picture that cannot be converted changes nothing but the count of drops."""
        self._stopwatch.track.begin(frame.arrival_ns, frame.offset_s)
        self._stopwatch("decode")
        try:
            update = self.session.feed(Frame(picture, frame.offset_s, frame.arrival_ns))
        except DecodeError as error:
            return self._fault(frame, str(error))
        assert update is not None  # noqa: S101  # `refuse` has asked whether it is needed
        self._sequence, self._used_count = frame.sequence, self._used_count + 1
        self._metrics.used(PUSHED, update.age_s)
        return pb.RecognizeResponse(update=told.update(frame.sequence, update))

    def _fault(self, frame: Incoming, words: str) -> pb.RecognizeResponse:
        self.session.drop("decode")
        self._metrics.dropped(PUSHED, "decode")
        return told.fault(frame, "decode", words)

    def finish(self) -> pb.RecognizeResponse:
        """End what still goes on."""
        return pb.RecognizeResponse(finished=told.finished(self.session.finish(), self.session.drops))

    def _lost(self, frame: Incoming, is_behind: bool) -> str | None:
        """Name why a frame's picture is not to be used whatever the model needs, if there is a reason."""
        if math.isnan(frame.offset_s) or frame.is_repeated:
            return None
        arrival_s = frame.arrival_ns / 1e9
        age_s = time.monotonic() - arrival_s + self._lateness.of(frame.offset_s, arrival_s)
        if frame.message is None or is_behind:
            return "backlog"
        return "late" if age_s > self._max_age_s else None

    def _order(self, offset_s: float) -> str:
        if math.isnan(offset_s):
            return f"the offset is out of range; accepted: 0 s to {MAX_OFFSET_S:g} s"
        accepted = f"more than {self.session.seen_s:.6f} s, that of the frame before"
        return f"the offset is {offset_s:.6f} s; accepted: {accepted}"
