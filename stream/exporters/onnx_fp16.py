"""Writes a stream net for phones in half the size: kernels as float16, widened once as the file is loaded."""

from collections.abc import Sequence
from pathlib import Path

from stream.cards import Card
from stream.exporters import _phone
from stream.exporters.base import Bound, Parity
from stream.nets.base import Net
from stream.types import Array

SUFFIX, IS_LOADABLE, IS_FOLDED, BOUND = "fp16.onnx", True, True, Bound(0.03, 0.98)


def export(net: Net, card: Card, path: Path, footage: Sequence[Array] = ()) -> Parity:
    """Write the net to `path`; see `exporters.base.Export`."""
    return _phone.export(net, card, path, footage, "float16", BOUND)
