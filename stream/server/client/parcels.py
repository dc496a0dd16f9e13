"""What of a source goes to a server: a JPEG of each frame that the model needs, or the source's own packets.

Packets are some hundred times smaller than pictures that show the same, but all must go, in order, from a key frame on:
where a live source's packets find no room, those that wait are given up, and all that come before the next key frame.
"""

import math
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from stream.buffer import Buffer, CountDrop, frames, read_ahead
from stream.cards import Card
from stream.decode import encode_jpeg
from stream.pictures import UnseenPicture
from stream.resampling import Resampler
from stream.server.client import messages
from stream.server.wire.fields import CODECS
from stream.sources.base import EncodedSource, Encoding, Source
from stream.types import Frame, Picture
from stream.v1 import recognition_pb2 as pb

ROOM = 256
"""Count of a live source's packets that may wait: about ten seconds."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A frame, and what is sent of it."""

    frame: Frame
    message: pb.RecognizeRequest | None
    """None where the model does not need it."""
    is_key: bool = True
    """It can be decoded without others."""


def format_of(encoding: Encoding) -> pb.VideoFormat | None:
    """Say what packets are; None where the server takes none such."""
    name = "av1" if encoding.codec in ("libdav1d", "libaom-av1") else encoding.codec
    codes = {known: code for code, known in CODECS.items()}
    if name not in codes:
        return None
    said = encoding.orientation and pb.Orientation(**encoding.orientation._asdict())
    return pb.VideoFormat(
        codec=codes[name], extradata=encoding.extradata, orientation=said, pixel_aspect=encoding.aspect
    )


def pictures(
    source: Source, card: Card, policy: str, quality: int, count_drop: CountDrop
) -> Generator[Parcel, None, None]:
    """Yield every frame, those that the model needs with a JPEG at its size."""
    resampler = Resampler(card.fps)
    with closing(frames(source, policy, count_drop)) as stream:
        for frame in stream:
            if resampler.takes(frame.offset_s):
                jpeg = encode_jpeg(frame.picture, quality, long_side_px(frame.picture, card.side_px))
                yield Parcel(frame, messages.frame_of(frame.offset_s, image=jpeg))
            else:
                count_drop("rate", 1)
                yield Parcel(frame, None)


def packets(source: EncodedSource, encoding: Encoding, count_drop: CountDrop) -> Generator[Parcel, None, None]:
    """Yield every packet from the first key frame on; those of a live source are read in a thread of its own."""
    unseen = UnseenPicture("was sent to the server as it is", encoding.width_px, encoding.height_px)

    def parcels() -> Generator[Parcel, None, None]:
        for packet in source:
            if found := source.encoded(packet):
                message = messages.frame_of(max(0.0, found.offset_s), packet=found.data)
                yield Parcel(Frame(unseen, found.offset_s, found.arrival_ns), message, found.is_key)

    return read_ahead(source.uri, parcels(), _Groups(), count_drop) if source.is_live else parcels()


class _Groups(Buffer[Parcel]):
    """Packets between a thread that reads and one that sends; what is given up is given up to the next key frame."""

    def __init__(self) -> None:
        super().__init__("latest", ROOM)
        self._needs_key = True

    def put(self, item: Parcel) -> bool:
        """Add the newest; False when nobody takes them any more."""
        with self._changed:
            if len(self._items) >= self._size:
                self._drops["backlog"] += len(self._items)
                self._items.clear()
                self._needs_key = True
            if self._needs_key and not item.is_key:
                self._drops["backlog"] += 1
                return not self._is_closed
            self._needs_key = False
            return super().put(item)


def long_side_px(picture: Picture, side_px: int) -> int:
    """Return the long side at which the short one is the model's."""
    short, long = sorted((picture.width_px, picture.height_px))
    return math.ceil(side_px * long / short)
