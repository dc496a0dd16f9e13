"""Picture bytes (JPEG, PNG, WebP, BMP, GIF, raw) and packets of video -> pictures.

Every function may be called from any number of threads at once. Pictures stand upright: EXIF of a picture
and the display matrix of a video are applied.
"""

from fractions import Fraction
from typing import Any, Literal, cast, get_args

import av
import numpy as np

from stream import bitstream
from stream.errors import DecodeError, UsageError
from stream.headers import look
from stream.orientation import UPRIGHT, Orientation, of_chunks, of_jpeg
from stream.pictures import AvPicture, RgbPicture, convert
from stream.types import Picture

MAX_PIXELS = 4096 * 4096
"""Pixels: a larger picture is refused before it is decoded."""

Layout = Literal["rgb24", "i420", "nv12"]
"""Raw pictures: packed RGB; or limited-range BT.601 luma, then two chroma planes (i420) or one interleaved (nv12)."""

CODECS = {"h264": "h264", "hevc": "hevc", "vp9": "vp9", "av1": "libdav1d", "mjpeg": "mjpeg"}
"""Compressed videos that are accepted -> FFmpeg's decoder."""
IMAGES = {"JPEG": "mjpeg", "PNG": "png", "WebP": "webp", "BMP": "bmp", "GIF": "gif"}
"""Pictures that are accepted -> FFmpeg's decoder."""
MICROSECOND = Fraction(1, 1_000_000)

# FFmpeg's mjpeg decoder, 1280x720 to 172x172 with scaling: whole 1.87 ms, half 2.08 (no vector code), quarter 0.94.
# At a quarter the model's picture is off by 0.9 to 1.4 (rms, of 255), as much as area averages are.
QUARTER, LOWRES = 4, "2"
"""How much smaller a JPEG is decoded that is much larger than needed, and the decoder's word for it."""


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS, least_px: int | None = None) -> AvPicture:
    """Decode a JPEG, PNG, WebP, BMP or GIF; of an animated GIF the first picture.

    Its size is read from its header first, so that a small file that unpacks to gigabytes costs nothing.

    Args:
        data: the file.
        max_pixels: a larger picture is refused.
        least_px: pixels that both sides must keep: a JPEG of four times that is decoded at a quarter of its size, from
            the lower of its frequencies, in half the time; None keeps the size.

    Raises:
        DecodeError: none of these, an animated WebP, larger than `max_pixels`, damaged, or cut short.
    """
    name, width_px, height_px = look(data)
    _check_size(name, width_px, height_px, max_pixels)
    needed = {"PNG": bitstream.png, "JPEG": bitstream.jpeg}.get(name, bytes)(data)
    context = cast(av.VideoCodecContext, av.CodecContext.create(IMAGES[name], "r"))
    context.thread_count = 1
    # explode: a JPEG that ends early is otherwise returned with its rest grey, and no word said
    is_small = name == "JPEG" and least_px is not None and min(width_px, height_px) >= QUARTER * least_px
    smaller = {"lowres": LOWRES} if is_small else {}
    context.options = {"max_pixels": str(max_pixels), "err_detect": "explode", **smaller}
    try:
        frames = context.decode(av.Packet(needed)) or context.decode(None)
    except (av.FFmpegError, ValueError, MemoryError) as error:
        raise DecodeError(f"{name} of {width_px}x{height_px}, {len(data)} bytes: damaged or cut short") from error
    if not frames:
        raise DecodeError(f"{name} of {width_px}x{height_px}, {len(data)} bytes: there is no picture in it")
    return AvPicture(frames[0], _orientation(name, data))


def _orientation(name: str, data: bytes) -> Orientation:
    if name == "JPEG":
        return of_jpeg(data)
    return of_chunks(data) if name in ("PNG", "WebP") else UPRIGHT


class VideoDecoder:
    """The decoder of one video, fed packet by packet; one thread, so that it holds back no more than it must."""

    def __init__(
        self,
        codec: str,
        extradata: bytes = b"",
        max_pixels: int = MAX_PIXELS,
        orientation: Orientation | None = None,
        aspect: float | None = None,
    ) -> None:
        """Begin before the first packet, which must be a key frame.

        Args:
            codec: one of `CODECS`.
            extradata: what its container keeps beside the packets, if anything.
            max_pixels: pixels: a larger picture is refused before memory is taken for it.
            orientation: how its container says that pictures are turned; None: as the packets say.
            aspect: width of a pixel over its height, as its container says; None: as the packets say.

        Raises:
            UsageError: no such codec.
            DecodeError: the extradata are not of this codec, or announce pictures that are too large.
        """
        if codec not in CODECS:
            raise UsageError(f"codec {codec!r}; accepted: {', '.join(CODECS)}")
        self._name, self._orientation, self._aspect = codec, orientation, aspect
        self._max_pixels, self._prefix_bytes = max_pixels, _prefix_bytes(codec, extradata)
        self._context = cast(av.VideoCodecContext, av.CodecContext.create(CODECS[codec], "r"))
        self._context.thread_count = 1
        self._context.options = {"max_pixels": str(max_pixels)}
        try:
            if extradata:
                self._context.extradata = extradata
            self._context.open()
        except (av.FFmpegError, ValueError) as error:
            words = f"{len(extradata)} bytes of extradata are not of {codec}, or of a picture that is too large"
            raise DecodeError(words) from error

    def decode(self, data: bytes, pts: int, *, is_needed: bool = True) -> list[tuple[int | None, AvPicture | None]]:
        """Decode a packet; nothing is left of one that fails, and the next one may be decoded.

        Args:
            data: the packet, in the order of decoding.
            pts: when its picture is shown, in any unit.
            is_needed: where it is not, and no other picture is made from it, no picture comes of it; that saves a third
                of the work on a video with B-frames.

        Returns:
            The pictures that are ready, in the order in which they are shown, each with the pts of its packet; None for
            one that is damaged, since it or what it is made from was.

        Raises:
            DecodeError: the packet cannot be read, has more units than a picture may have, or its picture is too large.
        """
        self._context.skip_frame = "DEFAULT" if is_needed else "NONREF"
        pixels = self._context.width * self._context.height or self._max_pixels
        packet = av.Packet(bitstream.check_packet(self._name, data, pixels, self._prefix_bytes))
        packet.pts, packet.time_base = pts, MICROSECOND
        return self._decoded(packet, f"{self._name} packet of {len(data)} bytes")

    @property
    def size(self) -> tuple[int, int, int]:
        """Pixels across, pixels down and bits a pixel, as far as the packets have told; else zeros."""
        context = self._context
        bits = context.format.padded_bits_per_pixel if context.format else 0
        return context.width, context.height, bits

    def flush(self) -> list[tuple[int | None, AvPicture | None]]:
        """Return the pictures that were held back, at the end of the video."""
        return self._decoded(None, f"the end of {self._name}")

    def _decoded(self, packet: Any, what: str) -> list[tuple[int | None, AvPicture | None]]:
        try:
            frames = self._context.decode(packet)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            raise DecodeError(f"{what}: damaged, or larger than is accepted") from error
        aspect = aspect_of(self._name, self._context.sample_aspect_ratio) if self._aspect is None else self._aspect
        return [
            (frame.pts, None if frame.is_corrupt else AvPicture(frame, self._orientation, aspect)) for frame in frames
        ]


def aspect_of(codec: str, said: Fraction | None) -> float:
    """Return the width of a pixel over its height; JPEGs say their density for printers, and nobody means it."""
    return float(said) if said and codec != "mjpeg" else 1.0


def decode_raw(data: bytes, width_px: int, height_px: int, layout: Layout, max_pixels: int = MAX_PIXELS) -> Picture:
    """Take a picture that was never compressed, without copying RGB.

    Args:
        data: rows from top to bottom without padding.
        width_px: pixels, 1 or more; even unless `rgb24`.
        height_px: pixels, 1 or more; even unless `rgb24`.
        layout: how the bytes lie.
        max_pixels: a larger picture is refused.

    Raises:
        UsageError: no such layout.
        DecodeError: the size is not possible, or `data` has another length; names both.
    """
    if layout not in get_args(Layout):
        raise UsageError(f"raw layout {layout!r}; accepted: {', '.join(get_args(Layout))}")
    _check_size(layout, width_px, height_px, max_pixels)
    if layout != "rgb24" and (width_px % 2 or height_px % 2):
        raise DecodeError(f"{layout} of {width_px}x{height_px}; accepted: even sizes")
    expected = width_px * height_px * 3 // (1 if layout == "rgb24" else 2)
    if len(data) != expected:
        raise DecodeError(f"{layout} of {width_px}x{height_px} has {len(data)} bytes; accepted: {expected}")
    flat = np.frombuffer(data, np.uint8)
    if layout == "rgb24":
        return RgbPicture(flat.reshape(height_px, width_px, 3))
    planes = flat.reshape(height_px * 3 // 2, width_px)
    return AvPicture(av.VideoFrame.from_ndarray(planes, format="yuv420p" if layout == "i420" else "nv12"))


def encode_jpeg(picture: Picture, quality: int = 85, max_side_px: int | None = None) -> bytes:
    """Encode a picture as JPEG; one of FFmpeg's goes to the JPEG's colours in one pass, never through RGB.

    Args:
        picture: what to encode.
        quality: 1 to 100 as in other tools; above 87 this encoder gets no better.
        max_side_px: pixels, 1 or more: a longer side is scaled down to this; None keeps the size.

    Raises:
        UsageError: `quality` is out of range.
    """
    if not 1 <= quality <= 100:
        raise UsageError(f"JPEG quality is {quality}; accepted: 1 to 100")
    sides = picture.width_px, picture.height_px
    scale = min(1.0, (max_side_px or max(sides)) / max(sides))
    width_px, height_px = (max(1, round(side * scale)) for side in sides)
    if isinstance(picture, RgbPicture) or (isinstance(picture, AvPicture) and picture.orientation == UPRIGHT):
        ours: AvPicture | RgbPicture = picture
    else:
        ours = RgbPicture(picture.rgb(width_px, height_px))
    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt, context.thread_count = width_px, height_px, "yuvj420p", 1
    context.time_base = Fraction(1, 1000)
    # FFmpeg's quantiser q scales the standard tables by q / 8, the usual quality by `percent`
    percent = 5000 / quality if quality < 50 else 200 - 2 * quality
    context.qmin = context.qmax = min(31, max(2, round(percent / 12.5)))
    return b"".join(map(bytes, context.encode(convert(ours.frame, "yuvj420p", width_px, height_px))))


def _check_size(name: str, width_px: int, height_px: int, max_pixels: int) -> None:
    if width_px < 1 or height_px < 1 or width_px * height_px > max_pixels:
        raise DecodeError(f"{name} of {width_px}x{height_px}; accepted: 1x1 up to {max_pixels} pixels in all")


def _prefix_bytes(codec: str, extradata: bytes) -> int:
    """Return how long the length before each unit is, where the container writes lengths; else 0."""
    at = {"h264": 4, "hevc": 21}.get(codec, len(extradata))
    return (extradata[at] & 3) + 1 if extradata[:1] == b"\1" and len(extradata) > at else 0
