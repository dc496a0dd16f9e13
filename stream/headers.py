"""What a picture is and how large, by its first bytes: read before anything is decoded."""

import struct

from stream.errors import DecodeError

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
"""First bytes of the usual pictures."""

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
"""Endings of the names of pictures that are accepted."""

ACCEPTED = "JPEG, PNG, WebP, BMP, GIF"

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_DATA = 0xDA
_ANIMATED = 0x02
"""Of a WebP's flags."""


def look(data: bytes) -> tuple[str, int, int]:
    """Return (name, width_px, height_px) of a picture.

    Raises:
        DecodeError: it is none that is accepted, an animated WebP, or cut short before its size.
    """
    if data.startswith(JPEG):
        return "JPEG", *_jpeg(data)
    if data.startswith(PNG) and data[12:16] == b"IHDR" and len(data) >= 24:
        width_px, height_px = struct.unpack_from(">II", data, 16)
        return "PNG", width_px, height_px
    if data.startswith((b"GIF87a", b"GIF89a")) and len(data) >= 10:
        if not data.rstrip(b"\0").endswith(b";"):  # its decoder would leave the rest as it was
            raise DecodeError(f"GIF of {len(data)} bytes: cut short")
        return "GIF", *struct.unpack_from("<HH", data, 6)
    if data.startswith(b"BM") and len(data) >= 26:
        return "BMP", *_bmp(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP" and len(data) >= 30:
        return "WebP", *_webp(data)
    raise DecodeError(f"{len(data)} bytes beginning with {data[:8].hex(' ') or 'nothing'}; accepted: {ACCEPTED}")


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk the segments up to the one with the size."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF and data[at + 1] != _JPEG_DATA:
        if data[at + 1] == 0xFF:  # a marker may be preceded by any number of these
            at += 1
            continue
        if data[at + 1] in _JPEG_SIZES:
            height_px, width_px = struct.unpack_from(">HH", data, at + 5)
            return width_px, height_px
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise DecodeError(f"JPEG of {len(data)} bytes: damaged or cut short before its size")


def _bmp(data: bytes) -> tuple[int, int]:
    """Read the size; a height below 0 says that rows go from the top down."""
    if struct.unpack_from("<I", data, 14)[0] < 40:  # OS/2's
        width_px, height_px = struct.unpack_from("<HH", data, 18)
    else:
        width_px, height_px = struct.unpack_from("<ii", data, 18)
    return width_px, abs(height_px)


def _webp(data: bytes) -> tuple[int, int]:
    """Read the size from the first chunk: of a lossy, a lossless or an extended file."""
    kind = data[12:16]
    if kind == b"VP8X":
        if data[20] & _ANIMATED:
            raise DecodeError("an animated WebP; accepted: one picture")
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise DecodeError(f"WebP of {len(data)} bytes: damaged before its size")
