"""Frame -> clip: what the network sees of a picture."""

import math

import numpy as np

from stream.cards import Card
from stream.types import Array, Picture, Rgb

TO_UNIT = np.float32(1 / 255)

LEAST_EXPONENT = 1 / 6
"""Of lightening: a picture that is all but black is noise, and stays dark."""


def preprocess(picture: Picture, card: Card) -> Array:
    """Make the square that the network sees.

    The picture is converted and scaled in one pass, at the size that `card.fit` asks for: `stretch` ignores its shape,
    `crop` keeps the middle square, `pad` keeps all of it between black borders. Then a dark one is raised to
    `card.lighten`.

    Returns:
        (1, 3, 1, S, S) float32 in [0, 1], RGB, contiguous; S is `card.side_px`.

    Raises:
        DecodeError: the picture cannot be converted.
    """
    side_px = card.side_px
    clip = np.empty((1, 3, 1, side_px, side_px), np.float32)
    if card.fit == "stretch" and not card.lighten and hasattr(picture, "write"):  # one of FFmpeg's, a copy less
        picture.write(clip[0, :, 0], TO_UNIT)
        return clip
    found = square(picture, side_px, card.fit)  # (S, S, 3)
    if card.lighten:
        clip[0, :, 0] = lightened(found, card.lighten, _share(picture, card.fit)).transpose(2, 0, 1)
    else:
        np.multiply(found.transpose(2, 0, 1), TO_UNIT, out=clip[0, :, 0])
    return clip


def square(picture: Picture, side_px: int, fit: str) -> Rgb:
    """Scale a picture to (S, S, 3), as `fit` of the card says; see `preprocess`."""
    if fit == "stretch" or picture.width_px == picture.height_px:
        return picture.rgb(side_px, side_px)
    ends = (picture.width_px, picture.height_px)
    scale = side_px / (min(ends) if fit == "crop" else max(ends))
    width_px, height_px = (max(1, round(end * scale)) for end in ends)
    rgb = picture.rgb(width_px, height_px)
    left_px, top_px = abs(width_px - side_px) // 2, abs(height_px - side_px) // 2
    if fit == "crop":
        return rgb[top_px : top_px + side_px, left_px : left_px + side_px]
    square = np.zeros((side_px, side_px, 3), np.uint8)
    square[top_px : top_px + height_px, left_px : left_px + width_px] = rgb
    return square


def lightened(rgb: Rgb, brightness: float, share: float = 1.0) -> Array:
    """Raise a picture that is darker on average by gamma: float32 in [0, 1]; black stays black and white white.

    The exponent takes the mean value to `brightness`. It is the gamma correction that dark footage is usually given
    (Xu et al. 2020, arXiv:2006.03876), with an exponent of each picture's own.

    Args:
        rgb: (..., 3) uint8.
        brightness: in (0, 1).
        share: of the pixels, that are picture and not border, in (0, 1].
    """
    mean = float(rgb.mean()) / 255 / share
    exponent = 1.0 if mean >= brightness or mean == 0 else max(LEAST_EXPONENT, math.log(brightness) / math.log(mean))
    return ((np.arange(256) / 255) ** exponent).astype(np.float32)[rgb]


def _share(picture: Picture, fit: str) -> float:
    """Return how much of the square is picture: what `pad` adds is no darkness."""
    ends = (picture.width_px, picture.height_px)
    return min(ends) / max(ends) if fit == "pad" else 1.0
