"""Writes a stream net for phones in a quarter of the size: kernels as int8, a factor a channel; all else is float32."""

from collections.abc import Sequence
from pathlib import Path

from stream.cards import Card
from stream.exporters import _phone
from stream.exporters.base import Bound, Parity
from stream.nets.base import Net
from stream.types import Array

SUFFIX, IS_LOADABLE, IS_FOLDED, BOUND = "int8.onnx", True, True, Bound(0.5, 0.9)


def export(net: Net, card: Card, path: Path, footage: Sequence[Array] = ()) -> Parity:
    """Write the net to `path`; see `exporters.base.Export`."""
    return _phone.export(net, card, path, footage, "int8", BOUND)
