"""What a compressed picture may make a decoder do."""

import resource
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import cache

import av
import numpy as np
import pytest

from stream import bitstream
from stream.decode import VideoDecoder, decode_image, encode_jpeg
from stream.errors import DecodeError
from stream.pictures import RgbPicture

Say = Callable[[str], None]
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 255, (48, 64, 3), dtype=np.uint8)
JPEG = encode_jpeg(RgbPicture(PIXELS))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes, size: tuple[int, int] = (1, 1), depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlace)
    return b"".join((b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *chunks, chunk(b"IEND", b"")))


@cache
def packed(megabytes: int) -> bytes:
    made = zlib.compressobj(9)
    return b"".join(made.compress(b"\0" * 2**20) for _ in range(megabytes)) + made.flush()


ONE = chunk(b"IDAT", zlib.compress(b"\0\1\2\3"))


def cost(data: bytes) -> tuple[float, float]:
    """Decode, whether that works or not; return the seconds, and by how many MB the most ever held has grown."""
    before, began_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with suppress(DecodeError):
        decode_image(data)
    return time.process_time() - began_s, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


@pytest.mark.parametrize(
    ("name", "extra"), [("zTXt", b"k\0\0"), ("iCCP", b"p\0\0"), ("iTXt", b"k\0\1\0\0\0")], ids=["zTXt", "iCCP", "iTXt"]
)
def test_what_a_png_holds_beside_its_picture_is_not_unpacked(name: str, extra: bytes, say: Say) -> None:
    data = png(chunk(name.encode(), extra + packed(400)), ONE)
    seconds, grown_mb = cost(data)
    assert decode_image(data).rgb().tolist() == [[[1, 2, 3]]]
    assert grown_mb < 20
    assert seconds < 0.5
    say(f"{name} of 400 MB in {len(data) / 1e3:.0f} kB: {seconds * 1e3:.0f} ms, {grown_mb:+.0f} MB")


def test_more_rows_than_a_png_has_are_not_unpacked(say: Say) -> None:
    data = png(chunk(b"IDAT", packed(400)))
    with pytest.raises(DecodeError, match="it unpacks to more rows than it has"):
        decode_image(data)
    seconds, grown_mb = cost(data)
    assert seconds < 0.5
    assert grown_mb < 20
    say(f"400 MB of rows in {len(data) / 1e3:.0f} kB: {seconds * 1e3:.0f} ms")


@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize(("colour", "depths"), [(0, (1, 2, 4, 8, 16)), (2, (8, 16)), (4, (8, 16)), (6, (8, 16))])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (33, 17)])
def test_the_rows_of_every_kind_of_png_are_counted_right(
    colour: int, depths: tuple[int, ...], size: tuple[int, int], interlace: int
) -> None:
    for depth in depths:
        count = bitstream._row_bytes(png(size=size, depth=depth, colour=colour, interlace=interlace))
        whole = png(
            chunk(b"IDAT", zlib.compress(bytes(count))), size=size, depth=depth, colour=colour, interlace=interlace
        )
        assert decode_image(whole).width_px == size[0]
        more = chunk(b"IDAT", zlib.compress(bytes(count + 1)))
        with pytest.raises(DecodeError, match="more rows"):
            decode_image(png(more, size=size, depth=depth, colour=colour, interlace=interlace))


def segment(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + struct.pack(">H", len(body) + 2) + body


def scans(count: int) -> bytes:
    """Return a progressive JPEG of 4088x4088 whose scans change nothing, 31 bytes each."""
    begin = b"\xff\xd8" + segment(0xDB, b"\0" + bytes([1] * 64))
    begin += segment(0xC2, struct.pack(">BHHB", 8, 4088, 4088, 1) + b"\1\x11\0")
    begin += segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0")
    begin += segment(0xC4, b"\x10" + bytes([1, 1] + [0] * 14) + b"\xe0\x00")
    blocks = 511 * 511
    first = segment(0xDA, b"\1\1\0\0\0\0") + bytes((blocks + 7) // 8)
    bits = ""
    while blocks:
        run = min(blocks, 2**15 - 1)
        bits += "0" + format(run - 2**14, "014b") if run >= 2**14 else "10"
        blocks -= run if run >= 2**14 else 1
    bits += "1" * (-len(bits) % 8)
    data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    return begin + first + (segment(0xDA, b"\1\1\0\1\x3f\0") + data) * count + b"\xff\xd9"


def test_a_jpeg_passes_over_its_picture_a_hundred_times_at_most(say: Say) -> None:
    with pytest.raises(DecodeError, match="more than 128 scans"):
        decode_image(scans(500_000))
    many_s, _ = cost(scans(500_000))
    most_s, _ = cost(scans(127))
    assert decode_image(scans(100)).width_px == 4088
    assert many_s < 0.5
    assert most_s < 3
    say(f"500,000 scans of 16.7 megapixels: {many_s * 1e3:.0f} ms; 128, the most: {most_s * 1e3:.0f} ms")


def test_a_jpeg_says_its_size_once() -> None:
    begin = JPEG.index(b"\xff\xc0")
    size = JPEG[begin : begin + 2 + int.from_bytes(JPEG[begin + 2 : begin + 4], "big")]
    large = size[:5] + struct.pack(">HH", 4096, 4096) + size[9:]
    with pytest.raises(DecodeError, match="more than one size"):
        decode_image(JPEG[:2] + (size + large) * 20_000 + JPEG[2:])
    hidden = segment(0xDB, b"\0" + bytes([1] * 64) + large * 100)
    with pytest.raises(DecodeError, match="a segment is damaged"):
        decode_image(JPEG[:2] + hidden + JPEG[2:])


def test_what_a_jpeg_holds_beside_its_picture_is_left_out_and_changes_nothing() -> None:
    notes = segment(0xE1, b"Exif\0\0" + JPEG[:2000]) + segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(9000))
    noted = JPEG[:2] + notes + segment(0xFE, bytes(300)) + JPEG[2:] + b"and more after its end"
    assert len(bitstream.jpeg(noted)) == len(JPEG)
    assert (decode_image(noted).rgb() == decode_image(JPEG).rgb()).all()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_packet_has_no_more_units_than_a_picture_may_have(codec: str, say: Say) -> None:
    first = b"\0\0\1\x0c\x80" if codec == "h264" else b"\0\0\1\x44\1\xc1\x72\xb4\x62\x40"
    for unit in (b"\0\0\1\x0c\x80", b"\0\0\1\x46\1\x50"):
        decoder = VideoDecoder(codec)
        began_s = time.process_time()
        with pytest.raises(DecodeError, match="it has more than 238 units"):
            decoder.decode(first + unit * 200_000, 0)
        seconds = time.process_time() - began_s
        assert seconds < 0.2
    say(f"{codec}: 200,000 units in a packet: refused in {seconds * 1e3:.1f} ms")


def test_units_are_counted_where_lengths_stand_before_them_and_in_av1() -> None:
    many = b"\0\0\0\1\x0c" * 2000
    with pytest.raises(DecodeError, match="more than 1000 units"):
        bitstream.check_packet("h264", many, 320 * 240, 4)
    assert bitstream.check_packet("h264", b"\0\0\7\xd0" + bytes(2000), 320 * 240, 4)
    with pytest.raises(DecodeError, match="more than 1000 units"):
        bitstream.check_packet("av1", b"\x7a\0" * 2000, 320 * 240)
    assert bitstream.check_packet("av1", b"\x12\0" + b"\x7a\xd0\x0f" + b"\0" * 2000, 320 * 240)


def test_ten_thousand_chunks_or_segments_are_enough() -> None:
    with pytest.raises(DecodeError, match="more than 10000 chunks"):
        decode_image(png(*[chunk(b"IDAT", b"")] * 10_001))
    with pytest.raises(DecodeError, match="10000 segments"):
        decode_image(JPEG[:2] + segment(0xFE, b"") * 10_001 + JPEG[2:])


def test_a_picture_of_av_is_what_it_was() -> None:
    context = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 48, "rgb24", Fraction(1, 25)
    data = b"".join(map(bytes, context.encode(av.VideoFrame.from_ndarray(PIXELS, "rgb24"))))
    assert (decode_image(data).rgb() == PIXELS).all()
