"""Writes a stream net as one ONNX step with explicit state; `stream/steps.py` and docs/export.md draw the contract."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from stream import cache, cards, steps
from stream.cards import Card
from stream.errors import ExportError, ParityError
from stream.exporters._graph import Graph
from stream.exporters._movinet import MoViNetWriter
from stream.nets.base import Net, TensorState, one_thread
from stream.nets.movinet import MoViNet
from stream.types import Array, State

TOLERANCE = 1e-4
"""Largest difference allowed, of logits and of state; where they are beyond 1, relative to their size."""

FRAMES, CHUNK = 50, 10
"""Counts: random frames the written file and the net are compared over, and how many of them the net takes at once."""


def export(net: Net, card: Card, path: Path) -> float:
    """Write the net to `path`, whole or not at all, and return the largest difference of its logits over 50 frames.

    Raises:
        ExportError: the net has no step to export, or the file cannot be written.
        ParityError: ONNX Runtime computes something else; nothing is written.
        ModelError: the net was built for another card.
    """
    if card.kind != "stream":
        raise ExportError(
            f"card {card.name!r} is a {card.kind} net: it sees its whole clip at once and has no state to step"
        )
    if not isinstance(net, MoViNet):
        raise ExportError(f"only MoViNet can be written as ONNX, not {type(net).__name__}")
    steps.check_card(card, net.card)
    content = encode(net, card)
    difference = compare(net, card, content)
    _write(path, content)
    return difference


def encode(net: MoViNet, card: Card) -> bytes:
    """Return the ONNX file's bytes, the same for the same net and card."""
    return _bytes(MoViNetWriter(net, card.dtype).graph, net, card)


def encode_weights(net: MoViNet, card: Card) -> bytes:
    """Return an ONNX file of the weights alone: what a base net, which has no step, is kept in."""
    graph = Graph(card.dtype)
    for name, value in net.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            graph.parameter(name, value)
    return _bytes(graph, net, card)


def _bytes(graph: Graph, net: MoViNet, card: Card) -> bytes:
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


def compare(net: MoViNet, card: Card, content: bytes) -> float:
    """Step the file and the net over the same random frames; return the largest difference of the logits.

    Raises:
        ParityError: the logits or a state differ by more than 1e-4 of their size, or of 1 where they are smaller.
    """
    step = _stepper(content)
    random, worst = np.random.default_rng(0), 0.0
    state: State = {name: value.numpy() for name, value in net.init_state().items()}
    reference = net.init_state()
    for _ in range(FRAMES // CHUNK):
        clip = random.random((1, 3, CHUNK, card.side_px, card.side_px), np.float32)
        logits, reference = _reference(net, clip, reference, card.decay)
        for index, expected in enumerate(logits):
            found, state = step(clip[:, :, index], state, card.decay)
            difference = float(np.abs(found - expected).max())
            _check("logits", difference, max(1.0, float(np.abs(expected).max())))
            worst = max(worst, difference)
        for name, value in reference.items():
            _check(name, float(np.abs(state[name] - value.numpy()).max()), max(1.0, float(value.abs().max())))
    return worst


def _stepper(content: bytes) -> Callable[[Array, State, float], tuple[Array, State]]:
    """Return the file's step, as any host would write it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def step(image: Array, state: State, decay: float) -> tuple[Array, State]:
        rate = np.full((1, 1, 1, 1), decay, np.float32)
        values = session.run(names, {steps.IMAGE: np.ascontiguousarray(image), steps.DECAY: rate, **state})
        found = dict(zip(names, values, strict=True))
        origin = steps.sources(state).items()
        return found[steps.LOGITS], {name: found[place] if place in found else state[place] for name, place in origin}

    return step


def _reference(net: MoViNet, clip: Array, state: TensorState, decay: float) -> tuple[Array, TensorState]:
    """Return the net's logits after every frame, (T, 1, K)."""
    is_training = net.training
    try:
        with torch.no_grad(), one_thread():
            logits, state = net.eval().frames(torch.from_numpy(clip), state, decay)
    finally:
        net.train(is_training)
    return logits.transpose(0, 1).numpy(), state


def _check(what: str, difference: float, size: float) -> None:
    if not difference <= TOLERANCE * size:  # also where it is not a number
        raise ParityError(what, difference, TOLERANCE * size)


def _write(path: Path, content: bytes) -> None:
    try:
        cache.write(path, content)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
