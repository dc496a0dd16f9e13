"""Frame -> clip: what the network sees of a picture."""

import numpy as np

from stream.cards import Card
from stream.types import Array, Picture, Rgb

TO_UNIT = np.float32(1 / 255)


def preprocess(picture: Picture, card: Card) -> Array:
    """Make the square that the network sees.

    The picture is converted and scaled in one pass, at the size that `card.fit` asks for: `stretch` ignores its shape,
    `crop` keeps the middle square, `pad` keeps all of it between black borders.

    Returns:
        (1, 3, 1, S, S) float32 in [0, 1], RGB, contiguous; S is `card.side_px`.

    Raises:
        DecodeError: the picture cannot be converted.
    """
    side_px = card.side_px
    square = _square(picture, side_px, card.fit)  # (S, S, 3)
    clip = np.empty((1, 3, 1, side_px, side_px), np.float32)
    np.multiply(square.transpose(2, 0, 1), TO_UNIT, out=clip[0, :, 0])
    return clip


def _square(picture: Picture, side_px: int, fit: str) -> Rgb:
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
