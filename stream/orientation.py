"""How a stored picture is to be turned to stand upright: display matrices of containers and decoders, EXIF of pictures.

Cameras store what their sensor sees, and say beside it how they were held.
"""

import math
import struct
from typing import Any, NamedTuple

import numpy as np

QUARTER = math.pi / 2

EXIF_BYTES = 64 * 1024
"""Bytes of EXIF that are looked at: a JPEG's segment holds no more."""
ENTRIES = 512
"""Count of a directory's entries that are looked at."""


class Orientation(NamedTuple):
    """What is done to a stored picture: left and right are swapped first, if at all; then it is turned."""

    quarter_turns: int = 0
    """Count of quarter turns clockwise, 0 to 3."""
    is_mirrored: bool = False
    """Left and right are swapped."""

    @property
    def is_sideways(self) -> bool:
        """Say whether width and height change places."""
        return self.quarter_turns % 2 == 1

    def applied(self, planes: Any) -> Any:
        """Return a view of (..., H, W) as it stands upright."""
        mirrored = planes[..., ::-1] if self.is_mirrored else planes
        return np.rot90(mirrored, -self.quarter_turns, (-2, -1))


UPRIGHT = Orientation()

EXIF = {
    1: UPRIGHT,
    2: Orientation(0, True),
    3: Orientation(2),
    4: Orientation(2, True),
    5: Orientation(3, True),
    6: Orientation(1),
    7: Orientation(1, True),
    8: Orientation(3),
}
"""EXIF 2.32, tag 0x0112 -> what is to be done."""


def of_matrix(matrix: bytes) -> Orientation:
    """Read a display matrix, taking the nearest quarter turn; upright where it is none.

    Args:
        matrix: nine int32 of this machine's byte order, as FFmpeg's `libavutil/display.h` has them: the first two
            say where a step to the right goes, the fourth and fifth where a step down does.
    """
    if len(matrix) < 36:
        return UPRIGHT
    a, b, _, c, d, *_ = struct.unpack_from("=9i", matrix)
    area = a * d - b * c
    if not area:
        return UPRIGHT
    is_mirrored = area < 0
    angle = math.atan2(-b, -a) if is_mirrored else math.atan2(b, a)  # rows count downwards, so clockwise is positive
    return Orientation(round(angle / QUARTER) % 4, is_mirrored)


def of_degrees(degrees: int) -> Orientation:
    """Read FFmpeg's rotation, in degrees against the clock."""
    return Orientation(round(-degrees / 90) % 4)


def of_jpeg(data: bytes) -> Orientation:
    """Read the EXIF of a JPEG; upright where there is none, or it is damaged."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] not in (0xDA, 0xD9):
        if data[at + 1] == 0xFF:  # a marker may be preceded by any number of these
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            return of_exif(data[at + 10 : at + 2 + length])
        at += 2 + length
    return UPRIGHT


def of_chunks(data: bytes) -> Orientation:
    """Read the EXIF of a PNG (chunk eXIf) or a WebP (chunk EXIF); upright where there is none."""
    is_png = data.startswith(b"\x89PNG")
    at, order, name = (8, "big", b"eXIf") if is_png else (12, "little", b"EXIF")
    while at + 8 <= len(data):
        first, second = data[at : at + 4], data[at + 4 : at + 8]
        length = int.from_bytes(first if is_png else second, "big" if order == "big" else "little")
        if (second if is_png else first) == name:
            return of_exif(data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        at += 12 + length if is_png else 8 + length + length % 2
    return UPRIGHT


def of_exif(exif: bytes) -> Orientation:
    """Read the orientation in EXIF's first directory; upright where it is none of EXIF's, or damaged."""
    exif = exif[:EXIF_BYTES]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 8:
        return UPRIGHT
    (at,) = struct.unpack_from(f"{order}I", exif, 4)
    if at + 2 > len(exif):
        return UPRIGHT
    (count,) = struct.unpack_from(f"{order}H", exif, at)
    for entry in range(at + 2, min(at + 2 + 12 * min(count, ENTRIES), len(exif) - 11), 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, entry)
        if (tag, kind) == (0x0112, 3):
            return EXIF.get(value, UPRIGHT)
    return UPRIGHT
