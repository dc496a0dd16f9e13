"""From a graph to the bytes of an ONNX file, to a file, and to its step in ONNX Runtime."""

import json
from pathlib import Path

import onnx
import onnxruntime

from stream import cache, cards, steps
from stream.cards import Card
from stream.errors import ExportError
from stream.exporters import _parity
from stream.exporters._graph import Graph
from stream.nets.movinet import MoViNet


def content(graph: Graph, net: MoViNet, card: Card) -> bytes:
    """Return the file of a graph, with all that a host needs to know of it.

    Raises:
        ExportError: the graph is not valid.
    """
    metadata = {
        "format": steps.FORMAT,
        "card": cards.dump(steps.embedded(card)),
        "labels": json.dumps(card.labels, ensure_ascii=False),
        "state": json.dumps(steps.sources(net.state_shapes())),
        "decay": repr(card.decay),
    }
    try:
        model = graph.model(card.architecture, metadata)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"card {card.name!r}: the graph is not valid ONNX: {error}") from error
    return bytes(model.SerializeToString(deterministic=True))


def step(file: bytes) -> _parity.Step:
    """Return the step of an ONNX or ORT file in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return _parity.stepper(lambda inputs: dict(zip(names, session.run(names, inputs), strict=True)))


def write(path: Path, file: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        ExportError: it cannot be written.
    """
    try:
        cache.write(path, file)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
