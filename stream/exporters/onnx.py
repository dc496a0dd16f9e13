"""Writes a stream net as one ONNX step with explicit state; `stream/steps.py` and docs/export.md draw the contract."""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from stream import cards, steps
from stream.cards import Card
from stream.errors import ExportError, ParityError
from stream.exporters._movinet import MoViNetWriter
from stream.nets.base import Net
from stream.nets.movinet import MoViNet
from stream.types import Array

TOLERANCE = 1e-4
"""Largest difference allowed, of logits and of state relative to its own size."""

FRAMES = 50
"""Count: how many random frames the written file and the net are compared over."""


def export(net: Net, card: Card, path: Path) -> float:
    """Write the net to `path`, whole or not at all, and return the largest difference of its logits over 50 frames.

    Raises:
        ExportError: the net has no step to export, or the file cannot be written.
        ParityError: ONNX Runtime computes something else; nothing is written.
    """
    if card.kind != "stream":
        raise ExportError(
            f"card {card.name!r} is a {card.kind} net: it sees its whole clip at once and has no state to step"
        )
    if not isinstance(net, MoViNet):
        raise ExportError(f"only MoViNet can be written as ONNX, not {type(net).__name__}")
    content = encode(net, card)
    difference = compare(net, card, content)
    _write(path, content)
    return difference


def encode(net: MoViNet, card: Card) -> bytes:
    """Return the ONNX file's bytes, the same for the same net and card."""
    metadata = {"format": steps.FORMAT, "card": cards.dump(steps.embedded(card))}
    try:
        model = MoViNetWriter(net).graph.model(card.architecture, metadata)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"card {card.name!r}: the graph is not valid ONNX: {error}") from error
    return bytes(model.SerializeToString(deterministic=True))


def compare(net: MoViNet, card: Card, content: bytes) -> float:
    """Step the file and the net over the same random frames; return the largest difference of the logits.

    Raises:
        ParityError: the logits or a state differ by more than 1e-4.
    """
    session = onnxruntime.InferenceSession(content, _options(), ["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    state: dict[str, Array] = {name: value.numpy() for name, value in net.init_state().items()}
    origin = steps.sources(state)
    reference, decay = net.init_state(), np.full((1, 1, 1, 1), card.decay, np.float32)
    random, worst = np.random.default_rng(0), 0.0
    is_training = net.training
    net.eval()
    for _ in range(FRAMES):
        image = random.random((1, 3, card.side_px, card.side_px), np.float32)
        found: dict[str, Array] = dict(
            zip(outputs, session.run(None, {"image": image, "decay": decay, **state}), strict=True)
        )
        state = {name: found[source] if source in found else state[source] for name, source in origin.items()}
        with torch.no_grad():
            logits, reference = net(torch.from_numpy(image).unsqueeze(2), reference, card.decay)
        worst = max(worst, float(np.abs(found[steps.LOGITS] - logits.numpy()).max()))
        _check("logits", worst, 1.0)
        for name, value in reference.items():
            _check(name, float(np.abs(state[name] - value.numpy()).max()), max(1.0, float(value.abs().max())))
    net.train(is_training)
    return worst


def _check(what: str, difference: float, size: float) -> None:
    if not difference <= TOLERANCE * size:  # also where it is not a number
        raise ParityError(what, difference, TOLERANCE * size)


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return options


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
            file.write(content)
        os.chmod(file.name, 0o644)  # noqa: PTH101  # a temporary file is private
        Path(file.name).replace(path)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
