"""What file, camera, http and rtsp share: a container of FFmpeg's, read packet by packet.

A packet stays FFmpeg's own object: wrapping its bytes anew and decoding them elsewhere changed 14 of 50 frames of an
MPEG-4 file. Rotation in the metadata is not applied, and pictures that the decoder mended are passed on.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from stream import bitstream
from stream.decode import MAX_PIXELS
from stream.errors import DecodeError, SourceError, SourceRefused, SourceTimeout, StreamError
from stream.pictures import AvPicture
from stream.sources.base import Encoded, Encoding
from stream.types import Frame

USUAL_FPS = 25.0
"""Frames per second of a stream that has no timestamps and does not say."""

JUMP_S = 1.0
"""Seconds: a timestamp further back than this means that the stream's clock was set anew."""

REFUSALS = (av.HTTPUnauthorizedError, av.HTTPForbiddenError)
"""What FFmpeg says of a login that is not accepted, of RTSP too."""

TIMED = ("mov", "matroska", "webm", "mpegts", "flv", "rtsp")
"""FFmpeg's names of containers whose packets carry the time of their picture."""

MAX_FPS = 1000.0
"""Frames per second: a stream that claims more does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What FFmpeg is asked to open, and how."""

    uri: str
    """How people may know it: without a password."""
    url: str = field(repr=False)
    """FFmpeg's name for it."""
    format: str | None = None
    """FFmpeg's name of the container or device; None lets it look."""
    options: dict[str, str] = field(default_factory=dict)
    """FFmpeg's own options."""
    timeout_s: float = 10.0
    """Seconds without data after which it counts as lost."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be shown."""
    is_live: bool = False
    """Its frames come at their own pace."""
    is_paced: bool = False
    """Its frames are held back until their time."""
    is_timeless: bool = False
    """Its pictures have no time of their own: that of their arrival is taken."""
    is_endless: bool = False
    """Its end is an error, unless it said how long it is and its frames are held back until then."""
    check: Callable[[], AbstractContextManager[None]] = field(default=nullcontext, repr=False)
    """Looks at it before FFmpeg opens it, and raises what is wrong; left when that is done."""


class Packet(NamedTuple):
    """A whole packet of FFmpeg's, and when it was read."""

    av: "av.Packet[VideoStream]"
    arrival_ns: int


class Clock:
    """Seconds since the first frame, by the stream's own timestamps; never backwards."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._shift_s: float | None = None
        self._last_s = -interval_s

    def offset_s(self, time_s: float | None) -> float:
        """Place a frame; without a timestamp, or after the clock was set back, one interval after the last."""
        next_s = self._last_s + self._interval_s
        if time_s is None:
            offset_s = next_s
        elif self._shift_s is None or time_s + self._shift_s < self._last_s - JUMP_S:
            self._shift_s = next_s - time_s
            offset_s = next_s
        else:
            offset_s = time_s + self._shift_s
        self._last_s = max(self._last_s, offset_s)
        return self._last_s


class FilmClock:
    """Seconds since the first packet, for packets in the order of decoding, which is not that of time."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._shift_s, self._last_s = 0.0, -math.inf

    def offset_s(self, time_s: float) -> float:
        """Place a packet; after the clock was set back, one interval after the last."""
        if math.isinf(self._last_s):
            self._shift_s = -time_s
        elif time_s + self._shift_s < self._last_s - JUMP_S:
            self._shift_s = self._last_s + self._interval_s - time_s
        offset_s = time_s + self._shift_s
        self._last_s = max(self._last_s, offset_s)
        return offset_s


class AvSource:
    """The video of a file, a camera or a network stream; opened when the `with` begins."""

    def __init__(self, media: Media) -> None:
        self.uri, self.is_live = media.uri, media.is_live
        self.fps: float | None = None
        self.length_s: float | None = None  # as the container claims
        self._media = media
        self._container: InputContainer | None = None
        self._clock, self._film = Clock(1 / USUAL_FPS), FilmClock(1 / USUAL_FPS)
        self._reading = threading.Lock()
        self._closed = threading.Event()
        self._begin_s: float | None = None

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            SourceError: it cannot be opened, or has no video.
            SourceTimeout: nothing came for `timeout_s`.
        """
        media = self._media
        try:
            with media.check():
                self._container = av.open(
                    media.url,
                    format=media.format,
                    options=dict(media.options),
                    timeout=(media.timeout_s, media.timeout_s),
                    metadata_errors="replace",
                )
        except StreamError:
            raise
        except (av.FFmpegError, OSError) as error:
            raise self._explain("cannot open", error) from self._redacted(error)
        try:
            self._prepare(self._video())
            self.length_s = self._container.duration / av.time_base if self._container.duration else None
        except BaseException:
            self._container.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        # A thread that still hangs in FFmpeg closes the container itself when it comes back.
        if self._reading.acquire(blocking=False):
            self._close()
            self._reading.release()

    def __iter__(self) -> Iterator[Packet]:
        """Yield packets until the end.

        Raises:
            SourceError: it cannot be read any more, or ended and should not.
            SourceTimeout: nothing came for `timeout_s`.
        """
        packets = self._opened().demux(self._video())
        while (packet := self._next(packets)) is not None:
            yield Packet(packet, time.monotonic_ns())
        if self._media.is_endless and not self._closed.is_set() and not self._is_over():
            raise SourceError(f"{self.uri}: the stream ended")

    def decode(self, packet: Packet) -> Iterator[Frame]:
        """Yield the frames a packet completes, in order of time.

        Raises:
            DecodeError: the packet could not be read; the next one may.
        """
        context = self._video().codec_context
        if bitstream.is_heavy(context.name, bytes(packet.av), context.width * context.height):
            raise DecodeError(f"{self.uri}: a packet asks for more work than its picture")
        try:
            pictures = packet.av.decode()
        except (av.FFmpegError, ValueError, MemoryError) as error:
            raise DecodeError(f"{self.uri}: a packet could not be decoded: {_words(error)}") from error
        for picture in pictures:
            time_s = packet.arrival_ns / 1e9 if self._media.is_timeless else picture.time
            offset_s = self._clock.offset_s(time_s)
            arrival_ns = self._hold(offset_s) if self._media.is_paced else packet.arrival_ns
            yield Frame(AvPicture(picture), offset_s, arrival_ns, _duration_s(picture))

    @property
    def encoding(self) -> Encoding | None:
        """How the packets are compressed; None where their times or their bytes mean nothing elsewhere."""
        context, container = self._video().codec_context, self._opened().format.name
        rate = (context.bit_rate or self._opened().bit_rate) / 8 or None
        if self._media.is_timeless or not any(name in TIMED for name in container.split(",")):
            return None
        return Encoding(context.name, bytes(context.extradata or b""), context.width, context.height, rate)

    def encoded(self, packet: Packet) -> Encoded | None:
        """Return a packet as it is; None for one that holds no picture or says no time."""
        if not packet.av.size or packet.av.pts is None or packet.av.time_base is None:
            return None
        offset_s = self._film.offset_s(float(packet.av.pts * packet.av.time_base))
        arrival_ns = self._hold(offset_s) if self._media.is_paced else packet.arrival_ns
        return Encoded(bytes(packet.av), offset_s, packet.av.is_keyframe, arrival_ns)

    def _is_over(self) -> bool:
        """Say whether a recording over the network has come to the end that it announced."""
        return self._media.is_paced and bool(self._opened().duration)

    def _opened(self) -> InputContainer:
        if self._container is None or self._closed.is_set():
            raise SourceError(f"{self.uri} is not open")
        return self._container

    def _video(self) -> VideoStream:
        streams = self._opened().streams
        if streams.video:
            return streams.video[0]
        found = ", ".join(sorted({stream.type for stream in streams})) or "nothing"
        raise SourceError(f"{self.uri} has no video; found: {found}")

    def _prepare(self, video: VideoStream) -> None:
        if video.codec_context is None:
            raise SourceError(f"{self.uri}: FFmpeg has no decoder for its video")
        rate = video.average_rate or video.guessed_rate
        self.fps = float(rate) if rate and 0 < rate <= MAX_FPS else None
        self._clock, self._film = Clock(1 / (self.fps or USUAL_FPS)), FilmClock(1 / (self.fps or USUAL_FPS))
        # frame threads decode faster but hold frames back, which a live stream cannot afford
        video.thread_type = "SLICE" if self.is_live else "AUTO"
        video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}

    def _next(self, packets: Iterator["av.Packet[VideoStream]"]) -> "av.Packet[VideoStream] | None":
        begin_s = time.monotonic()
        with self._reading:
            try:
                packet = None if self._closed.is_set() else next(packets, None)
            except (av.FFmpegError, OSError) as error:
                raise self._explain("cannot read", error) from self._redacted(error)
            except IndexError:
                packet = None  # PyAV stumbles, at the end, over a stream that appeared on the way; ours is done by then
            finally:
                if self._closed.is_set():
                    self._close()
        # When FFmpeg gives up, it hands out the packet it still held, and waits as long again at the next call.
        if self._media.is_endless and time.monotonic() - begin_s >= self._media.timeout_s:
            raise self._lost("cannot read")
        return packet

    def _close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None  # its decoder's threads end with the last who holds it

    def _hold(self, offset_s: float) -> int:
        """Wait until the frame is due; return when that was."""
        if self._begin_s is None:
            self._begin_s = time.monotonic() - offset_s
        self._closed.wait(max(0.0, self._begin_s + offset_s - time.monotonic()))
        return time.monotonic_ns()

    def _explain(self, what: str, error: Exception) -> StreamError:
        if isinstance(error, av.ExitError | TimeoutError):
            return self._lost(what)
        kind = SourceRefused if isinstance(error, REFUSALS) else SourceError
        return kind(f"{what} {self.uri}: {self._hide(_words(error))}")

    def _lost(self, what: str) -> SourceTimeout:
        return SourceTimeout(f"{what} {self.uri}: nothing came for {self._media.timeout_s:g} s")

    def _redacted(self, error: Exception) -> Exception:
        """Blot the password out of an error of FFmpeg's, which names the URL."""
        error.args = tuple(self._hide(str(part)) if isinstance(part, str | tuple) else part for part in error.args)
        return error

    def _hide(self, text: str) -> str:
        text = text.replace(self._media.url, self.uri)
        for secret in self._media.secrets:
            text = text.replace(secret, "***")
        return text


def _duration_s(picture: av.VideoFrame) -> float | None:
    return float(picture.duration * picture.time_base) if picture.duration and picture.time_base else None


def _words(error: Exception) -> str:
    if isinstance(error, av.InvalidDataError):
        return "FFmpeg finds no video in it, or it is damaged"
    return getattr(error, "strerror", None) or str(error)
