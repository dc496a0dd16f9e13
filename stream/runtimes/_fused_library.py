"""The compiled part of the fused engine, `native/fused.h`, through ctypes, which lets other threads run meanwhile."""

import ctypes
from ctypes import POINTER, Structure, c_char_p, c_float, c_int, c_int32, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

from stream.errors import NotBuilt
from stream.types import Array

LIBRARY = Path(__file__).with_name("_fused.so")
"""Where the build puts it (docs/engine.md)."""

Floats = POINTER(c_float)


class Product(Structure):
    """Weight (inputs, outputs) and bias (outputs)."""

    _fields_ = (("weight", Floats), ("bias", Floats))


def _many(kind: Any, names: str) -> tuple[tuple[str, Any], ...]:
    return tuple((name, kind) for name in names.split())


class Block(Structure):
    """`FusedBlock`."""

    _fields_ = (
        *_many(c_int32, "side_in side_out inputs middle outputs hidden taps kernel stride is_projected"),
        *_many(c_int64, "ring pool"),
        ("position_scale", c_float),
        *_many(Product, "expand reduce gate project skip spatial temporal"),
    )


class Net(Structure):
    """`FusedNet`."""

    _fields_ = (
        *_many(c_int32, "side stem_outputs features head classes gate"),
        *_many(c_int32, "activation head_activation is_positional trained_frames block_count"),
        *_many(c_int64, "row_floats head_pool count position"),
        ("frequencies", Floats),
        *_many(Product, "stem features_product dense classifier"),
        ("blocks", POINTER(Block)),
    )


class Clip(Structure):
    """`FusedClip`."""

    _fields_ = (("pixels", c_void_p), *_many(c_int64, "row channel frame line"), *_many(c_int32, "batch frames"))


def pointer(values: Array) -> Any:
    """Return the address of the first number; whoever calls keeps the array alive."""
    return values.ctypes.data_as(Floats)


def address(values: Array) -> int:
    """Return the same as a number, by what runs no Python of NumPy's: after a step that is in no cache any more."""
    return int(values.__array_interface__["data"][0])


def clip_of(clip: Array) -> Clip:
    """Describe a (B, 3, T, S, S) clip, `pixels` left out; its lines must lie together."""
    row, channel, frame, line, _ = (stride // 4 for stride in clip.strides)
    return Clip(None, row, channel, frame, line, clip.shape[0], clip.shape[2])


@cache
def library() -> Any:
    """Load the library.

    Raises:
        NotBuilt: this install has none, or it does not load here; says what helps.
    """
    remedy = "install a wheel of movinet-stream for this platform, or a C++17 compiler and then movinet-stream again"
    try:
        found = ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        why = f"cannot be loaded: {error}" if LIBRARY.exists() else "was not built: no compiler was found"
        raise NotBuilt("the engine 'fused'", f"its library {why}", remedy) from error
    if not _is_current(found):
        raise NotBuilt("the engine 'fused'", "its library was built from other sources", remedy)
    found.fused_open.restype, found.fused_open.argtypes = c_void_p, (POINTER(Net), c_char_p)
    found.fused_close.restype, found.fused_close.argtypes = None, (c_void_p,)
    found.fused_level.restype, found.fused_level.argtypes = c_char_p, (c_void_p,)
    found.fused_levels.restype, found.fused_levels.argtypes = c_char_p, ()
    found.fused_step.restype = c_int
    found.fused_step.argtypes = (c_void_p, POINTER(Clip), c_void_p, c_int64, c_void_p, c_void_p)
    return found


def _is_current(library: ctypes.CDLL) -> bool:
    """Say whether a library has the layouts above: one that was built before they changed would read past them."""
    if not hasattr(library, "fused_sizes"):
        return False
    sizes = (c_int64 * 3)()
    library.fused_sizes(sizes)
    return list(sizes) == [ctypes.sizeof(layout) for layout in (Net, Block, Clip)]


def levels() -> tuple[str, ...]:
    """List the levels that run on this processor, best first."""
    names: bytes = library().fused_levels()
    return tuple(names.decode().split())


class Handle:
    """An opened net; its memory is the library's own."""

    def __init__(self, net: Net, level: str = "") -> None:
        """Pack a net's weights for this processor.

        Args:
            net: what is copied; nothing of it is needed afterwards.
            level: one of `levels()`; the best by default.
        """
        self._library = library()
        self._address = self._library.fused_open(ctypes.byref(net), level.encode())
        if not self._address:
            raise MemoryError(f"no memory for a net, or no level {level!r}; this processor has {', '.join(levels())}")
        self.level = str(self._library.fused_level(self._address).decode())

    def __del__(self) -> None:
        if getattr(self, "_address", None):
            self._library.fused_close(self._address)

    def step(self, clip: Clip, memory: int, phase: int, decay: int, logits: int) -> None:
        """Advance a memory, (B, floats), in place by a clip; write (B, padded classes) logits. Arrays by address."""
        if self._library.fused_step(self._address, clip, memory, phase, decay, logits):
            raise MemoryError("no memory for a step")
