"""Bounded queue between a live source's reading thread and the session: wait, keep the newest, or keep every frame.

Bounded twice: by count, and by age, since what waited in the network before it came here is old already.
"""

import logging
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, Generic, Protocol, TypeVar

from stream import threads
from stream.errors import DecodeError, Overrun, SourceTimeout, UsageError
from stream.lateness import Lateness, Reader
from stream.types import Frame

SIZES = {"wait": 2, "latest": 2, "every": 32}
"""Policy -> count of frames that wait. What happens to a frame nobody has taken yet when there is no room for the next:
it is waited for (wait), dropped and counted (latest), or the stream ends (every: none is ever lost in silence). Two are
enough for an uneven arrival, and each one more is one more frame interval of age; 32 last for a second or so."""

POLICIES = tuple(SIZES)

KEY_WAIT_S = 300.0
"""Seconds for which packets may come without a picture: some cameras send a key frame a minute, and begin between."""

WORDS_S = 5.0
"""Seconds between two words on that."""

GASP_S = 1.0
"""Seconds: where this machine is too slow, a frame is used as often as this, however late."""

LEAVE_S = 1.0
"""Seconds: how long to wait for the reading thread when the consumer leaves. One that hangs in a dead camera longer
than this ends by itself, at the source's own timeout."""

Item = TypeVar("Item")
CountDrop = Callable[[str, int], None]
Note = Callable[[str], None]
_log = logging.getLogger(__name__)


class Packets(Protocol):
    """What is needed of a source; see `stream.sources.base`."""

    @property
    def uri(self) -> str: ...

    @property
    def is_live(self) -> bool: ...

    def __iter__(self) -> Iterator[Any]: ...

    def decode(self, packet: Any) -> Iterator[Frame]: ...


class Buffer(Generic[Item]):
    """At most `size` items between a thread that puts and one that iterates; it never grows."""

    def __init__(self, policy: str = "latest", size: int | None = None, patience_s: float = math.inf) -> None:
        """Begin empty; by default with the policy's usual size, and a consumer that waits for ever.

        Raises:
            UsageError: no such policy, or a size below 1.
        """
        if policy not in POLICIES:
            raise UsageError(f"policy {policy!r}; accepted: {', '.join(POLICIES)}")
        size = SIZES[policy] if size is None else size
        if size < 1:
            raise UsageError(f"size {size}; accepted: 1 or more")
        self._policy, self._size, self._patience_s = policy, size, patience_s
        self._items: deque[Item] = deque()
        self._drops: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._is_ended = self._is_closed = False
        self._error: BaseException | None = None
        self._beat_s = -math.inf

    def beat(self) -> None:
        """Note that there is life in the producer, though nothing to put yet."""
        self._beat_s = time.monotonic()

    def put(self, item: Item) -> bool:
        """Add an item: waits for room, makes some by dropping the oldest, or gives up. False when it is of no use."""
        with self._changed:
            while self._policy == "wait" and len(self._items) >= self._size and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return False
            if len(self._items) >= self._size and self._policy == "every":
                self._is_ended, self._error = (
                    True,
                    Overrun(f"it cannot keep up: {self._size} frames wait, policy every"),
                )
                return False
            if len(self._items) >= self._size:
                self._items.popleft()
                self._drops["backlog"] += 1
            self._items.append(item)
            self._changed.notify_all()
            return True

    def drop(self, cause: str) -> None:
        """Count an item that was lost before it could be put."""
        with self._changed:
            self._drops[cause] += 1

    def drops(self) -> Counter[str]:
        """Return what was lost since this was last asked, by cause."""
        with self._changed:
            lost, self._drops = self._drops, Counter()
            return lost

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes; the consumer gets what is left, then `error` if there is one."""
        with self._changed:
            self._is_ended = True
            if not self._is_closed:
                self._error = self._error or error
            self._changed.notify_all()

    def close(self) -> None:
        """Leave as the consumer: what is left is thrown away, and `put` says so from now on."""
        with self._changed:
            self._is_closed = self._is_ended = True
            self._error = None  # nobody will be told, and its traceback holds the producer, the source and this
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        """Yield items until the end.

        Raises:
            SourceTimeout: nothing was put for `patience_s`.
            BaseException: what the producer ended with, after the items that came before it.
        """
        while True:
            with self._changed:
                self._await()
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
        if self._error:
            error, self._error = self._error, None
            try:
                raise error
            finally:
                del error  # its traceback holds this frame, the producer's, and with them the source

    def _await(self) -> None:
        """Wait until there is an item, or the end."""
        begin_s = time.monotonic()
        while not self._items and not self._is_ended:
            heard_s = max(begin_s, min(self._beat_s, begin_s + KEY_WAIT_S))
            if time.monotonic() >= heard_s + self._patience_s:
                raise SourceTimeout(f"no frame came for {self._patience_s:g} s")
            self._changed.wait(min(1.0, self._patience_s))  # a bare wait cannot be interrupted on Windows


def _ignore(_cause: str, _count: int) -> None:
    """Count nothing."""


def frames(
    source: Packets,
    policy: str | None = None,
    count_drop: CountDrop = _ignore,
    size: int | None = None,
    *,
    max_age_s: float = math.inf,
    patience_s: float = math.inf,
    note: Note = lambda _: None,
    tell: Note = lambda _: None,
) -> Generator[Frame, None, None]:
    """Yield a source's frames, not converted yet; close the generator before the source.

    A live source is read and decoded in a thread of its own, so that its age is known and its newest frame is at hand.
    Any other is read here, as fast as the frames are taken, and loses none whatever the policy.

    Args:
        source: an open source.
        policy: "wait", "latest" or "every"; None means "latest" for a live source and "wait" for any other.
        count_drop: called here, never in the reading thread: "decode" for each packet that could not be read (the
            stream goes on), "backlog" for frames that a newer one pushed out, "late" for those that were too old.
        size: count, 1 or more: frames that wait; None: as many as the policy needs.
        max_age_s: seconds, more than 0: a frame of a live source with policy "latest" that is older is dropped, by its
            arrival here and by how late it was then (`Lateness`).
        patience_s: seconds, more than 0, without a frame of a live source after which it counts as lost.
        note: told, in the thread that reads, what is wrong with each packet that could not be read.
        tell: told, in the same thread, what people should know of a live source: that it waits for a key frame, that
            this machine is too slow.

    Raises:
        UsageError: no such policy.
        Overrun: there was no room for a frame, and the policy is "every"; after those that waited.
        SourceTimeout: no frame came for `patience_s`, or none that was not too old.
        SourceError: from the source, after the frames that came before it.
    """
    policy = policy or ("latest" if source.is_live else "wait")
    buffer = Buffer[Frame](policy, size, patience_s)
    if not (source.is_live or policy == "latest"):
        return _read(source, count_drop, note)
    if not source.is_live:
        return read_ahead(source.uri, _read(source, lambda cause, _: buffer.drop(cause), note), buffer, count_drop)
    reader = Reader(tell, is_paced=getattr(source, "is_paced", False))
    hurry = getattr(source, "hurry", None) if policy == "latest" else None  # of others no frame may be left out
    stream = read_ahead(source.uri, _read_live(source, buffer, note, tell, reader, hurry), buffer, count_drop)
    is_bounded = policy == "latest" and math.isfinite(max_age_s)
    return _fresh(stream, reader, max_age_s, patience_s, count_drop) if is_bounded else stream


def _fresh(
    stream: Generator[Frame, None, None], reader: Reader, max_age_s: float, patience_s: float, count_drop: CountDrop
) -> Generator[Frame, None, None]:
    """Leave out frames that are too old; where all are for `patience_s`, reopening the source is what helps.

    Not where this machine is too slow: there a late frame now and then is better than none.
    """
    lateness, late_since_s, gasped_s = Lateness(), math.inf, time.monotonic()
    with closing(stream):
        for frame in stream:
            late_s, now_s = lateness.of(frame.offset_s, frame.arrival_ns / 1e9), time.monotonic()
            if now_s - frame.arrival_ns / 1e9 + late_s <= max_age_s:
                late_since_s, gasped_s = math.inf, now_s
                yield frame
                continue
            if reader.is_too_slow and now_s - gasped_s > GASP_S:
                late_since_s, gasped_s = math.inf, now_s
                yield frame
                continue
            count_drop("late", 1)
            late_since_s = min(late_since_s, now_s)
            if now_s - late_since_s > patience_s:
                raise SourceTimeout(f"its frames came more than {max_age_s:g} s late for {patience_s:g} s")


def _read(source: Packets, count_drop: CountDrop, note: Note) -> Generator[Frame, None, None]:
    for packet in source:
        try:
            yield from source.decode(packet)
        except DecodeError as error:
            _log.debug("%s: %s", source.uri, error)
            note(str(error))
            count_drop("decode", 1)


def _read_live(
    source: Packets,
    buffer: "Buffer[Frame]",
    note: Note,
    tell: Note,
    reader: Reader,
    hurry: Callable[[bool], None] | None,
) -> Generator[Frame, None, None]:
    """Read as `_read` does, and look after who reads: how late, how busy, how long without a picture."""
    begin_s = told_s = time.monotonic()
    packets, has_picture = iter(source), False
    while True:
        asked_s = time.monotonic()
        if (packet := next(packets, None)) is None:
            return
        came_s, is_empty = time.monotonic(), True
        buffer.beat()
        if hurry:
            hurry(reader.is_hurried)
        try:
            for frame in source.decode(packet):
                has_picture, is_empty = True, False
                reader.gave(frame.offset_s, frame.arrival_ns / 1e9)
                yield frame
        except DecodeError as error:
            _log.debug("%s: %s", source.uri, error)
            note(str(error))
            buffer.drop("decode")
        if is_empty and hurry and reader.is_hurried:
            buffer.drop("late")
        now_s = time.monotonic()
        reader.took(came_s - asked_s, now_s - came_s)
        if not has_picture and now_s - told_s > WORDS_S:
            told_s = now_s
            tell(f"packets come, but no picture yet: waiting for a key frame, {now_s - begin_s:.0f} s so far")


def read_ahead(
    name: str, items: Iterator[Item], buffer: Buffer[Item], count_drop: CountDrop
) -> Generator[Item, None, None]:
    """Take `items` in a thread of their own, named `name`, into the buffer, and yield what comes out of it."""
    thread = threads.start(f"read {name}", lambda: _fill(items, buffer), has_second_life=False)
    try:
        for item in buffer:
            _report(buffer, count_drop)
            yield item
    finally:
        buffer.close()
        thread.join(LEAVE_S)
        _report(buffer, count_drop)


def _fill(items: Iterator[Item], buffer: Buffer[Item]) -> None:
    try:
        for item in items:
            if not buffer.put(item):
                return
    except BaseException as error:  # whatever it is belongs to the consumer: a thread has nobody to tell
        buffer.end(error)
    else:
        buffer.end()


def _report(buffer: Buffer[Item], count_drop: CountDrop) -> None:
    for cause, count in buffer.drops().items():
        count_drop(cause, count)
