"""Tells a cut to another scene from motion, flicker and shake."""

import numpy as np

from stream.types import Array

GRID = 16
"""Count: the picture is compared as 16x16 cells."""
BIN_COUNT = 8
"""Count: shades of each colour told apart by the histogram."""


class CutDetector:
    """Compares each frame with the one before; conservative, because a false cut costs the memory of a true action.

    A cut changes both where things are and which colours there are. A sweeping hand, shake and pans keep most of the
    colours; exposure keeps the places, once its gain is divided out.
    """

    def __init__(self) -> None:
        self._last: Array | None = None  # (3, 16, 16)

    def is_cut(self, clip: Array) -> bool:
        """Say whether the (1, 3, 1, S, S) clip shows another scene than the last one given."""
        cells, last = _cells(clip), self._last
        self._last = cells
        return last is not None and _moved(last, cells) > 0.5 and _recoloured(last, cells) > 0.35


def _cells(clip: Array) -> Array:
    """Average every other pixel of the middle into 16x16 cells."""
    picture = clip[0, :, 0, ::2, ::2]  # (3, S / 2, S / 2)
    side = picture.shape[1] // GRID  # 1 or more: S is at least 32
    picture = picture[:, : side * GRID, : side * GRID]
    return np.asarray(picture.reshape(3, GRID, side, GRID, side).mean((2, 4)), np.float32)


def _moved(last: Array, cells: Array) -> float:
    """Return the share of cells, 0 to 1, whose brightness changed once the change of all of them is taken out."""
    before, now = last.mean(0), cells.mean(0)  # (16, 16)
    gain = (now.mean() + 0.02) / (before.mean() + 0.02)
    return float((np.abs(now - gain * before) > 0.1 * max(1.0, gain)).mean())


def _recoloured(last: Array, cells: Array) -> float:
    """Return the share of colour, 0 to 1, that changed between the two histograms, the worst of the three channels."""
    return max(float(np.abs(_histogram(a) - _histogram(b)).sum()) / 2 for a, b in zip(last, cells, strict=True))


def _histogram(cells: Array) -> Array:
    bins = np.minimum(cells * BIN_COUNT, BIN_COUNT - 1).astype(np.intp).ravel()
    return np.asarray(np.bincount(bins, minlength=BIN_COUNT) / cells.size, np.float32)
