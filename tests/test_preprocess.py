from dataclasses import replace

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.cards import Card
from stream.pictures import AvPicture, RgbPicture
from stream.preprocess import lightened, preprocess
from stream.types import Rgb
from tests import clips

CARD = Card(name="toy", architecture="toy", variant="toy", side_px=32, fps=10.0, labels=("a",))


def thirds(width_px: int, height_px: int, axis: int) -> Rgb:
    """Red, green and blue, side by side (axis 1) or one above the other (axis 0)."""
    picture = np.zeros((height_px, width_px, 3), np.uint8)
    for channel, part in enumerate(np.array_split(np.arange(picture.shape[axis]), 3)):
        picture[(slice(None), part, channel) if axis else (part, slice(None), channel)] = 255
    return picture


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@given(width_px=st.integers(1, 90), height_px=st.integers(1, 90), side_px=st.integers(32, 48))
def test_any_size_becomes_a_clip(fit: str, width_px: int, height_px: int, side_px: int) -> None:
    picture = RgbPicture(np.full((height_px, width_px, 3), 255, np.uint8))
    clip = preprocess(picture, replace(CARD, fit=fit, side_px=side_px))
    assert (clip.shape, clip.dtype, clip.flags.c_contiguous) == ((1, 3, 1, side_px, side_px), np.float32, True)
    assert clip.max() == 1.0
    assert clip.min() == (0.0 if fit == "pad" and 0 in clip else 1.0)


def test_values_are_the_bytes_over_255() -> None:
    picture = np.arange(32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(32, 32, 3)
    clip = preprocess(RgbPicture(picture), CARD)
    assert np.allclose(clip[0, :, 0], picture.transpose(2, 0, 1) / 255, rtol=0, atol=1e-7)


def test_stretch_keeps_all_of_it() -> None:
    clip = preprocess(RgbPicture(thirds(96, 32, axis=1)), CARD)
    assert [int(clip[0, :, 0, 16, x].argmax()) for x in (2, 16, 29)] == [0, 1, 2]


@pytest.mark.parametrize("axis", [0, 1])
def test_crop_keeps_the_middle(axis: int) -> None:
    size = (96, 32) if axis else (32, 96)
    clip = preprocess(RgbPicture(thirds(*size, axis)), replace(CARD, fit="crop"))
    assert np.allclose(clip.mean(axis=(0, 2, 3, 4)), (0, 1, 0), atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_pad_keeps_all_of_it_between_black_borders(axis: int) -> None:
    size = (96, 32) if axis else (32, 96)
    square = preprocess(RgbPicture(np.full((size[1], size[0], 3), 255, np.uint8)), replace(CARD, fit="pad"))[0, 0, 0]
    lit = square.mean(axis=axis)  # across the long side
    assert np.count_nonzero(lit == 1) == 11  # 32 / 3, rounded
    assert not lit[:10].any()
    assert not lit[21:].any()


def test_a_decoded_frame_gives_the_clip_of_its_rgb() -> None:
    rgb = clips.square(2, 320, 240)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
    difference = preprocess(AvPicture(frame), CARD) - preprocess(RgbPicture(rgb), CARD)
    assert np.abs(difference).mean() < 0.01


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_a_dark_picture_is_raised_and_its_black_borders_do_not_count_as_dark(fit: str) -> None:
    dark = RgbPicture(np.full((40, 80, 3), 17, np.uint8))
    clip = preprocess(dark, replace(CARD, fit=fit, lighten=0.4))
    assert clip.max() == pytest.approx(0.4, abs=1e-6)
    assert clip.dtype == np.float32
    assert np.array_equal(preprocess(dark, replace(CARD, fit=fit)) > 0, clip > 0)


def test_a_picture_that_is_bright_enough_is_left_as_it_is() -> None:
    bright = RgbPicture(clips.square(3, 64, 64))
    assert np.allclose(preprocess(bright, replace(CARD, lighten=0.2)), preprocess(bright, CARD), atol=1e-7)


@given(st.integers(0, 255), st.integers(0, 255), st.floats(0.05, 0.95))
def test_lightening_never_darkens_nor_swaps_what_is_darker(first: int, second: int, brightness: float) -> None:
    rgb = np.array([[[first, second, 0]]], np.uint8)
    found = lightened(rgb, brightness)[0, 0]
    assert (found >= rgb[0, 0] / 255 - 1e-6).all()
    assert (found[0] >= found[1]) == (first >= second)
    assert found[2] == 0


def test_all_but_black_stays_dark() -> None:
    assert lightened(np.ones((4, 4, 3), np.uint8), 0.9).max() < 0.5
    assert not lightened(np.zeros((4, 4, 3), np.uint8), 0.9).any()
