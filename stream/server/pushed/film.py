"""The packets of a video that a client pushes: which of them has given its picture, and which never will."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from stream.decode import VideoDecoder
from stream.errors import DecodeError, UsageError
from stream.pictures import UnseenPicture
from stream.server.pushed.allowance import Allowance
from stream.server.wire.heard import Incoming, Video
from stream.types import Picture

LONGEST = 64
"""Count of packets that may wait for their pictures: more than any codec's decoder holds back."""

Shown = tuple[Incoming, Picture | str]
"""A packet, and its picture or what is wrong with it."""


class Film:
    """A decoder, and the packets whose pictures it has not given yet."""

    def __init__(self, video: Video, max_pixels: int, allowance: Allowance) -> None:
        """Begin; see `VideoDecoder`. What it holds counts against `allowance`, and is to be released there.

        Raises:
            UsageError: no such codec, or extradata that are not of it.
        """
        try:
            self._decoder = VideoDecoder(video.codec, video.extradata, max_pixels, video.orientation, video.aspect)
        except DecodeError as error:
            raise UsageError(str(error)) from error
        self._codec, self._allowance = video.codec, allowance
        self._size = 0, 0, 0
        self._waiting: dict[int, Incoming] = {}
        self._spared = set[int]()  # of those that wait: whose pictures nobody needs, and which may therefore not come
        self._shown = -1

    def take(self, packet: Incoming, *, is_needed: bool = True) -> Iterator[Shown]:
        """Decode a packet; yield each that is done with, in the order in which they are shown.

        Of one that is not needed the picture is an `UnseenPicture` where the decoder was spared it.

        Raises:
            Overrun: the decoder would hold more memory than this server has for it.
        """
        at = round(packet.offset_s * 1e6)
        if at in self._waiting or at <= self._shown:
            yield packet, f"a picture of {packet.offset_s:.6f} s has come already"
            return
        self._waiting[at] = packet.spent()  # its bytes are the decoder's; they must not wait here
        if not is_needed:
            self._spared.add(at)
        try:
            found = self._decode(packet.packet, at, is_needed)
        except DecodeError as error:
            self._spared.discard(at)
            yield self._waiting.pop(at), str(error)
            return
        yield from self._match(found)
        while len(self._waiting) > LONGEST:
            yield self._without(min(self._waiting))

    def finish(self) -> Iterator[Shown]:
        """Yield what is left at the end."""
        with suppress(DecodeError):
            yield from self._match(self._decoder.flush())
        for at in sorted(self._waiting):
            yield self._without(at)

    def _decode(self, data: bytes, at: int, is_needed: bool) -> Sequence[tuple[int | None, Picture | None]]:
        """Decode, and count what the decoder may hold when it has seen how large the pictures are."""
        try:
            return self._decoder.decode(data, at, is_needed=is_needed)
        finally:
            if (size := self._decoder.size) != self._size:
                self._allowance.hold(self, self._codec, *size)
                self._size = size

    def _without(self, at: int) -> Shown:
        """Take out a packet whose picture has not come and never will."""
        is_spared = at in self._spared
        self._spared.discard(at)
        return self._waiting.pop(at), UnseenPicture("is not needed") if is_spared else "no picture came of it"

    def _match(self, found: Sequence[tuple[int | None, Picture | None]]) -> Iterator[Shown]:
        """Yield the packets of these pictures, and those whose pictures would have come before."""
        for at, picture in found:
            if at is None or at not in self._waiting:
                continue
            for passed in sorted(other for other in self._waiting if other < at):
                yield self._without(passed)
            self._shown = at
            self._spared.discard(at)
            yield self._waiting.pop(at), picture or "its picture is damaged, or what it is made from"
