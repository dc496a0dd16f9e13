"""What a client sends: the source's frames in order, kept for as long as they may have to be sent again.

gRPC takes what is to be sent in a thread of its own, one for each connection; whichever has the line reads the source.
One that has lost the line may still hang in a camera: the frame it gets is kept, and the next one sends it.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass

from stream.server.client.parcels import Parcel
from stream.server.wire.fields import offset_s
from stream.types import Drops, Frame
from stream.v1 import recognition_pb2 as pb

MOST_FRAMES = 8192
"""Count of frames that are kept at most."""
MOST_BYTES = 64 * 2**20
"""Bytes of the pictures that are kept at most."""


@dataclass(slots=True)
class Out:
    """A frame on its way: what is needed when its reply comes."""

    frame: Frame
    sequence: int | None
    """Its number; None where it was not sent, the model not needing it."""
    sent_ns: int
    drops: Drops
    """What was not used until then, on this side."""


@dataclass(slots=True)
class _Kept:
    """What was sent, and may have to be sent again."""

    message: pb.RecognizeRequest
    is_key: bool
    byte_count: int
    is_answered: bool = False
    cause: str | None = None
    """Why it was not used, where that was so."""

    def note(self, cause: str | None) -> None:
        """Take the answer: what was used is to be used again, what was not is to be decoded at most."""
        self.is_answered, self.cause = True, cause
        self.message.frame.is_repeated, self.message.frame.is_context = not cause, bool(cause)

    def settle(self) -> None:
        """Note that a checkpoint knows it."""
        self.note("unspecified")
        self.cause = None

    @property
    def offset_s(self) -> float:
        """Seconds of its frame."""
        return offset_s(self.message.frame.offset)

    @property
    def is_needed(self) -> bool:
        """Say whether it is to be sent again: a picture that is not to be used need not be, a packet always."""
        return not self.message.frame.is_context or bool(self.message.frame.packet)


class Outbox:
    """Reads a source, sends it, and knows what is out."""

    def __init__(self, *, stop_s: float, in_flight: int) -> None:
        self._stop_s, self._in_flight = stop_s, in_flight
        self._stream: Generator[Parcel, None, None] | None = None
        self._drops = Counter[str]()
        self._lost = Counter[str]()  # what the server of now has not used, by cause
        self._reading, self._changed = threading.Lock(), threading.Condition()
        self._kept: list[_Kept] = []  # the first of them is frame number `_first`
        self._first, self._bytes, self._line, self._flight = 1, 0, 0, 0
        self._is_stopping = self._is_over = False
        self._is_whole = True
        self.out = deque[Out]()
        self.count = self.byte_count = 0
        self.error: BaseException | None = None

    @property
    def drops(self) -> Drops:
        """What was not used so far, on this side."""
        return Drops(**self._drops)

    def begin(self, stream: Generator[Parcel, None, None]) -> None:
        """Take what is to be sent; it may count with `drop`."""
        self._stream = stream

    @property
    def can_resume(self) -> bool:
        """Say whether all that came after the last checkpoint is kept."""
        return self._is_whole

    def requests(self, first: pb.RecognizeRequest) -> Iterator[pb.RecognizeRequest]:
        """Yield what a new line sends: `first`, the frames that are kept, then the source's; older lines end.

        What goes wrong is kept, for the server to have the last word.
        """
        with self._changed:
            self._line, self._flight = self._line + 1, 0
            self._changed.notify_all()
            line, number = self._line, self._first
        return self._requests(first, line, number)

    def _requests(self, first: pb.RecognizeRequest, line: int, number: int) -> Iterator[pb.RecognizeRequest]:
        yield first
        try:
            while self._has_room(line) and self._is_there(number, line):
                if message := self._message(number):
                    yield message
                number += 1
        except Exception as error:
            self.error, self._is_over = error, True

    def answered(self, sequence: int, cause: str | None) -> bool:
        """Note the answer to a frame, and why it was not used if it was not; make room; say whether it is the first."""
        with self._changed:
            is_first = self._is_kept(sequence) and not self._kept[sequence - self._first].is_answered
            if is_first:
                self._kept[sequence - self._first].note(cause)
                self._lost.update([cause] if cause else [])
            self._flight -= 1
            self._changed.notify_all()
            return is_first

    def taken(self, sequence: int) -> tuple[list[Out], Out | None]:
        """Give out the frame of that number, and those before it that were never sent."""
        with self._changed:
            at = next((at for at, out in enumerate(self.out) if out.sequence == sequence), None)
            if at is None:
                return [], None
            before, found = list(self.out)[:at], self.out[at]
            self.out = deque([*(out for out in before if out.sequence), *list(self.out)[at + 1 :]])
            return [out for out in before if not out.sequence], found

    def trim(self, known_s: float) -> None:
        """Keep what a checkpoint does not know, that is up to `known_s`, and of packets what it is decoded from."""
        with self._changed:
            known = [kept for kept in self._kept if kept.offset_s <= known_s]
            keys = [at for at, kept in enumerate(self._kept) if kept.is_key and kept.offset_s <= known_s]
            for kept in known:
                kept.settle()
            is_film = bool(known and known[-1].message.frame.packet)
            self._forget((keys[-1] if keys else 0) if is_film else len(known))
            self._is_whole = not (is_film and not keys)

    def begin_again(self) -> None:
        """Count here what the server that is gone had not used since its last checkpoint."""
        with self._changed:
            lost = Counter(kept.cause for kept in self._kept if kept.cause)
            for kept in self._kept:
                kept.cause = None
            self._count_here(lost)

    def begin_anew(self) -> None:
        """Count here all that the server had not used, and have nothing that was answered used again."""
        with self._changed:
            for kept in self._kept:
                if kept.is_answered:
                    kept.settle()
            self._count_here(self._lost)

    def _count_here(self, lost: Counter[str]) -> None:
        self._drops += lost
        for out in self.out:
            out.drops = Drops(**(Counter(asdict(out.drops)) + lost))
        self._lost = self._lost - lost

    def stop(self) -> None:
        """Send no more."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def close(self, patience_s: float) -> None:
        """Let go of the source; a thread that hangs in it lets go itself."""
        self.stop()
        if self._reading.acquire(timeout=patience_s):
            if self._stream:
                self._stream.close()
            self._reading.release()

    def _has_room(self, line: int) -> bool:
        """Wait for room, before a frame is taken, so that none grows old while it waits; False when there is no use."""
        with self._changed:
            while self._flight >= self._in_flight and self._line == line and not self._is_stopping:
                self._changed.wait()
            return self._line == line and not self._is_stopping

    def _is_there(self, number: int, line: int) -> bool:
        """Read the source up to the frame of that number, if need be; False when there is none, or it is another's."""
        with self._reading:
            while number >= self._first + len(self._kept) and self._line == line and not self._is_over:
                self._is_over = not self._read()
            return self._line == line and number < self._first + len(self._kept)

    def _message(self, number: int) -> pb.RecognizeRequest | None:
        with self._changed:
            kept = self._kept[number - self._first] if self._is_kept(number) else None
            if not (kept and kept.is_needed):
                return None
            self._flight += 1
            return kept.message

    def _read(self) -> bool:
        """Take frames until one is to be sent; False at the end."""
        assert self._stream  # noqa: S101  # `begin` comes before lines
        for parcel in self._stream:
            if parcel.frame.offset_s >= self._stop_s or self._is_stopping:
                break
            if parcel.message:
                self._keep(parcel, parcel.message)
                return True
            with self._changed:
                self.out.append(self._out(parcel.frame, None))
        self._stream.close()
        return False

    def _keep(self, parcel: Parcel, message: pb.RecognizeRequest) -> None:
        with self._changed:
            size = len(message.frame.image) + len(message.frame.packet)
            self.count, self.byte_count, self._bytes = self.count + 1, self.byte_count + size, self._bytes + size
            message.frame.sequence = self.count
            self.out.append(self._out(parcel.frame, self.count))
            self._kept.append(_Kept(message, parcel.is_key, size))
            while len(self._kept) > MOST_FRAMES or self._bytes > MOST_BYTES:
                self._forget(1)
                self._is_whole = False

    def _is_kept(self, number: int) -> bool:
        return self._first <= number < self._first + len(self._kept)

    def _forget(self, count: int) -> None:
        self._bytes -= sum(kept.byte_count for kept in self._kept[:count])
        self._first += len(self._kept[:count])
        del self._kept[:count]

    def _out(self, frame: Frame, sequence: int | None) -> Out:
        return Out(frame, sequence, time.monotonic_ns(), self.drops)

    def drop(self, cause: str, count: int) -> None:
        """Count what is not used on this side."""
        self._drops[cause] += count
