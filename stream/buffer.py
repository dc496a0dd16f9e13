"""Bounded queue between a live source's reading thread and the session: wait, or drop the oldest and count."""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from typing import Any, Generic, Protocol, TypeVar

from stream.errors import DecodeError, UsageError
from stream.types import Frame

POLICIES = ("wait", "latest")
"""What happens to a frame nobody has taken yet when the next one comes: it is waited for, or dropped and counted."""

SIZE = 2
"""Count: frames that wait. Enough for an uneven arrival; each one more is one more frame interval of age."""

LEAVE_S = 1.0
"""Seconds: how long to wait for the reading thread when the consumer leaves. One that hangs in a dead camera longer
than this ends by itself, at the source's own timeout."""

Item = TypeVar("Item")
CountDrop = Callable[[str, int], None]
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

    def __init__(self, policy: str = "latest", size: int = SIZE) -> None:
        """Begin empty.

        Raises:
            UsageError: no such policy, or a size below 1.
        """
        if policy not in POLICIES or size < 1:
            raise UsageError(f"policy {policy!r}, size {size}; accepted: {' or '.join(POLICIES)}, size 1 or more")
        self._policy, self._size = policy, size
        self._items: deque[Item] = deque()
        self._drops: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._is_ended = self._is_closed = False
        self._error: BaseException | None = None

    def put(self, item: Item) -> bool:
        """Add an item: waits for room, or makes some by dropping the oldest. False when the consumer has left."""
        with self._changed:
            while self._policy == "wait" and len(self._items) >= self._size and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
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
            self._is_ended, self._error = True, error
            self._changed.notify_all()

    def close(self) -> None:
        """Leave as the consumer: what is left is thrown away, and `put` says so from now on."""
        with self._changed:
            self._is_closed = self._is_ended = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                while not self._items and not self._is_ended:
                    self._changed.wait(1.0)  # a bare wait cannot be interrupted from the keyboard on Windows
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
        if self._error and not self._is_closed:
            raise self._error


def _ignore(_cause: str, _count: int) -> None:
    """Count nothing."""


def frames(
    source: Packets, policy: str | None = None, count_drop: CountDrop = _ignore, size: int = SIZE
) -> Generator[Frame, None, None]:
    """Yield a source's frames, not converted yet; close the generator before the source.

    A live source is read and decoded in a thread of its own, so that its age is known and its newest frame is at hand.
    Any other is read here, as fast as the frames are taken.

    Args:
        source: an open source.
        policy: "wait" or "latest"; None means "latest" for a live source and "wait" for any other.
        count_drop: called here, never in the reading thread: "decode" for each packet that could not be read (the
            stream goes on), "backlog" for frames that a newer one pushed out.
        size: count, 1 or more: frames that wait.

    Raises:
        UsageError: no such policy.
        SourceError: from the source, after the frames that came before it.
    """
    buffer = Buffer[Frame](policy or ("latest" if source.is_live else "wait"), size)
    is_ahead = source.is_live or policy == "latest"
    return _read_ahead(source, buffer, count_drop) if is_ahead else _read(source, count_drop)


def _read(source: Packets, count_drop: CountDrop) -> Generator[Frame, None, None]:
    for packet in source:
        try:
            yield from source.decode(packet)
        except DecodeError as error:
            _log.debug("%s: %s", source.uri, error)
            count_drop("decode", 1)


def _read_ahead(source: Packets, buffer: Buffer[Frame], count_drop: CountDrop) -> Generator[Frame, None, None]:
    thread = threading.Thread(target=_fill, args=(source, buffer), name=f"read {source.uri}", daemon=True)
    thread.start()
    try:
        for frame in buffer:
            _report(buffer, count_drop)
            yield frame
    finally:
        buffer.close()
        thread.join(LEAVE_S)
        _report(buffer, count_drop)


def _fill(source: Packets, buffer: Buffer[Frame]) -> None:
    try:
        for frame in _read(source, lambda cause, _count: buffer.drop(cause)):
            if not buffer.put(frame):
                return
    except BaseException as error:  # whatever it is belongs to the consumer: a thread has nobody to tell
        buffer.end(error)
    else:
        buffer.end()


def _report(buffer: Buffer[Frame], count_drop: CountDrop) -> None:
    for cause, count in buffer.drops().items():
        count_drop(cause, count)
