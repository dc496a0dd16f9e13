"""What is said of each frame of one stream: no loops, sockets or threads."""

import math

from stream.errors import DecodeError
from stream.pipeline import Session
from stream.server import convert
from stream.server.convert import Incoming
from stream.types import Frame
from stream.v1 import recognition_pb2 as pb


class Answers:
    """A session, and the questions asked of a frame before its picture is decoded. One caller at a time."""

    def __init__(self, session: Session, max_pixels: int) -> None:
        self.session, self._max_pixels = session, max_pixels

    def refuse(self, frame: Incoming) -> pb.RecognizeResponse | None:
        """Answer a frame whose picture is not needed: out of order, or skipped. None for one that is to be used."""
        cause = self.session.skip(frame.offset_s, is_lost=frame.message is None)
        if cause == "order":  # an offset out of range is not a number
            return convert.fault(frame, cause, self._order(frame.offset_s))
        return convert.skipped(frame, cause) if cause else None

    def use(self, frame: Incoming) -> pb.RecognizeResponse:
        """Decode, preprocess, step, smooth. A picture that cannot be read changes nothing but the count of drops."""
        try:
            picture = convert.picture(frame, self._max_pixels)
            update = self.session.feed(Frame(picture, frame.offset_s, frame.arrival_ns))
        except DecodeError as error:
            self.session.drop("decode")
            return convert.fault(frame, "decode", str(error))
        assert update is not None  # noqa: S101  # `refuse` has asked whether it is needed
        return convert.update(frame, update)

    def finish(self) -> pb.RecognizeResponse:
        """End what still goes on."""
        return convert.finished(self.session.finish(), self.session.drops)

    def _order(self, offset_s: float) -> str:
        if math.isnan(offset_s):
            return f"the offset is out of range; accepted: 0 s to {convert.MAX_OFFSET_S:g} s"
        accepted = f"more than {self.session.seen_s:.6f} s, that of the frame before"
        return f"the offset is {offset_s:.6f} s; accepted: {accepted}"
