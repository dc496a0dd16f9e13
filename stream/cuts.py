"""Tells a cut to another scene from motion, flicker and shake."""

from functools import cache

import numpy as np
import numpy.typing as npt

from stream.checkpoint import Saved
from stream.types import Array

GRID = 16
"""Count: the picture is compared as 16x16 cells."""
BIN_COUNT = 8
"""Count: shades of each colour told apart by the histogram."""
SAMPLES = 4
"""Count: a cell is the mean of 4x4 of its pixels."""
LIMIT = 0.09
"""Of share moved times share recoloured, both 0 to 1. Five cuts of a street film give 0.10 to 0.43, a car that fills
its picture as it drives by 0.12, 178 short clips without a cut at most 0.03 (80 to 224 pixels, 5 to 25 frames per
second)."""
SPIKE = 2.0
"""A cut stands out: it is this many times the change of the frame before, which tells it from that car."""


class CutDetector:
    """Compares each frame with the one before; conservative, because a false cut costs the memory of a true action.

    A cut changes both where things are and which colours there are. A sweeping hand, shake and pans keep most of the
    colours; exposure keeps the places, once its gain is divided out. Two very dark scenes look alike to it.
    """

    def __init__(self) -> None:
        self._cells: Array | None = None  # (3, 16, 16)
        self._change = 0.0

    def saved(self) -> Saved:
        """Return what the last picture was like."""
        cells = np.zeros((3, GRID, GRID), np.float32) if self._cells is None else self._cells
        return {"is_begun": np.array(self._cells is not None), "cells": cells, "change": np.array(self._change)}

    def restore(self, saved: Saved) -> None:
        """Take what the last picture of another detector was like."""
        self._cells = saved["cells"].clip(0, 1) if saved["is_begun"] else None
        self._change = float(saved["change"])

    def is_cut(self, clip: Array) -> bool:
        """Say whether the (1, 3, 1, S, S) clip shows another scene than the last one given."""
        last, self._cells = self._cells, _cells(clip)
        before, self._change = self._change, 0.0 if last is None else _change(last, self._cells)
        return self._change > max(LIMIT, SPIKE * before)


def _cells(clip: Array) -> Array:
    """Average 16 pixels of each of 16x16 cells; lists of places are short, since a step leaves them no cache."""
    at = _samples(clip.shape[-1])
    samples = clip[0, :, 0].take(at, 1).take(at, 2).reshape(3, SAMPLES, GRID, SAMPLES, GRID)
    return np.asarray(samples.sum(1).sum(2) * np.float32(1 / SAMPLES**2))


@cache
def _samples(side_px: int) -> npt.NDArray[np.intp]:
    """Return the (64,) places along an edge at which cells are sampled: the first of each cell, then the second, ..."""
    at = np.arange(GRID * SAMPLES) * side_px // (GRID * SAMPLES)
    return np.ascontiguousarray(at.reshape(GRID, SAMPLES).T).ravel()


def _change(last: Array, cells: Array) -> float:
    moved = _moved(last, cells)
    return moved * _recoloured(last, cells) if moved > LIMIT / 2 else 0.0  # most pictures hardly move: no need to go on


def _moved(last: Array, cells: Array) -> float:
    """Return the share of cells, 0 to 1, whose brightness changed once the change of all of them is taken out."""
    before, now = last.sum(0), cells.sum(0)  # of three colours
    gain = (float(now.sum()) + 0.06 * now.size) / (float(before.sum()) + 0.06 * now.size)
    return float(np.count_nonzero(np.abs(now - gain * before) > 0.3 * max(1.0, gain)) / now.size)


def _recoloured(last: Array, cells: Array) -> float:
    """Return the share of colour, 0 to 1, that changed between the two histograms: the worst of the three channels."""
    return float(np.abs(_histograms(last) - _histograms(cells)).sum(1).max()) / 2


def _histograms(cells: Array) -> Array:
    bins = np.minimum(cells.reshape(3, -1) * BIN_COUNT, BIN_COUNT - 1).astype(np.intp)
    bins += BIN_COUNT * np.arange(3)[:, None]
    counts = np.bincount(bins.ravel(), minlength=3 * BIN_COUNT).reshape(3, BIN_COUNT)
    return np.asarray(counts / bins.shape[1], np.float32)
