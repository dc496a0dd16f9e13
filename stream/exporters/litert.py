"""Writes a stream net for LiteRT (formerly TensorFlow Lite), straight from PyTorch: no TensorFlow is needed.

The signature `serving_default` takes and gives tensors by the names of `stream/steps.py`. LiteRT's XNNPACK, GPU and NPU
delegates compute it; the comparison here is with XNNPACK on this processor.
"""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import litert_torch
import torch
from ai_edge_litert import interpreter as litert

from stream import steps
from stream.cards import Card
from stream.exporters import _onnxfile, _parity
from stream.exporters._frame import FrameStep
from stream.exporters.base import Bound, Parity
from stream.nets.base import Net
from stream.nets.movinet import MoViNet
from stream.types import Array

SUFFIX, IS_LOADABLE, IS_FOLDED, BOUND = "tflite", False, True, Bound(1e-4)


def export(net: Net, card: Card, path: Path, footage: Sequence[Array] = ()) -> Parity:
    """Write the net to `path`; see `exporters.base.Export`."""
    net = _parity.streamable(net, card)
    content = encode(net, card)
    parity = _parity.compare(net, card, step(content), BOUND, footage)
    _onnxfile.write(path, content)
    return parity


def encode(net: MoViNet, card: Card) -> bytes:
    """Return the file's bytes."""
    side = card.side_px
    takes = {steps.IMAGE: torch.zeros(1, 3, side, side), steps.DECAY: torch.ones(1, 1, 1, 1), **net.init_state()}
    logging.getLogger().setLevel(logging.WARNING)
    converted = litert_torch.convert(FrameStep(net).eval(), sample_kwargs=takes)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.tflite")
        converted.export(str(file))
        return file.read_bytes()


def step(content: bytes) -> _parity.Step:
    """Return the file's step in LiteRT."""
    runner = litert.Interpreter(model_content=content, num_threads=1).get_signature_runner()
    return _parity.stepper(lambda inputs: dict(runner(**inputs)))
