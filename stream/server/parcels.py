"""What of a source goes to a server: a JPEG of each frame that the model needs, or the source's own packets.

Packets are some hundred times smaller than pictures that show the same, but all must go, in order, from a key frame on:
where a live source's packets find no room, those that wait are given up, and all that come before the next key frame.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

from stream.buffer import LEAVE_S, CountDrop, frames
from stream.cards import Card
from stream.decode import encode_jpeg
from stream.errors import DecodeError
from stream.resampling import Resampler
from stream.server import clientside
from stream.server.wire import CODECS
from stream.sources.base import EncodedSource, Encoding, Source
from stream.types import Frame, Picture, Rgb
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


@dataclass(frozen=True, slots=True)
class Unseen:
    """The picture of a packet that was sent as it is."""

    width_px: int
    height_px: int

    def rgb(self, width_px: int | None = None, height_px: int | None = None) -> Rgb:  # noqa: ARG002  # as the protocol has it
        """Refuse.

        Raises:
            DecodeError: it was never decoded here.
        """
        raise DecodeError("this picture was sent to the server as it is, and never decoded here")


def format_of(encoding: Encoding) -> pb.VideoFormat | None:
    """Say what packets are; None where the server takes none such."""
    name = "av1" if encoding.codec in ("libdav1d", "libaom-av1") else encoding.codec
    codes = {known: code for code, known in CODECS.items()}
    return pb.VideoFormat(codec=codes[name], extradata=encoding.extradata) if name in codes else None


def pictures(
    source: Source, card: Card, policy: str, quality: int, count_drop: CountDrop
) -> Generator[Parcel, None, None]:
    """Yield every frame, those that the model needs with a JPEG at its size."""
    resampler = Resampler(card.fps)
    with closing(frames(source, policy, count_drop)) as stream:
        for frame in stream:
            if resampler.takes(frame.offset_s):
                jpeg = encode_jpeg(frame.picture, quality, _side_px(frame.picture, card.side_px))
                yield Parcel(frame, clientside.frame_of(frame.offset_s, image=jpeg))
            else:
                count_drop("rate", 1)
                yield Parcel(frame, None)


def packets(source: EncodedSource, encoding: Encoding, count_drop: CountDrop) -> Generator[Parcel, None, None]:
    """Yield every packet from the first key frame on; those of a live source are read in a thread of its own."""
    unseen = Unseen(encoding.width_px, encoding.height_px)

    def parcels() -> Generator[Parcel, None, None]:
        for packet in source:
            if found := source.encoded(packet):
                message = clientside.frame_of(max(0.0, found.offset_s), packet=found.data)
                yield Parcel(Frame(unseen, found.offset_s, found.arrival_ns), message, found.is_key)

    if not source.is_live:
        return parcels()
    return _read_ahead(parcels, source.uri, count_drop)


class _Groups:
    """Packets between a thread that reads and one that sends; what is given up is given up to the next key frame."""

    def __init__(self) -> None:
        self._parcels = deque[Parcel]()
        self._changed = threading.Condition()
        self._needs_key, self.is_over, self.lost_count = True, False, 0
        self._error: BaseException | None = None

    def put(self, parcel: Parcel) -> bool:
        """Add the newest; False when nobody takes them any more."""
        with self._changed:
            if len(self._parcels) >= ROOM:
                self.lost_count += len(self._parcels)
                self._parcels.clear()
                self._needs_key = True
            if self._needs_key and not parcel.is_key:
                self.lost_count += 1
            else:
                self._needs_key = False
                self._parcels.append(parcel)
            self._changed.notify_all()
            return not self.is_over

    def end(self, error: BaseException | None = None) -> None:
        """Say that no more come."""
        with self._changed:
            self.is_over, self._error = True, self._error or error
            self._changed.notify_all()

    def get(self) -> Parcel | None:
        """Take the oldest; None at the end.

        Raises:
            BaseException: what the source ended with.
        """
        with self._changed:
            while not (self._parcels or self.is_over):
                self._changed.wait(1.0)
            if self._parcels:
                return self._parcels.popleft()
            if self._error:
                raise self._error
            return None


def _read_ahead(
    parcels: Callable[[], Generator[Parcel, None, None]], name: str, count_drop: CountDrop
) -> Generator[Parcel, None, None]:
    groups = _Groups()

    def fill() -> None:
        try:
            for parcel in parcels():
                if not groups.put(parcel):
                    return
        except BaseException as error:  # whatever it is belongs to who sends
            groups.end(error)
        else:
            groups.end()

    thread = threading.Thread(target=fill, name=f"read {name}", daemon=True)
    thread.start()
    try:
        while parcel := groups.get():
            lost, groups.lost_count = groups.lost_count, 0
            count_drop("backlog", lost)
            yield parcel
    finally:
        groups.end()
        thread.join(LEAVE_S)


def _side_px(picture: Picture, side_px: int) -> int:
    """Return the long side at which the short one is the model's."""
    short, long = sorted((picture.width_px, picture.height_px))
    return math.ceil(side_px * long / short)
