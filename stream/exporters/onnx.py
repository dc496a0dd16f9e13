"""Writes a stream net as one ONNX step with explicit state; `stream/steps.py` and docs/export.md draw the contract."""

from collections.abc import Sequence
from pathlib import Path

from stream.cards import Card
from stream.exporters import _onnxfile, _parity
from stream.exporters.base import Bound, Parity
from stream.nets.base import Net
from stream.nets.movinet import MoViNet
from stream.types import Array

SUFFIX, IS_LOADABLE, IS_FOLDED, BOUND = "onnx", True, False, Bound(1e-4)


def export(net: Net, card: Card, path: Path, footage: Sequence[Array] = ()) -> Parity:
    """Write the net to `path`; see `exporters.base.Export`."""
    net = _parity.streamable(net, card)
    content = encode(net, card)
    parity = compare(net, card, content, footage)
    _onnxfile.write(path, content)
    return parity


def encode(net: MoViNet, card: Card) -> bytes:
    """Return the ONNX file's bytes, the same for the same net and card."""
    return _onnxfile.encode(card, _parity.arrays(net))


def compare(net: MoViNet, card: Card, content: bytes, footage: Sequence[Array] = ()) -> Parity:
    """Step the file and the net over the same frames.

    Raises:
        ParityError: the logits or a state differ by more than 1e-4 of their size, or of 1 where they are smaller.
    """
    return _parity.compare(net, card, _parity.onnx_step(content), BOUND, footage)
