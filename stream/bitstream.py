"""What a compressed picture may make a decoder do: no more than its size asks for, however few bytes it has.

FFmpeg's decoders bound the pixels, not the work. A PNG of one pixel may unpack to gigabytes (texts, colour profiles,
more rows than it has), a JPEG may announce its size, or pass over its picture, thousands of times, a packet of H.264
may hold a million units. So a decoder is given what a picture needs, and no more of that than a picture may have.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from itertools import islice

from stream.errors import DecodeError

MOST_SCANS = 128
"""Passes over the picture of one JPEG: encoders make about ten."""
MOST_UNITS, UNITS_PIXELS = 1000, 4 * 10**9
"""Units (NAL, OBU) of one packet, and units times pixels: each may cost as much as a whole picture."""
LEAST_UNITS = 64
MOST_PARTS = 10_000
"""Chunks of a PNG, segments of a JPEG: writers of large pictures make some hundreds."""
LARGEST_NOTE = 256
"""Bytes of a JPEG's APP0, APP14 and comments, which tell how its colours are meant."""

_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
"""Chunks of a PNG that its picture is made of."""
_BLOCK = 64 * 1024
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""A PNG's type of colour -> numbers of a pixel."""
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of an interlaced PNG: first column and row, and steps across and down."""

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends the data of a scan."""
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DHT, _SOS, _DQT, _DRI, _EOI, _APP0, _APP14, _COM = 0xC4, 0xDA, 0xDB, 0xDD, 0xD9, 0xE0, 0xEE, 0xFE


def png(data: bytes) -> bytes:
    """Return a PNG with the chunks that its picture needs alone.

    Raises:
        DecodeError: its chunks do not follow one another, or it unpacks to more rows than it has.
    """
    found = [one for one in islice(_chunks(data), MOST_PARTS + 1) if one[0] in _NEEDED]
    if len(found) > MOST_PARTS:
        raise DecodeError(f"PNG of {len(data)} bytes: it has more than {MOST_PARTS} chunks")
    packed = [memoryview(data)[at + 8 : end - 4] for kind, at, end in found if kind == b"IDAT"]
    if not found or found[0][0] != b"IHDR" or found[0][2] - found[0][1] != 25:
        raise DecodeError(f"PNG of {len(data)} bytes: its header is damaged")
    _check_rows(data, packed)
    end_chunk = b"\0\0\0\0IEND\xaeB`\x82"
    return b"".join((data[:8], *(data[at:end] for _, at, end in found), end_chunk))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, begin, end) of each, up to the last."""
    at = 8
    while at + 12 <= len(data):
        end, kind = at + 12 + int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind == b"IEND":
            return
        if end > len(data):
            break
        yield kind, at, end
        at = end
    raise DecodeError(f"PNG of {len(data)} bytes: damaged or cut short")


def _check_rows(data: bytes, packed: list[memoryview]) -> None:
    """Unpack the picture piece by piece, keeping nothing, until it is whole; what comes after that is too much."""
    left, unpack = _row_bytes(data), zlib.decompressobj()
    try:
        for part in packed:
            piece: memoryview | bytes = part
            while piece and not unpack.eof:
                left -= len(unpack.decompress(piece, _BLOCK))
                piece = unpack.unconsumed_tail
                if left < 0:
                    raise DecodeError(f"PNG of {len(data)} bytes: it unpacks to more rows than it has")
    except zlib.error as error:
        raise DecodeError(f"PNG of {len(data)} bytes: damaged or cut short") from error


def _row_bytes(data: bytes) -> int:
    """Return how many bytes the rows of a PNG have, unpacked."""
    width_px, height_px, depth, colour, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    if colour not in _CHANNELS or depth not in (1, 2, 4, 8, 16):
        raise DecodeError(f"PNG of {len(data)} bytes: its header is damaged")
    bits, total = depth * _CHANNELS[colour], 0
    for x, y, across, down in _PASSES if interlace else ((0, 0, 1, 1),):
        columns, rows = max(0, -(-(width_px - x) // across)), max(0, -(-(height_px - y) // down))
        total += rows * (1 + (columns * bits + 7) // 8) if columns else 0
    return total


def jpeg(data: bytes) -> bytes:
    """Return a JPEG with the segments that its picture needs alone.

    Raises:
        DecodeError: its segments are damaged, it has more than one size, or more scans than are accepted.
    """
    kept, at, scans, sizes, count = [b"\xff\xd8"], 2, 0, 0, 0
    while (found := _marker(data, at)) is not None:
        kind, begin = found
        if kind == _EOI:
            break
        if not 0xC0 <= kind <= 0xFE or 0xD0 <= kind <= 0xD8:
            raise _damaged(data)
        end = begin + 2 + int.from_bytes(data[begin + 2 : begin + 4], "big")
        if end < begin + 4 or end > len(data):
            raise _damaged(data)
        sizes, scans, count = sizes + (kind in _SOF), scans + (kind == _SOS), count + 1
        if sizes > 1 or scans > MOST_SCANS or count > MOST_PARTS:
            what = "more than one size" if sizes > 1 else f"more than {MOST_SCANS} scans or {MOST_PARTS} segments"
            raise DecodeError(f"JPEG of {len(data)} bytes: it has {what}")
        at = _data_end(data, end) if kind == _SOS else end
        if _is_needed(kind, data[begin + 4 : end], len(data)):
            kept.append(data[begin:at])
    return b"".join((*kept, b"\xff\xd9" if found else b""))


def _marker(data: bytes, at: int) -> tuple[int, int] | None:
    """Return the kind of the next segment and where it begins; None at the end."""
    while data[at : at + 2] == b"\xff\xff":  # any number of these may stand before one
        at += 1
    if at + 2 > len(data):
        return None
    if data[at] != 0xFF:
        raise _damaged(data)
    return (data[at + 1], at) if data[at + 1] == _EOI or at + 4 <= len(data) else None


def _data_end(data: bytes, at: int) -> int:
    """Return where the data of a scan end."""
    found = _MARKER.search(data, at)
    return found.start() if found else len(data)


def _is_needed(kind: int, body: bytes, byte_count: int) -> bool:
    """Say whether a segment makes the picture; refuse one with a rest that a decoder would read as other segments."""
    if kind in (_APP0, _APP14, _COM):
        return len(body) <= LARGEST_NOTE
    if kind in (_DQT, _DHT, _DRI, _SOS) or kind in _SOF:
        if _length(kind, body) != len(body):
            raise DecodeError(f"JPEG of {byte_count} bytes: a segment is damaged")
        return True
    return False


def _length(kind: int, body: bytes) -> int:
    """Return how long a segment's body must be, as it says itself."""
    if kind == _DRI:
        return 2
    if kind in _SOF:
        return 6 + 3 * body[5] if len(body) > 5 else -1
    if kind == _SOS:
        return 4 + 2 * body[0] if body else -1
    at = 0
    while at < len(body):
        at += 1 + 64 * (1 + (body[at] >> 4)) if kind == _DQT else 17 + sum(body[at + 1 : at + 17])
    return at


def _damaged(data: bytes) -> DecodeError:
    return DecodeError(f"JPEG of {len(data)} bytes: damaged or cut short")


def most_units(pixels: int) -> int:
    """Return how many units a packet of a video of so many pixels may have."""
    return max(LEAST_UNITS, min(MOST_UNITS, UNITS_PIXELS // max(1, pixels)))


def check_packet(codec: str, data: bytes, pixels: int, prefix_bytes: int = 0) -> bytes:
    """Return a packet as its decoder may be given it.

    Args:
        codec: h264, hevc, vp9, av1 or mjpeg.
        data: the packet.
        pixels: of the video's pictures, as far as is known; else 0.
        prefix_bytes: bytes of the length before each unit of H.264 and HEVC; 0: start codes are between them.

    Raises:
        DecodeError: it has more units than a picture may have.
    """
    if codec == "mjpeg":
        return jpeg(data)
    most = most_units(pixels)
    if codec in ("h264", "hevc"):
        count = _count_prefixed(data, prefix_bytes, most) if prefix_bytes else data.count(b"\0\0\1")
    else:
        count = _count_open(data, most) if codec == "av1" else 1
    if count > most:
        raise DecodeError(f"{codec} packet of {len(data)} bytes: it has more than {most} units")
    return data


def is_heavy(codec: str, data: bytes, pixels: int) -> bool:
    """Say whether a camera's packet asks for far more work than its picture, however odd it may be otherwise."""
    if codec == "mjpeg":
        sizes = sum(map(data.count, (b"\xff\xc0", b"\xff\xc1", b"\xff\xc2")))
        return sizes > LEAST_UNITS or data.count(b"\xff\xda") > MOST_SCANS
    return codec in ("h264", "hevc") and data.count(b"\0\0\1") > most_units(pixels)


def _count_prefixed(data: bytes, prefix_bytes: int, most: int) -> int:
    at = count = 0
    while at + prefix_bytes <= len(data) and count <= most:
        at += prefix_bytes + int.from_bytes(data[at : at + prefix_bytes], "big")
        count += 1
    return max(count, data.count(b"\0\0\1\0\0\1"))  # FFmpeg takes start codes for those where they are


def _count_open(data: bytes, most: int) -> int:
    """Count the units of AV1."""
    at = count = 0
    while at < len(data) and count <= most:
        header = data[at]
        at, count = at + 1 + bool(header & 4), count + 1
        if not header & 2:
            break  # without a size it takes what is left
        size = shift = 0
        while at < len(data) and shift < 56:
            byte, at = data[at], at + 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        at += size
    return count
