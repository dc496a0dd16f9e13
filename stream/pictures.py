"""Pictures that convert themselves when asked: colour and size in one pass of libswscale.

May be used from any number of threads at once.
"""

import threading
from collections.abc import Iterator
from typing import Any, cast

import av
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from stream.errors import DecodeError
from stream.orientation import UPRIGHT, Orientation, of_degrees, of_matrix
from stream.types import Array, Rgb

# Area averages, so nothing aliases: against the exact mean, a zone plate from 1280x720 to 80x80 is off by 1.4 (rms, of
# 255), 5.6 with bilinear and 5.1 with bicubic, and area is the fastest of the three. The chroma flags keep colour at
# every pixel: without them it has half the width, 14 rms off on coloured blocks instead of 1.1.
SCALING = int(Interpolation.AREA | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP)

# 640x480 to 172x172: 0.14 ms and the same numbers; into "rgb24", pixel by pixel, 0.35 ms.
PLANAR, PLANES = "gbrp", (1, 2, 0)
"""FFmpeg's pixel format whose colours lie in planes of their own, and which colour of RGB each is."""

ASPECTS = 0.25, 4.0
"""Width of a pixel over its height that is believed; DVDs and camcorders have 0.7 to 2."""

DISPLAY_MATRIX = SideData.DISPLAYMATRIX

BLOCK, PACKED = 16, "rgb24"
"""Pixels: where a row is not scaled and half of such a block or less is over, libswscale leaves that black."""

_kept = threading.local()


class AvPicture:
    """A frame as FFmpeg decoded it; its own colour tags decide how it becomes RGB, and it stands upright."""

    __slots__ = ("_aspect", "_orientation", "frame")

    def __init__(self, frame: av.VideoFrame, orientation: Orientation | None = None, aspect: float = 1.0) -> None:
        """Take a frame as it is stored.

        Args:
            frame: what was decoded.
            orientation: how it is turned to stand upright; None: as the frame itself says.
            aspect: width of a pixel over its height; beyond `ASPECTS` it is not believed.
        """
        self.frame, self._orientation = frame, orientation
        self._aspect = aspect if ASPECTS[0] <= aspect <= ASPECTS[1] else 1.0

    @property
    def orientation(self) -> Orientation:
        """How the frame is turned to stand upright."""
        if self._orientation is None:
            self._orientation = _said(self.frame)
        return self._orientation

    @property
    def width_px(self) -> int:
        """Width in pixels, as it is to be seen."""
        return self._size_px[0]

    @property
    def height_px(self) -> int:
        """Height in pixels, as it is to be seen."""
        return self._size_px[1]

    def rgb(self, width_px: int | None = None, height_px: int | None = None) -> Rgb:
        """Convert colour and size in one pass of libswscale, and turn: (height_px, width_px, 3) RGB uint8.

        The three colours lie apart in memory, as networks and libswscale have them.

        Raises:
            DecodeError: libswscale cannot read this pixel format.
        """
        size = self._stored(width_px or self.width_px, height_px or self.height_px)
        found = planar(convert(self.frame, PLANAR, *size))
        if self.orientation == UPRIGHT:
            return found
        return np.ascontiguousarray(self.orientation.applied(found.transpose(2, 0, 1))).transpose(1, 2, 0)

    def write(self, out: Array, scale: np.float32) -> None:
        """Write RGB times `scale` into (3, height_px, width_px): the same as from `rgb`, and a copy less.

        Raises:
            DecodeError: libswscale cannot read this pixel format.
        """
        for colour, rows in _planes(convert(self.frame, PLANAR, *self._stored(out.shape[2], out.shape[1]))):
            np.multiply(self.orientation.applied(rows), scale, out=out[colour])

    @property
    def _size_px(self) -> tuple[int, int]:
        """Width and height with square pixels: the shorter side of a pixel is stretched, so that nothing is lost."""
        width_px = round(self.frame.width * max(1.0, self._aspect))
        height_px = round(self.frame.height / min(1.0, self._aspect))
        return (height_px, width_px) if self.orientation.is_sideways else (width_px, height_px)

    def _stored(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Say how wide and high a picture is before it is turned."""
        return (height_px, width_px) if self.orientation.is_sideways else (width_px, height_px)


class RgbPicture:
    """A picture that is RGB already: (H, W, 3) uint8."""

    __slots__ = ("array",)

    def __init__(self, array: Rgb) -> None:
        self.array = array

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return int(self.array.shape[1])

    @property
    def height_px(self) -> int:
        """Height in pixels."""
        return int(self.array.shape[0])

    @property
    def frame(self) -> av.VideoFrame:
        """The picture as a frame of FFmpeg's."""
        return av.VideoFrame.from_ndarray(self.array, format="rgb24")

    def rgb(self, width_px: int | None = None, height_px: int | None = None) -> Rgb:
        """Scale to (height_px, width_px, 3) RGB uint8; at its own size the array itself, not to be written to."""
        if (width_px or self.width_px, height_px or self.height_px) == (self.width_px, self.height_px):
            return self.array
        return planar(convert(self.frame, PLANAR, width_px, height_px))


class UnseenPicture:
    """A picture that somebody else has: its size may be known, its pixels are not here."""

    __slots__ = ("height_px", "where", "width_px")

    def __init__(self, where: str, width_px: int = 0, height_px: int = 0) -> None:
        self.where, self.width_px, self.height_px = where, width_px, height_px

    def rgb(self, width_px: int | None = None, height_px: int | None = None) -> Rgb:  # noqa: ARG002  # as the protocol has it
        """Refuse.

        Raises:
            DecodeError: it is not here; says where it is.
        """
        raise DecodeError(f"this picture {self.where}, and was never decoded here")


def convert(
    frame: av.VideoFrame, pixels: str, width_px: int | None = None, height_px: int | None = None
) -> av.VideoFrame:
    """Convert a frame to FFmpeg's pixel format `pixels`, scaling in the same pass; its own size by default.

    The scaler is kept from call to call, one a thread: making it anew costs 0.05 ms, half of a small conversion.

    Raises:
        DecodeError: libswscale cannot read this pixel format.
    """
    scaler = getattr(_kept, "scaler", None)
    if scaler is None:
        scaler = _kept.scaler = VideoReformatter()
    if pixels == PLANAR and frame.format.name != PACKED and _is_left_black(frame, width_px, height_px):
        frame = convert(frame, PACKED)
    space, full = (Colorspace.ITU601, ColorRange.JPEG) if pixels.startswith("yuvj") else (None, None)
    try:
        return scaler.reformat(
            frame, width_px, height_px, pixels, None, space, SCALING, dst_color_range=full, threads=1
        )
    except (av.FFmpegError, ValueError) as error:
        size = f"{frame.width}x{frame.height} {frame.format.name}"
        raise DecodeError(f"cannot convert a picture of {size} to {width_px}x{height_px} {pixels}: {error}") from error


def _is_left_black(frame: av.VideoFrame, width_px: int | None, height_px: int | None) -> bool:
    is_scaled = (width_px or frame.width, height_px or frame.height) != (frame.width, frame.height)
    return not is_scaled and 0 < frame.width % BLOCK <= BLOCK // 2


def planar(frame: av.VideoFrame) -> Rgb:
    """Return (H, W, 3) RGB uint8 of a frame in `PLANAR`; in memory it is (3, H, W)."""
    rgb = np.empty((3, frame.height, frame.width), np.uint8)
    for colour, rows in _planes(frame):
        rgb[colour] = rows
    return rgb.transpose(1, 2, 0)


def _said(frame: av.VideoFrame) -> Orientation:
    """Return what a frame says of how it is turned."""
    try:
        matrix = cast(Any, frame.side_data).get(DISPLAY_MATRIX)
    except ValueError:  # PyAV does not know all that may lie beside a picture, and then names none of it
        return of_degrees(frame.rotation)
    return of_matrix(bytes(matrix)) if matrix else UPRIGHT


def _planes(frame: av.VideoFrame) -> Iterator[tuple[int, Rgb]]:
    """Yield every colour of a frame in `PLANAR`, and its (H, W) values; each row in memory may end in padding."""
    for plane, colour in zip(frame.planes, PLANES, strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        yield colour, rows[: frame.height, : frame.width]
