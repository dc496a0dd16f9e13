"""How weights are stored: float32 as they are, float16 in half the room, int8 in a quarter.

Only the kernels of convolutions (four dimensions and more) are packed; norms, biases and scales, a fiftieth of the
whole, stay float32. int8 is symmetric, with a factor for every output channel: value = factor * integer. Numpy only.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from stream.errors import ModelError

DTYPES = ("float32", "float16", "int8")

FACTOR = "/factor"
"""Ends the name of an int8 weight's factors."""

Values = npt.NDArray[Any]


def pack(name: str, value: npt.NDArray[np.float32], dtype: str) -> tuple[Values, Values | None]:
    """Return a weight as it is stored, and for int8 the factor of each output channel, (C,).

    Raises:
        ModelError: a number is beyond what float16 holds.
    """
    if dtype == "float32" or value.ndim < 4:
        return value, None
    if dtype == "int8":
        return _quantised(value)
    with np.errstate(over="ignore"):
        half = value.astype(np.float16)
    if not np.isfinite(half).all():
        raise ModelError(f"{name!r} reaches {np.abs(value).max():.3g}, beyond float16's 65504: store it as float32")
    return half, None


def unpack(values: Values, factor: Values | None = None) -> npt.NDArray[np.float32]:
    """Return a stored weight as float32."""
    wide = np.array(values, np.float32)
    return wide if factor is None else wide * _along_channels(np.asarray(factor, np.float32), wide.ndim)


def _quantised(value: npt.NDArray[np.float32]) -> tuple[Values, Values]:
    largest = np.abs(value).reshape(len(value), -1).max(1)
    factor = np.where(largest > 0, largest / np.float32(127), np.float32(1)).astype(np.float32)
    return np.rint(value / _along_channels(factor, value.ndim)).astype(np.int8), factor


def _along_channels(factor: Values, dimensions: int) -> Values:
    return factor.reshape(-1, *(1,) * (dimensions - 1))
