"""Weights made from their names alone, the same on both sides of a comparison. Needs numpy only.

A freshly built MoViNet tests nothing of its blocks: ReZero scales start at zero and batch norms at identity. Here every
parameter and moving statistic has values of its own, in ranges that let a signal live through A5's 54 blocks and take
the gates and hard swishes through all their pieces.
"""

import hashlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

RANGES = {
    "skip.project.norm.weight": (0.6, 1.0),
    "project.norm.weight": (0.4, 0.8),
    "norm.weight": (0.7, 1.3),
    "norm.bias": (-0.3, 0.5),
    "norm.running_mean": (-0.3, 0.3),
    "norm.running_var": (0.6, 1.6),
    "position.scale": (0.3, 0.9),
    "scale": (0.3, 0.7),
    "bias": (-0.5, 0.5),
}
"""End of the name -> smallest and largest value; the first that fits counts."""

GAINS = {"se.reduce.weight": 3.0, "se.expand.weight": 12.0, "classifier.weight": 2.0}
"""End of the name -> variance of a weight times its fan-in; 2 elsewhere. Gates must reach both their ends."""


def uniform(name: str, shape: tuple[int, ...], low: float, high: float) -> Floats:
    """Return numbers in [low, high) that depend on the name and on nothing else, numpy's version included."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")
    raw = np.random.PCG64(seed).random_raw(int(np.prod(shape, dtype=np.int64)))
    unit = (np.asarray(raw, np.uint64) >> np.uint64(40)).astype(np.float64) / 2**24
    return (low + (high - low) * unit).astype(np.float32).reshape(shape)


def value(key: str, shape: tuple[int, ...]) -> Floats:
    """Return the value of one entry of our `state_dict`."""
    for end, (low, high) in RANGES.items():
        if key.endswith(end):
            return uniform(key, shape, low, high)
    gain = next((gain for end, gain in GAINS.items() if key.endswith(end)), 2.0)
    fan_in = 4 if ".taps." in key else int(np.prod(shape[1:]))
    bound = float(np.sqrt(3.0 * gain / fan_in))
    return uniform(key, shape, -bound, bound)


def clip(name: str, batch: int, frames: int, side: int) -> Floats:
    """Return (B, 3, T, S, S) in [0, 1): coarse patches, another in each frame, under fine noise."""
    coarse = uniform(f"{name}/coarse", (batch, 3, frames, 5, 5), 0.0, 1.0)
    cells = np.arange(side) * 5 // side
    fine = uniform(f"{name}/fine", (batch, 3, frames, side, side), 0.0, 1.0)
    return np.float32(0.7) * coarse[..., cells[:, None], cells[None, :]] + np.float32(0.3) * fine
