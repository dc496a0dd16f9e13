"""OpenVINO on the graph that `stream-export` writes, in float32.

Timed is what a program does at a step: the picture and the states go in where they lie, the fresh states come out.
"""

from pathlib import Path
from typing import Any

import numpy as np
import openvino

from stream import steps
from stream.bench.peers.base import Streaming, check_pictures, reading
from stream.cards import Card
from stream.errors import ModelError
from stream.runtimes.openvino import compile_step
from stream.types import Array, State


def build(card: Card, file: Path, threads: int) -> "OpenVino":
    """Load an `.onnx` file of one frame's step.

    Raises:
        ModelError: it cannot be read, or takes other pictures than the card's.
    """
    with reading(file, "OpenVINO"):
        return OpenVino(card, compile_step(file, threads))


class OpenVino(Streaming):
    """Satisfies `meter.Contestant`."""

    def __init__(self, card: Card, compiled: Any) -> None:
        self.name = f"OpenVINO {openvino.__version__.partition('-')[0]}, our export"
        self._compiled, self._request = compiled, compiled.create_infer_request()
        shapes = {port.get_any_name(): tuple(port.shape) for port in compiled.inputs}
        if not {steps.IMAGE, steps.DECAY} <= shapes.keys():
            raise ModelError(
                f"it has no inputs {steps.IMAGE!r} and {steps.DECAY!r}; stream-export --to onnx writes them"
            )
        check_pictures(card, shapes[steps.IMAGE], (1, 3, card.side_px, card.side_px))
        self._decay = np.full(shapes.pop(steps.DECAY), card.decay, np.float32)
        self._image = np.zeros(shapes.pop(steps.IMAGE), np.float32)
        self._shapes = shapes
        self._sources = steps.sources(shapes)
        self.begin()

    def begin(self) -> None:
        """Forget all that was seen."""
        self._state: State = {name: np.zeros(shape, np.float32) for name, shape in self._shapes.items()}

    def prepare(self, clip: Array) -> None:
        """Take the next picture."""
        self._image = np.ascontiguousarray(clip[:, :, 0])

    def advance(self) -> Array:
        """Compute, and put the states where the next step takes them from."""
        given = {steps.IMAGE: self._image, steps.DECAY: self._decay, **self._state}
        found = self._request.infer(given, share_inputs=True).to_dict()
        named = {name: value for port, value in found.items() for name in port.get_names()}
        known = {**self._state, **named}  # a frame of a buffer becomes the next older one, a fresh output its state
        self._state = {name: known[source] for name, source in self._sources.items()}
        return np.asarray(named[steps.LOGITS])
