"""What one stream remembers, as bytes: to go on from elsewhere as if nothing had happened.

A checkpoint has no structure of its own to be fooled by: after a fingerprint of the model, the settings and the layout
come the numbers, one after the other, in the order in which this very session would write them. Whatever is of another
model, version or length is refused before a number is read. All is little-endian; nothing is compressed.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.errors import CheckpointError

Saved = Mapping[str, npt.NDArray[Any]]
"""Name -> numbers: float32 of the network; float64 seconds, of which a single one is a clock, -inf before it has begun;
uint64 counts; bool."""

MAGIC = b"stream checkpoint 1\n"
"""What it begins with: its format's version, to be counted up when these bytes come to mean something else."""
HEAD_BYTES = len(MAGIC) + hashlib.sha256().digest_size
FURTHEST_S = 2e9
"""Seconds: times beyond this are none."""
MOST = 2**53
"""Count: more than this was never counted."""


def nested(name: str, saved: Saved) -> dict[str, npt.NDArray[Any]]:
    """Return what a part remembers under the part's name; `inside` finds it again."""
    return {f"{name}.{key}": value for key, value in saved.items()}


def inside(name: str, saved: Saved) -> dict[str, npt.NDArray[Any]]:
    """Return what a part remembers, by its own names."""
    return {key.removeprefix(f"{name}."): value for key, value in saved.items() if key.startswith(f"{name}.")}


def pack(saved: Saved, about: str) -> bytes:
    """Write a checkpoint.

    Args:
        saved: what is remembered.
        about: what else must be the same for these numbers to mean the same: the model and the settings.
    """
    return b"".join([MAGIC, _fingerprint(saved, about), *(_little(value).tobytes() for value in saved.values())])


def unpack(checkpoint: bytes, like: Saved, about: str) -> dict[str, npt.NDArray[Any]]:
    """Read a checkpoint; every array is a fresh one that may be written to.

    Args:
        checkpoint: bytes from anywhere.
        like: what the session that is to go on remembers now: the names, kinds and shapes that are accepted.
        about: as in `pack`.

    Raises:
        CheckpointError: it is of another model, of other settings, or damaged; says what was found.
    """
    length = HEAD_BYTES + sum(value.nbytes for value in like.values())
    if not checkpoint.startswith(MAGIC):
        raise CheckpointError(f"{len(checkpoint)} bytes are no checkpoint of this version ({MAGIC.decode().strip()})")
    if checkpoint[len(MAGIC) : HEAD_BYTES] != _fingerprint(like, about):
        raise CheckpointError("the checkpoint is of another model, of other settings, or of another version")
    if len(checkpoint) != length:
        raise CheckpointError(f"the checkpoint has {len(checkpoint)} bytes; accepted: {length}")
    saved, at = {}, HEAD_BYTES
    for name, value in like.items():
        saved[name] = _read(checkpoint, at, name, value)
        at += value.nbytes
    return saved


def _fingerprint(saved: Saved, about: str) -> bytes:
    layout = [(name, value.dtype.str, value.shape) for name, value in saved.items()]
    return hashlib.sha256(repr((about, layout)).encode()).digest()


def _read(data: bytes, at: int, name: str, like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    found = np.frombuffer(data, _little(like).dtype if like.dtype != np.bool_ else np.uint8, like.size, at)
    if not _is_possible(found, like):
        raise CheckpointError(f"the checkpoint's {name} has numbers that were never written")
    return found.astype(like.dtype).reshape(like.shape)


def _is_possible(found: npt.NDArray[Any], like: npt.NDArray[Any]) -> bool:
    """Say whether numbers are of their kind: see `Saved`."""
    if like.dtype == np.bool_:
        return bool((found <= 1).all())
    if like.dtype == np.uint64:
        return bool((found <= MOST).all())
    if like.dtype == np.float32:
        return bool(np.isfinite(found).all())
    return bool((np.abs(found) <= FURTHEST_S).all()) or (like.ndim == 0 and bool(found[0] == -np.inf))


def _little(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
