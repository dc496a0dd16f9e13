import io
import struct
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stream.decode import MAX_PIXELS, decode_image, decode_raw, encode_jpeg
from stream.errors import DecodeError, UsageError
from stream.pictures import AvPicture, RgbPicture, convert
from stream.types import Rgb
from tests import clips

PICTURE = clips.square(3)
JPEG = encode_jpeg(RgbPicture(PICTURE))
PNG = clips.png(PICTURE)
LAYOUTS = ("rgb24", "i420", "nv12")


def distance(a: Rgb, b: Rgb) -> float:
    """Mean absolute difference of two pictures."""
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def grid(width_px: int, height_px: int) -> Rgb:
    """Stripes as fine as pixels: grey from afar, moire where scaling aliases."""
    rows, columns = np.mgrid[0:height_px, 0:width_px]
    return np.repeat((((rows + columns) % 2) * 255).astype(np.uint8)[..., None], 3, axis=2)


def area_mean(picture: Rgb, factor: int) -> Rgb:
    height, width, _ = picture.shape
    blocks = picture.reshape(height // factor, factor, width // factor, factor, 3)
    return np.round(blocks.mean(axis=(1, 3))).astype(np.uint8)


def test_png_comes_back_exactly() -> None:
    assert np.array_equal(decode_image(PNG).rgb(), PICTURE)


@pytest.mark.parametrize("pixels", ["rgba", "gray", "rgb48be"])
def test_png_of_other_depths_becomes_rgb(pixels: str) -> None:
    expected = PICTURE if pixels != "gray" else decode_image(clips.png(PICTURE, "gray")).rgb()[..., :1].repeat(3, 2)
    assert distance(decode_image(clips.png(PICTURE, pixels)).rgb(), expected) < 1


def test_jpeg_comes_back_within_its_loss() -> None:
    assert distance(decode_image(JPEG).rgb(), PICTURE) < 3
    assert np.abs((decode_image(JPEG).rgb().astype(int) - PICTURE).mean(axis=(0, 1))).max() < 1.5  # no tint, no veil


def test_jpeg_takes_a_scaled_picture() -> None:
    small = decode_image(encode_jpeg(RgbPicture(clips.square(0, 320, 240)), max_side_px=160))
    assert (small.width_px, small.height_px) == (160, 120)
    assert decode_image(encode_jpeg(RgbPicture(PICTURE), max_side_px=4000)).width_px == 160


@pytest.mark.parametrize(("width_px", "height_px"), [(640, 480), (641, 483), (1280, 720)])
def test_a_jpeg_far_larger_than_needed_is_decoded_at_a_quarter_and_looks_the_same(
    width_px: int, height_px: int
) -> None:
    jpeg = encode_jpeg(RgbPicture(clips.square(3, width_px, height_px)))
    small, whole = decode_image(jpeg, least_px=80), decode_image(jpeg)
    assert (small.width_px, small.height_px) == (-(-width_px // 4), -(-height_px // 4))
    assert distance(small.rgb(80, 80), whole.rgb(80, 80)) < 1.5
    assert decode_image(jpeg, least_px=height_px // 4 + 1).width_px == width_px, "a quarter would be too small"
    assert decode_image(clips.png(clips.square(3, 640, 480)), least_px=80).width_px == 640


def test_a_jpeg_that_ends_early_is_refused_at_a_quarter_too() -> None:
    jpeg = encode_jpeg(RgbPicture(clips.square(3, 640, 480)))
    for cut in (len(jpeg) // 2, len(jpeg) - 40):
        with pytest.raises(DecodeError, match="damaged or cut short"):
            decode_image(jpeg[:cut], least_px=80)


def test_better_jpeg_is_larger() -> None:
    sizes = [len(encode_jpeg(RgbPicture(PICTURE), quality)) for quality in (10, 50, 85)]
    assert sizes == sorted(set(sizes))
    with pytest.raises(UsageError, match="101; accepted: 1 to 100"):
        encode_jpeg(RgbPicture(PICTURE), 101)


@pytest.mark.parametrize("space", ["ITU601", "ITU709"])
@pytest.mark.parametrize("full", ["MPEG", "JPEG"])
def test_tagged_colours_are_obeyed(space: str, full: str) -> None:
    source = av.VideoFrame.from_ndarray(PICTURE, format="rgb24")
    tagged = source.reformat(format="yuv444p", dst_colorspace=space, dst_color_range=full)
    assert distance(AvPicture(tagged).rgb(), PICTURE) < 2
    assert distance(decode_image(encode_jpeg(AvPicture(tagged), 87)).rgb(), PICTURE) < 4


def test_one_scaler_serves_alternating_ranges_and_sizes() -> None:
    source = av.VideoFrame.from_ndarray(PICTURE, format="rgb24")
    narrow, wide = (source.reformat(format="yuv420p", dst_color_range=full) for full in ("MPEG", "JPEG"))
    fresh = convert(narrow, "rgb24", 80, 60).to_ndarray()
    for _ in range(3):
        assert distance(AvPicture(wide).rgb(), AvPicture(narrow).rgb()) < 2
        assert np.array_equal(AvPicture(narrow).rgb(80, 60), fresh)


@pytest.mark.parametrize("layout", ["yuv420p", "nv12", "rgb24"])
def test_scaling_down_averages_and_does_not_alias(layout: str) -> None:
    fine = av.VideoFrame.from_ndarray(grid(640, 480), format="rgb24").reformat(format=layout)
    assert np.ptp(AvPicture(fine).rgb(80, 60).astype(int)) <= 4
    blocks = clips.square(0, 640, 480)
    scaled = AvPicture(av.VideoFrame.from_ndarray(blocks, format="rgb24").reformat(format=layout)).rgb(80, 60)
    assert distance(scaled, area_mean(blocks, 8)) < 2


def test_colour_keeps_its_sharpness_when_scaled() -> None:
    bars = np.zeros((480, 640, 3), np.uint8)
    bars[:, ::16], bars[:, :, 2] = 0, 128
    bars[:, (np.arange(640) // 8) % 2 == 0] = (255, 0, 0)
    scaled = AvPicture(av.VideoFrame.from_ndarray(bars, format="rgb24").reformat(format="yuv420p")).rgb(80, 60)
    assert distance(scaled, area_mean(bars, 8)) < 12  # 40 and more where chroma has half the width


def test_rgb_picture_at_its_own_size_is_itself() -> None:
    assert RgbPicture(PICTURE).rgb() is PICTURE
    assert RgbPicture(PICTURE).rgb(80, 60).shape == (60, 80, 3)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_raw_pictures_come_back(layout: str) -> None:
    frame = av.VideoFrame.from_ndarray(PICTURE, format="rgb24")
    pixels = {"rgb24": "rgb24", "i420": "yuv420p", "nv12": "nv12"}[layout]
    data = frame.reformat(format=pixels).to_ndarray().tobytes()
    assert distance(decode_raw(data, 160, 120, layout).rgb(), PICTURE) < (3 if layout != "rgb24" else 0.1)


@given(st.sampled_from(LAYOUTS), st.integers(-4, 64), st.integers(-4, 64), st.one_of(st.none(), st.integers(0, 5000)))
def test_raw_length_must_fit_the_size(layout: str, width_px: int, height_px: int, length: int | None) -> None:
    fits = width_px * height_px * 3 // (1 if layout == "rgb24" else 2)
    is_possible = min(width_px, height_px) > 0 and (layout == "rgb24" or (width_px | height_px) % 2 == 0)
    data = bytes(max(0, fits) if length is None else length)
    if is_possible and len(data) == fits:
        assert decode_raw(data, width_px, height_px, layout).rgb().shape == (height_px, width_px, 3)
    else:
        with pytest.raises(DecodeError, match=f"{width_px}x{height_px}"):
            decode_raw(data, width_px, height_px, layout)


def test_wrong_raw_length_names_both() -> None:
    with pytest.raises(DecodeError, match="i420 of 160x120 has 7 bytes; accepted: 28800"):
        decode_raw(bytes(7), 160, 120, "i420")
    with pytest.raises(UsageError, match="'bgr'; accepted: rgb24, i420, nv12"):
        decode_raw(bytes(7), 160, 120, "bgr")  # type: ignore[arg-type]


@given(st.integers(0, len(JPEG)))
def test_jpeg_cut_anywhere_is_a_picture_or_an_error(end: int) -> None:
    try:
        picture = decode_image(JPEG[:end])
    except DecodeError:
        assert end < len(JPEG)
    else:
        assert distance(picture.rgb(), PICTURE) < 3  # whole: only bytes after the last block are missing


def test_jpeg_cut_in_half_is_not_a_grey_picture() -> None:
    with pytest.raises(DecodeError, match=rf"JPEG of 160x120, {len(JPEG) // 2} bytes: damaged or cut short"):
        decode_image(JPEG[: len(JPEG) // 2])


@settings(max_examples=200)
@given(st.sampled_from([JPEG, PNG]), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=20))
def test_mangled_pictures_never_crash(data: bytes, changes: list[tuple[int, int]]) -> None:
    mangled = bytearray(data)
    for at, value in changes:
        mangled[at % len(data)] = value
    try:
        decode_image(bytes(mangled), max_pixels=200_000).rgb(32, 32)
    except DecodeError as error:
        assert str(error)


@given(st.binary(max_size=64))
def test_junk_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(DecodeError, match=r"accepted: JPEG, PNG|damaged or cut short|accepted: 1x1"):
        decode_image(data)


@pytest.mark.parametrize(
    ("name", "bomb"),
    [
        ("PNG of 20000x20000", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 20_000, 20_000) + bytes(400_000)),
        ("JPEG of 30000x30000", b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", 30_000, 30_000) + bytes(380)),
        ("JPEG of 160x0", JPEG.replace(struct.pack(">HH", 120, 160), struct.pack(">HH", 0, 160))),
    ],
)
def test_bombs_are_refused_from_their_header(name: str, bomb: bytes) -> None:
    tracemalloc.start()
    begin_s = time.perf_counter()
    with pytest.raises(DecodeError, match=f"{name}; accepted: 1x1 up to {MAX_PIXELS} pixels"):
        decode_image(bomb)
    assert time.perf_counter() - begin_s < 0.05
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_second_size_in_a_jpeg_does_not_get_past_the_first() -> None:
    begin = JPEG.index(b"\xff\xc0")
    end = begin + 2 + int.from_bytes(JPEG[begin + 2 : begin + 4], "big")
    small = JPEG[begin : begin + 5] + struct.pack(">HH", 8, 8) + JPEG[begin + 9 : end]
    with pytest.raises(DecodeError, match=r"JPEG of [0-9]+ bytes: it has more than one size"):
        decode_image(JPEG[:begin] + small + JPEG[begin:], max_pixels=100)


def test_many_threads_convert_at_once() -> None:
    pictures = [RgbPicture(clips.square(i, 640 + 320 * (i % 3), 480)) for i in range(6)]
    alone = [picture.rgb(172, 172) for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda picture: picture.rgb(172, 172), pictures * 40))
    assert all(np.array_equal(found, alone[i % 6]) for i, found in enumerate(together))


def test_many_threads_decode_at_once() -> None:
    sources = [encode_jpeg(RgbPicture(clips.square(i, 160 + 16 * (i % 3), 120))) for i in range(12)]
    alone = [decode_image(data).rgb(64, 48) for data in sources]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda data: decode_image(data).rgb(64, 48), sources * 10))
    assert all(np.array_equal(found, alone[i % 12]) for i, found in enumerate(together))


@pytest.mark.parametrize("width_px", range(98, 132, 2))
def test_no_column_is_left_black_whatever_the_width(width_px: int) -> None:
    picture = clips.square(0, width_px, 60)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
    assert np.abs(AvPicture(frame).rgb().astype(int) - picture).mean(axis=(0, 2)).max() < 12


def by_pillow(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(clips.square(2)).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"), [("WEBP", {"lossless": True}), ("WEBP", {"quality": 95}), ("BMP", {}), ("GIF", {})], ids=str
)
def test_other_pictures_are_read_too_and_bounded(kind: str, options: dict[str, object]) -> None:
    data = by_pillow(kind, **options)
    picture = decode_image(data)
    assert (picture.width_px, picture.height_px) == (160, 120)
    assert np.abs(picture.rgb().astype(int) - clips.square(2)).mean() < 9
    with pytest.raises(DecodeError, match="of 160x120; accepted: 1x1 up to 100 pixels"):
        decode_image(data, max_pixels=100)
    for length in range(0, len(data) // 2, 97):
        with pytest.raises(DecodeError):
            decode_image(data[:length])


def test_an_animated_webp_is_refused_in_words() -> None:
    data = by_pillow("WEBP", save_all=True, append_images=[Image.fromarray(clips.square(9))])
    with pytest.raises(DecodeError, match="an animated WebP; accepted: one picture"):
        decode_image(data)
