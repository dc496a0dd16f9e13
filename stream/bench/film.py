"""A video as what a client sends, made before anything is timed: JPEGs at the model's rate and size, or its packets."""

from contextlib import closing
from dataclasses import dataclass

from stream.buffer import frames
from stream.cards import Card
from stream.decode import encode_jpeg
from stream.errors import UsageError
from stream.resampling import Resampler
from stream.server.client import messages
from stream.server.client.parcels import format_of, long_side_px
from stream.sources import open_source
from stream.sources.base import EncodedSource
from stream.v1 import recognition_pb2 as pb

LONGEST = 300
"""Count of frames: a longer video is cut here, and shown again from its beginning."""


@dataclass(frozen=True, slots=True)
class Film:
    """What a stream sends, again and again."""

    parts: tuple[bytes, ...]
    """JPEGs, or packets in the order of decoding."""
    offsets_s: tuple[float, ...]
    """Seconds since the first at which each is shown."""
    fps: float
    """Frames per second at which they are sent."""
    video: pb.VideoFormat | None = None
    """What packets are; None of JPEGs."""

    def frame(self, index: int) -> pb.RecognizeRequest:
        """Return what is sent as the frame of that index, from 0."""
        times, place = divmod(index, len(self.parts))
        offset_s = self.offsets_s[place] + times * len(self.parts) / self.fps
        part = self.parts[place]
        request = messages.frame_of(offset_s, packet=part) if self.video else messages.frame_of(offset_s, image=part)
        request.frame.sequence = index + 1
        return request


def pictures(uri: str, card: Card, fps: float, *, is_full: bool = False) -> Film:
    """Read a video as JPEGs.

    Args:
        uri: what `stream-watch` takes, a file for example.
        card: the model; pictures are sent with their short side at its side, as `stream-watch --server` sends them.
        fps: frames per second to take of it.
        is_full: send them at the video's own size instead.

    Raises:
        SourceError: it cannot be read.
        UsageError: there is no frame in it.
    """
    made: list[bytes] = []
    clock = Resampler(fps)
    with open_source(uri) as source, closing(frames(source, "wait", lambda *_: None)) as stream:
        for frame in stream:
            if clock.takes(frame.offset_s):
                side_px = None if is_full else long_side_px(frame.picture, card.side_px)
                made.append(encode_jpeg(frame.picture, max_side_px=side_px))
            if len(made) == LONGEST:
                break
    return _film(uri, made, [index / fps for index in range(len(made))], fps)


def packets(uri: str) -> Film:
    """Read the packets of a video, to be sent at its own rate.

    Raises:
        SourceError: it cannot be read.
        UsageError: it has none that a server takes, or does not say its rate.
    """
    made, offsets_s = list[bytes](), list[float]()
    with open_source(uri) as source:
        encoding = source.encoding if isinstance(source, EncodedSource) else None
        video = format_of(encoding) if encoding else None
        if video is None or not isinstance(source, EncodedSource) or source.fps is None:
            raise UsageError(
                f"{uri} has no packets that a server takes; accepted: H.264, HEVC, VP9, AV1 or MJPEG video"
            )
        for packet in source:
            if found := source.encoded(packet):
                made.append(found.data)
                offsets_s.append(found.offset_s)
            if len(made) == LONGEST:
                break
        begin_s = min(offsets_s, default=0.0)
        return _film(uri, made, [at_s - begin_s for at_s in offsets_s], source.fps, video)


def _film(
    uri: str, parts: list[bytes], offsets_s: list[float], fps: float, video: pb.VideoFormat | None = None
) -> Film:
    if not parts:
        raise UsageError(f"{uri}: there is no frame in it")
    return Film(tuple(parts), tuple(offsets_s), fps, video)
