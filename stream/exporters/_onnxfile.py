"""From weights by name, or a graph of them, to the bytes of an ONNX file, and to a file; no torch."""

import json
from collections.abc import Mapping
from pathlib import Path

import onnx

from stream import cache, cards, steps
from stream.cards import Card
from stream.errors import ExportError
from stream.exporters._graph import Graph
from stream.exporters._movinet import MoViNetWriter
from stream.nets import _movinet_specs, _movinet_weights
from stream.types import Array


def encode(card: Card, weights: Mapping[str, Array]) -> bytes:
    """Return the file of a net, the same for the same weights and card: its step, or of a base net the weights alone.

    Raises:
        ModelError: the weights are not exactly those of this net; names the first few.
    """
    if card.kind == "stream":
        return content(MoViNetWriter(card, weights, card.dtype).graph, card)
    _movinet_weights.check(card, weights)
    graph = Graph(card.dtype)
    for name, value in weights.items():
        graph.parameter(name, value)
    return content(graph, card)


def content(graph: Graph, card: Card) -> bytes:
    """Return the file of a graph, with all that a host needs to know of it.

    Raises:
        ExportError: the graph is not valid.
    """
    spec = _movinet_specs.find(card.variant)
    states = spec.state_shapes(card.side_px, card.has_se) if card.kind == "stream" else {}
    metadata = {
        "format": steps.FORMAT,
        "card": cards.dump(steps.embedded(card)),
        "labels": json.dumps(card.labels, ensure_ascii=False),
        "state": json.dumps(steps.sources(states)),
        "decay": repr(card.decay),
    }
    try:
        model = graph.model(card.architecture, metadata)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"card {card.name!r}: the graph is not valid ONNX: {error}") from error
    return bytes(model.SerializeToString(deterministic=True))


def write(path: Path, file: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        ExportError: it cannot be written.
    """
    try:
        cache.write(path, file)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
