"""The packets of a video that a client pushes: which of them has given its picture, and which never will."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from stream.decode import VideoDecoder
from stream.errors import DecodeError, UsageError
from stream.server.wire.heard import Incoming
from stream.types import Picture

LONGEST = 64
"""Count of packets that may wait for their pictures: more than any codec's decoder holds back."""

Shown = tuple[Incoming, Picture | str]
"""A packet, and its picture or what is wrong with it."""


class Film:
    """A decoder, and the packets whose pictures it has not given yet."""

    def __init__(self, codec: str, extradata: bytes, max_pixels: int) -> None:
        """Begin; see `VideoDecoder`.

        Raises:
            UsageError: no such codec, or extradata that are not of it.
        """
        try:
            self._decoder = VideoDecoder(codec, extradata, max_pixels)
        except DecodeError as error:
            raise UsageError(str(error)) from error
        self._waiting: dict[int, Incoming] = {}
        self._shown = -1

    def take(self, packet: Incoming) -> Iterator[Shown]:
        """Decode a packet; yield each that is done with, in the order in which they are shown."""
        at = round(packet.offset_s * 1e6)
        if at in self._waiting or at <= self._shown:
            yield packet, f"a picture of {packet.offset_s:.6f} s has come already"
            return
        self._waiting[at] = packet
        try:
            found = self._decoder.decode(packet.packet, at)
        except DecodeError as error:
            yield self._waiting.pop(at), str(error)
            return
        yield from self._match(found)
        while len(self._waiting) > LONGEST:
            yield self._waiting.pop(min(self._waiting)), "no picture came of it"

    def finish(self) -> Iterator[Shown]:
        """Yield what is left at the end."""
        with suppress(DecodeError):
            yield from self._match(self._decoder.flush())
        for at in sorted(self._waiting):
            yield self._waiting.pop(at), "no picture came of it"

    def _match(self, found: Sequence[tuple[int | None, Picture | None]]) -> Iterator[Shown]:
        """Yield the packets of these pictures, and those whose pictures would have come before."""
        for at, picture in found:
            if at is None or at not in self._waiting:
                continue
            for passed in sorted(other for other in self._waiting if other < at):
                yield self._waiting.pop(passed), "no picture came of it"
            self._shown = at
            yield self._waiting.pop(at), picture or "its picture is damaged, or what it is made from"
