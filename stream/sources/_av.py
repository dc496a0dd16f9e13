"""What file, camera, http and rtsp share: a container of FFmpeg's, read packet by packet.

A packet stays FFmpeg's own object: wrapping its bytes anew and decoding them elsewhere changed 14 of 50 frames of an
MPEG-4 file. Pictures stand upright, and those that the decoder mended are passed on.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, NamedTuple, Self

import av
from av.container import InputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream

from stream import bitstream
from stream.decode import MAX_PIXELS, aspect_of
from stream.errors import CutShort, DecodeError, SourceError, SourceRefused, SourceTimeout, StreamError
from stream.pictures import AvPicture
from stream.sources._clocks import Clock, DecodingTimes, FilmClock
from stream.sources._haste import Haste
from stream.sources._media import Media
from stream.sources._streams import Span, fps_of, has_only_decoding_times, is_bare, length_of, time_of, video_of
from stream.sources.base import Encoded, Encoding
from stream.types import Frame

_log = logging.getLogger(__name__)

USUAL_FPS = 25.0
"""Frames per second of a stream that has no timestamps and does not say."""

REFUSALS = (av.HTTPUnauthorizedError, av.HTTPForbiddenError)
"""What FFmpeg says of a login that is not accepted, of RTSP too."""

TIMED = ("mov", "matroska", "webm", "mpegts", "flv", "rtsp")
"""FFmpeg's names of containers whose packets carry the time of their picture."""

UNKNOWN = {"webp": "FFmpeg decodes a WebP of one picture only, and this one may be animated"}
"""Codec -> what its decoder cannot."""

BUSY = (ConnectionError, av.EOFError, av.HTTPServerError, av.InvalidDataError)
"""What FFmpeg says of a camera that has not got over the caller before, who has just hung up."""
AGAIN_S = (0.1, 0.3, 1.0)
"""Seconds: pauses before a camera is asked again that lets nobody in just after it was asked."""

PEEKED = 40
"""Count of a file's first packets that tell whether they carry times of pictures: more than any codec reorders."""


class Packet(NamedTuple):
    """A whole packet of FFmpeg's, and when it was read."""

    av: "av.Packet[VideoStream]"
    arrival_ns: int


class AvSource:
    """The video of a file, a camera or a network stream; opened when the `with` begins."""

    def __init__(self, media: Media) -> None:
        self.uri, self.is_live = media.uri, media.is_live
        self.is_paced = media.is_paced and not media.is_endless  # here, and not by a network
        self.fps: float | None = None
        self.length_s: float | None = None  # as the container claims
        self._media = media
        self._container: InputContainer | None = None
        self._stream: VideoStream | None = None
        self._clock, self._film = Clock(1 / USUAL_FPS), FilmClock(1 / USUAL_FPS)
        self._times: DecodingTimes | None = None
        self._packets: Iterator[av.Packet[VideoStream]] = iter(())
        self._peeked: deque[av.Packet[VideoStream]] = deque()
        self._reading = threading.Lock()
        self._closed = threading.Event()
        self._begin_s: float | None = None
        self._haste = Haste()

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            SourceError: it cannot be opened, or has no video.
            SourceTimeout: nothing came for `timeout_s`.
        """
        media = self._media
        try:
            if media.check:
                media.check()
            self._container = self._open_patiently()
        except StreamError:
            raise
        except (av.FFmpegError, OSError) as error:
            raise self._explain("cannot open", error) from self._redacted(error)
        try:
            self._prepare()
            self._begin()
            if not media.is_live and self._has_only_decoding_times():
                self._times = DecodingTimes()
        except BaseException:
            self._opened().close()
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
            CutShort: it ended before the length that it claims.
        """
        span = Span()
        while (packet := self._peeked.popleft() if self._peeked else self._next()) is not None:
            span.add(packet)
            yield Packet(packet, time.monotonic_ns())
        if self._closed.is_set():
            return
        if self._media.is_endless and not self._is_over():
            raise SourceError(f"{self.uri}: the stream ended")
        if self._media.cut:
            raise CutShort(f"{self.uri} is cut short: {self._media.cut}")
        if span.length_s and span.is_less_than(self.length_s):
            raise CutShort(f"{self.uri} is cut short: it says {self.length_s:.2f} s, and {span.length_s:.2f} s came")

    def decode(self, packet: Packet) -> Iterator[Frame]:
        """Yield the frames a packet completes, in order of time.

        Raises:
            DecodeError: the packet could not be read; the next one may.
        """
        if self._haste.skips(packet.arrival_ns / 1e9, is_key=packet.av.is_keyframe):
            return
        if self._times:
            packet.av.pts = packet.av.dts  # where FFmpeg has guessed that of the picture, it is wrong for some
            self._times.put(time_of(packet.av))
        if self._is_heavy(packet.av):
            raise DecodeError(f"{self.uri}: a packet asks for more work than its picture")
        try:
            pictures = packet.av.decode()
        except (av.FFmpegError, ValueError, MemoryError) as error:
            codec = self._video().codec_context.name
            why = UNKNOWN.get(codec) or _words(error)
            raise DecodeError(f"{self.uri}: a packet of {codec} could not be decoded: {why}") from error
        for picture in pictures:
            yield self._frame(packet, picture)

    def hurry(self, is_hurried: bool) -> None:
        """Decode key pictures alone, to make up for lost time; see `Haste`."""
        self._haste.is_hurried = is_hurried

    def _frame(self, packet: Packet, picture: av.VideoFrame) -> Frame:
        arrival_s = packet.arrival_ns / 1e9
        time_s: float | None = arrival_s if self._media.is_timeless else picture.time
        if not self._media.is_timeless and (self._media.fps or is_bare(self._opened())):
            time_s = None  # FFmpeg makes times up for some bare streams
        if self._times:
            time_s = self._times.take(time_s, is_key=picture.key_frame)
        is_camera = self.is_live and not self._media.is_paced
        offset_s = self._clock.offset_s(time_s, arrival_s if is_camera else math.nan)
        arrival_ns = self._hold(offset_s) if self._media.is_paced else packet.arrival_ns
        return Frame(AvPicture(picture, aspect=self._aspect()), offset_s, arrival_ns, _duration_s(picture))

    @property
    def encoding(self) -> Encoding | None:
        """How the packets are compressed; None where their times or their bytes mean nothing elsewhere."""
        context, container = self._video().codec_context, self._opened().format.name
        rate = (context.bit_rate or self._opened().bit_rate) / 8 or None
        if self._media.is_timeless or self._times or not any(name in TIMED for name in container.split(",")):
            return None
        first, extradata = self._first_picture(), bytes(context.extradata or b"")
        if first is None:
            return Encoding(context.name, extradata, context.width, context.height, rate)
        shown = AvPicture(first, aspect=self._aspect())
        size = shown.width_px, shown.height_px
        return Encoding(context.name, extradata, *size, rate, shown.orientation, self._aspect())

    def encoded(self, packet: Packet) -> Encoded | None:
        """Return a packet as it is; None for one that holds no picture or says no time."""
        if not packet.av.size or packet.av.pts is None or packet.av.time_base is None:
            return None
        offset_s = self._film.offset_s(float(packet.av.pts * packet.av.time_base))
        arrival_ns = self._hold(offset_s) if self._media.is_paced else packet.arrival_ns
        return Encoded(bytes(packet.av), offset_s, packet.av.is_keyframe, arrival_ns)

    def _open_patiently(self) -> InputContainer:
        """Open it; again where a camera that serves one at a time has not let go of whoever looked at it before."""
        for pause_s in AGAIN_S if self._media.check else ():
            try:
                return self._open()
            except BUSY:
                self._closed.wait(pause_s)
        try:
            return self._open()
        except av.InvalidDataError:
            if self._media.other_format is None:
                raise
            return self._open_otherwise()

    def _open_otherwise(self) -> InputContainer:
        self._media = replace(self._media, format=self._media.other_format, other_format=None)
        container = self._open(analyzeduration="500000")
        if not any(one.codec_context and one.codec_context.width for one in container.streams.video):
            container.close()
            raise SourceError(f"cannot open {self.uri}: FFmpeg finds no video in it")
        return container

    def _open(self, **more: str) -> InputContainer:
        media = self._media
        limits = (media.timeout_s, media.timeout_s)
        options = media.options | more
        return av.open(media.url, format=media.format, options=options, timeout=limits, metadata_errors="replace")

    def _has_only_decoding_times(self) -> bool:
        """Look at the first packets; they are kept to be read."""
        self._peek()
        if not has_only_decoding_times(self._video(), self._peeked) or not self._is_reordered():
            return False
        if any(packet.is_discard for packet in self._peeked):  # an edit list that cuts off times which mean others
            self._opened().close()
            self._peeked.clear()
            self._container = self._open(ignore_editlist="1")
            self._prepare()
            self._peek()
        return True

    def _peek(self) -> None:
        while len(self._peeked) < PEEKED and (packet := self._next()) is not None:
            self._peeked.append(packet)

    def _is_heavy(self, packet: Any) -> bool:
        context = self._video().codec_context
        return bitstream.is_heavy(context.name, bytes(packet), context.width * context.height)

    def _is_reordered(self) -> bool:
        """Say whether pictures are shown in another order than decoded: some encoders announce it, and never do it."""
        return any(picture.pict_type == PictureType.B for picture in self._try(list(self._peeked)))

    def _first_picture(self) -> av.VideoFrame | None:
        """Decode the first packet of a file, which alone tells all that its container says of its pictures."""
        return next(iter(self._try(list(self._peeked)[:1])), None)

    def _try(self, packets: list[Any]) -> list[av.VideoFrame]:
        """Decode packets that are read again later; what is damaged gives no picture."""
        context, pictures = self._video().codec_context, list[av.VideoFrame]()
        for packet in [*packets, None] if packets else []:
            if packet and self._is_heavy(packet):
                continue
            with suppress(av.FFmpegError, ValueError, MemoryError):
                pictures += context.decode(packet)
        context.flush_buffers()
        return pictures

    def _aspect(self) -> float:
        return aspect_of(self._video().codec_context.name, self._video().sample_aspect_ratio)

    def _is_over(self) -> bool:
        """Say whether a recording over the network has come to the end that it announced."""
        return self._media.is_paced and bool(self._opened().duration)

    def _opened(self) -> InputContainer:
        if self._container is None or self._closed.is_set():
            raise SourceError(f"{self.uri} is not open")
        return self._container

    def _video(self) -> VideoStream:
        if self._stream is None:
            raise SourceError(f"{self.uri} is not open")
        return self._stream

    def _prepare(self) -> None:
        video = self._stream = video_of(self.uri, self._opened())
        self._packets = self._opened().demux(video)
        self.fps = self._media.fps or fps_of(self._opened(), video)
        if self.fps is None and not self._media.is_timeless and is_bare(self._opened()):
            _log.warning("%s does not say its rate: %g fps is taken; --fps says another", self.uri, USUAL_FPS)
        self.length_s = length_of(self._opened(), video)
        # frame threads decode faster but hold frames back, which a live stream cannot afford
        video.thread_type = "SLICE" if self.is_live else "AUTO"
        video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}

    def _begin(self) -> None:
        self._clock, self._film = Clock(1 / (self.fps or USUAL_FPS)), FilmClock(1 / (self.fps or USUAL_FPS))

    def _again(self) -> "av.Packet[VideoStream] | None":
        """Go on with a stream that turned out to be of another format; `_reading` is held."""
        self._opened().close()
        self._container = self._open_otherwise()
        self._prepare()
        return next(self._packets, None)

    def _next(self) -> "av.Packet[VideoStream] | None":
        begin_s = time.monotonic()
        with self._reading:
            try:
                packet = None if self._closed.is_set() else self._read()
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

    def _read(self) -> "av.Packet[VideoStream] | None":
        try:
            return next(self._packets, None)
        except av.InvalidDataError:
            if self._media.other_format is None:
                raise
            return self._again()

    def _close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = self._stream = None  # its decoder's threads end with the last who holds it
            self._packets = iter(())
            self._peeked.clear()

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
