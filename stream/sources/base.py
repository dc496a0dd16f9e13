"""What a source offers: `build(uri, **options) -> Source`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from stream.orientation import Orientation
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


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the packets of a source are compressed."""

    codec: str
    """FFmpeg's name of the codec."""
    extradata: bytes = field(repr=False)
    """What the container keeps beside them."""
    width_px: int
    """Width in pixels, as it is to be seen."""
    height_px: int
    """Height in pixels, as it is to be seen."""
    bytes_per_s: float | None
    """Bytes a second, as the container claims; None where it does not say."""
    orientation: Orientation | None = None
    """How pictures are turned to stand upright; None: as the packets say."""
    aspect: float | None = None
    """Width of a pixel over its height; None: as the packets say."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A packet as it is, for someone else to decode."""

    data: bytes = field(repr=False)
    """Its bytes."""
    offset_s: float
    """Seconds since the first frame at which its picture is shown; in the order of decoding these need not increase."""
    is_key: bool
    """It can be decoded without others."""
    arrival_ns: int
    """When it reached us: `time.monotonic_ns()`."""


@runtime_checkable
class EncodedSource(Source, Protocol):
    """A source whose packets can be decoded elsewhere."""

    @property
    def encoding(self) -> Encoding | None:
        """How they are compressed, once it is open; None where they must be decoded here."""
        ...

    def encoded(self, packet: Any) -> Encoded | None:
        """Return a packet as it is; None for one that holds no picture or says no time."""
        ...
