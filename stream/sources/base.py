"""What a source offers: `build(uri, **options) -> Source`."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol, Self

from stream.types import Frame


class Source(Protocol):
    """Packets in order; closed when the `with` ends."""

    @property
    def uri(self) -> str:
        """Where it reads from, without a password."""
        ...

    @property
    def fps(self) -> float | None:
        """Frames per second it claims; None when it does not say."""
        ...

    @property
    def is_live(self) -> bool:
        """Frames come at their own pace and are lost when nobody takes them."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[Any]:
        """Yield packets until the source ends.

        Raises:
            SourceError: it cannot be read any more. The end of a file is not an error; the end of a camera is.
        """
        ...

    def decode(self, packet: Any) -> Iterator[Frame]:
        """Yield the frames a packet completes, in order of time; their pictures are not converted yet.

        Raises:
            DecodeError: the packet could not be read; the next one may.
        """
        ...
