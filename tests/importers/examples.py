"""One example for each importer: writes a file of its kind into a folder and returns what to import."""

from pathlib import Path

import torch

from tests import tiny
from tests.importers import port


def _port(folder: Path) -> str:
    torch.save(port.state_dict(port.models()["a0-stream"], 5), folder / "modelA0_stream_statedict")
    return str(folder / "modelA0_stream_statedict")


def _statedict(folder: Path) -> str:
    torch.save({"state_dict": tiny.net(tiny.card("relu6")).state_dict()}, folder / "net.pt")
    return str(folder / "net.pt")


def _onnx(folder: Path) -> str:
    return str(folder / tiny.write(folder, "clip").weights)


EXAMPLES = {"port": _port, "statedict": _statedict, "onnx": _onnx}

ELSEWHERE = {"savedmodel", "checkpoint", "h5", "tflite"}
"""Importers whose files only TensorFlow and Google's own code can write: `make imports` makes and imports them."""
