"""Reads a TensorFlow Lite file of a MoViNet stream net: float32, float16, dynamic range or int8; no TensorFlow needed.

Weights that were quantised are widened, as they are what the file computes with; activations are computed as float32,
which the file's own are not where it is int8. So it is compared twice: as float32, where it must agree, and as it is,
where the difference is the price of its own rounding.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stream.importers._tflite_file import MAGIC, MAGIC_AT, TfliteFile, open_file
from stream.importers._tflite_net import NetReader
from stream.importers.base import Reading

KIND = "a TensorFlow Lite file of a MoViNet stream net"
PACKAGES: tuple[str, ...] = ()
STORED = {9: "int8", 3: "int8", 1: "float16"}
"""`TensorType` of a kernel -> how it is stored here."""


def recognises(source: str) -> bool:
    """Say whether a file begins as one; see `importers.base.Importer`."""
    file = Path(source)
    if not file.is_file():
        return False
    with file.open("rb") as content:
        return content.read(MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC


def read(source: str, given: Mapping[str, Any]) -> Reading:  # noqa: ARG001  # the graph tells
    """Return its weights, its activations, its gate if it has one, and the side of its picture."""
    file = open_file(source)
    net = NetReader(file)
    return Reading(net.weights, net.facts | _dtype(file) | _side(file))


def _dtype(file: TfliteFile) -> dict[str, Any]:
    """Return how the largest kernel lies in the file."""
    constants = (index for index in range(len(file.tensors)) if file.has_bytes(index))
    largest = max(constants, key=lambda index: math.prod(file.tensors[index].shape))
    return {"dtype": STORED.get(file.tensors[largest].type, "float32")}


def _side(file: TfliteFile) -> dict[str, Any]:
    """Return the side of the picture, (1, T, S, S, 3), where the graph has only one."""
    shapes = [file.tensors[index].shape for index in file.inputs]
    sides = {shape[2] for shape in shapes if len(shape) == 5 and shape[4] == 3 and shape[2] == shape[3] > 1}
    return {"side_px": sides.pop()} if len(sides) == 1 else {}
