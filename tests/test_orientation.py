"""How stored pictures stand upright, by every note that is made of it."""

import io
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from stream.buffer import frames
from stream.decode import decode_image, encode_jpeg
from stream.orientation import EXIF, UPRIGHT, Orientation, of_exif, of_jpeg, of_matrix
from stream.preprocess import TO_UNIT
from stream.sources import open_source
from stream.types import Rgb
from tests import clips, turned


def written(tag: int, kind: str) -> bytes:
    """Return a picture of Pillow's that says how it is turned."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = tag
    Image.fromarray(clips.square(3)).save(file, kind, exif=exif, quality=95)
    return file.getvalue()


def near(found: Rgb, wanted: Rgb) -> bool:
    return found.shape == wanted.shape and bool(np.abs(found.astype(int) - wanted).mean() < 6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("tag", EXIF)
def test_exif_turns_a_picture_as_pillow_does(tag: int, kind: str) -> None:
    data = written(tag, kind)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    picture = decode_image(data)
    assert near(picture.rgb(), wanted)
    assert (picture.height_px, picture.width_px) == wanted.shape[:2]


def test_a_large_jpeg_is_turned_at_a_quarter_of_its_size_too() -> None:
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(clips.square(3, 640, 480)).save(file, "JPEG", exif=exif)
    picture = decode_image(file.getvalue(), least_px=80)
    assert (picture.width_px, picture.height_px) == (120, 160)
    assert near(picture.rgb(120, 160), np.rot90(clips.square(3, 640, 480), -1)[2::4, 2::4])


@given(st.binary(max_size=200))
def test_damaged_exif_is_no_error(noise: bytes) -> None:
    assert of_exif(b"II*\0" + noise) in EXIF.values()
    assert of_jpeg(b"\xff\xd8\xff\xe1" + noise) in EXIF.values()


@pytest.mark.parametrize(
    "degrees", [(0, UPRIGHT), (44, UPRIGHT), (90, Orientation(1)), (181, Orientation(2)), (-89, Orientation(3))]
)
def test_a_matrix_is_taken_to_the_nearest_quarter_turn(degrees: tuple[int, Orientation]) -> None:
    angle, wanted = np.radians(degrees[0]), degrees[1]
    one, cos, sin = 1 << 16, np.cos(angle), np.sin(angle)
    matrix = struct.pack("=9i", int(cos * one), int(sin * one), 0, int(-sin * one), int(cos * one), 0, 0, 0, 1 << 30)
    assert of_matrix(matrix) == wanted
    assert of_matrix(matrix[:20]) == of_matrix(bytes(36)) == UPRIGHT


@pytest.mark.parametrize("way", turned.WAYS, ids=str)
def test_a_film_stands_upright_however_it_is_stored(tmp_path: Path, way: Orientation) -> None:
    with open_source(str(turned.write(tmp_path / "a.mp4", way))) as source:
        found = list(frames(source))
    assert len(found) == 20
    for index, frame in enumerate(found):
        assert near(frame.picture.rgb(), clips.square(index))
    small = found[5].picture.rgb(64, 48)
    assert small.shape == (48, 64, 3)
    out = np.empty((3, 48, 64), np.float32)
    found[5].picture.write(out, TO_UNIT)  # type: ignore[attr-defined]  # one of FFmpeg's
    assert np.allclose(out.transpose(1, 2, 0), small * TO_UNIT)
    assert near(decode_image(encode_jpeg(found[5].picture)).rgb(), clips.square(5))


def test_pixels_that_are_no_squares_are_stretched(tmp_path: Path) -> None:
    for name, aspect, way, size in [
        ("wide", Fraction(4, 3), UPRIGHT, (213, 120)),
        ("narrow", Fraction(1, 2), UPRIGHT, (160, 240)),
        ("wide and lying", Fraction(2), Orientation(1), (160, 240)),  # stored 120 x 160, so 240 x 160 lying
        ("absurd", Fraction(100), UPRIGHT, (160, 120)),
    ]:
        with open_source(str(turned.write(tmp_path / f"{name}.mp4", way, 2, aspect))) as source:
            picture = next(frames(source)).picture
        assert (picture.width_px, picture.height_px) == size, name
        assert picture.rgb().shape == (size[1], size[0], 3), name
