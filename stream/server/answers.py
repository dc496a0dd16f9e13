"""What is said of each frame of one stream: no loops, sockets or threads."""

import copy
import math

from stream.errors import DecodeError
from stream.pipeline import Session
from stream.resampling import Resampler
from stream.server import convert
from stream.server.convert import Incoming
from stream.types import Frame
from stream.v1 import recognition_pb2 as pb


class Answers:
    """A session, and the questions asked of a frame before its picture is decoded. One caller at a time."""

    def __init__(self, session: Session, fps: float, max_pixels: int) -> None:
        self.session, self._max_pixels = session, max_pixels
        self._resampler, self._seen_s = Resampler(fps), -math.inf

    def refuse(self, frame: Incoming) -> pb.RecognizeResponse | None:
        """Answer a frame whose picture is not needed: out of order, or skipped. None for one that is to be used."""
        if not frame.offset_s > self._seen_s:  # an offset out of range is not a number
            self.session.drop("order")
            return convert.fault(frame, "order", self._order(frame.offset_s))
        if frame.message is not None and copy.copy(self._resampler).takes(frame.offset_s):
            return None
        self._seen_s = frame.offset_s
        return self._skip(frame, "backlog" if frame.message is None else "rate")

    def use(self, frame: Incoming) -> pb.RecognizeResponse:
        """Decode, preprocess, step, smooth. A picture that cannot be read changes nothing but the count of drops."""
        try:
            picture = convert.picture(frame, self._max_pixels)
            update = self.session.feed(Frame(picture, frame.offset_s, frame.arrival_ns))
        except DecodeError as error:
            self.session.drop("decode")
            return convert.fault(frame, "decode", str(error))
        self._seen_s = frame.offset_s
        self._resampler.takes(frame.offset_s)
        return convert.update(frame, update) if update else convert.skipped(frame, "rate")

    def finish(self) -> pb.RecognizeResponse:
        """End what still goes on."""
        return convert.finished(self.session.finish(), self.session.drops)

    def _skip(self, frame: Incoming, cause: str) -> pb.RecognizeResponse:
        self.session.drop(cause)
        return convert.skipped(frame, cause)

    def _order(self, offset_s: float) -> str:
        if math.isnan(offset_s):
            return f"the offset is out of range; accepted: 0 s to {convert.MAX_OFFSET_S:g} s"
        return f"the offset is {offset_s:.6f} s; accepted: more than {self._seen_s:.6f} s, that of the frame before"
