"""What a client sends: the source's frames in order, kept for as long as they may have to be sent again.

gRPC takes what is to be sent in a thread of its own, one for each connection; whichever has the line reads the source.
One that has lost the line may still hang in a camera: the frame it gets is kept, and the next one sends it.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stream.buffer import frames
from stream.resampling import Resampler
from stream.sources.base import Source
from stream.types import Drops, Frame
from stream.v1 import recognition_pb2 as pb

MOST_FRAMES = 8192
"""Count of frames that are kept at most."""
MOST_BYTES = 64 * 2**20
"""Bytes of the pictures that are kept at most."""

Encode = Callable[[int, Frame], pb.RecognizeRequest]
"""Writes down a frame under its number."""


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
    """A frame that was sent; its message is None once it need not be sent again."""

    message: pb.RecognizeRequest | None
    byte_count: int
    cause: str | None = None
    """Why it was not used, where that was so."""

    def note(self, cause: str | None) -> None:
        """Take the answer: one that was used is marked so, one that was not need not be sent again."""
        self.cause = cause
        if cause:
            self.message = None
        elif self.message:
            self.message.frame.is_repeated = True


class Outbox:
    """Reads a source, sends it, and knows what is out."""

    def __init__(
        self, source: Source, encode: Encode, fps: float, *, policy: str, stop_s: float, in_flight: int
    ) -> None:
        self._encode, self._stop_s, self._in_flight = encode, stop_s, in_flight
        self._stream = frames(source, policy, self._drop)
        self._resampler, self._drops = Resampler(fps), Counter[str]()
        self._reading, self._changed = threading.Lock(), threading.Condition()
        self._kept: list[_Kept] = []  # the first of them is frame number `_first`
        self._first, self._bytes, self._line, self._flight = 1, 0, 0, 0
        self._is_stopping = self._is_over = False
        self.out = deque[Out]()
        self.count = self.byte_count = 0
        self.error: BaseException | None = None

    @property
    def drops(self) -> Drops:
        """What was not used so far, on this side."""
        return Drops(**self._drops)

    def can_resume(self, sequence: int) -> bool:
        """Say whether all frames after that number are kept."""
        return sequence + 1 >= self._first

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

    def answered(self, sequence: int, cause: str | None) -> None:
        """Note the answer to a frame, and why it was not used if it was not; make room for another."""
        with self._changed:
            if self._is_kept(sequence):
                self._kept[sequence - self._first].note(cause)
            self._flight -= 1
            self._changed.notify_all()

    def trim(self, sequence: int) -> None:
        """Keep no frames up to that number: they need not be sent again."""
        with self._changed:
            self._forget(sequence + 1 - self._first)

    def begin_again(self) -> None:
        """Count here what the server that is gone had not used since its last checkpoint."""
        for kept in self._kept:
            if kept.cause:
                self._drops[kept.cause] += 1
                kept.cause = None

    def stop(self) -> None:
        """Send no more."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def close(self, patience_s: float) -> None:
        """Let go of the source; a thread that hangs in it lets go itself."""
        self.stop()
        if self._reading.acquire(timeout=patience_s):
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
            message = self._kept[number - self._first].message if self._is_kept(number) else None
            self._flight += message is not None
            return message

    def _read(self) -> bool:
        """Take frames until one is to be sent; False at the end."""
        for frame in self._stream:
            if frame.offset_s >= self._stop_s or self._is_stopping:
                break
            if self._resampler.takes(frame.offset_s):
                self._keep(frame)
                return True
            self._drop("rate", 1)
            self.out.append(self._out(frame, None))
        self._stream.close()
        return False

    def _keep(self, frame: Frame) -> None:
        message = self._encode(self.count + 1, frame)
        with self._changed:
            size = len(message.frame.image)
            self.count, self.byte_count, self._bytes = self.count + 1, self.byte_count + size, self._bytes + size
            self.out.append(self._out(frame, self.count))
            self._kept.append(_Kept(message, size))
            while len(self._kept) > MOST_FRAMES or self._bytes > MOST_BYTES:
                self._forget(1)

    def _is_kept(self, number: int) -> bool:
        return self._first <= number < self._first + len(self._kept)

    def _forget(self, count: int) -> None:
        self._bytes -= sum(kept.byte_count for kept in self._kept[:count])
        self._first += len(self._kept[:count])
        del self._kept[:count]

    def _out(self, frame: Frame, sequence: int | None) -> Out:
        return Out(frame, sequence, time.monotonic_ns(), self.drops)

    def _drop(self, cause: str, count: int) -> None:
        self._drops[cause] += count
