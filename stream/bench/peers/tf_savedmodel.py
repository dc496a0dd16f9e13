"""TensorFlow on Google's own network as a SavedModel, `tests/parity/litert.py` writes it: the network at its source.

Timed is a call of the signature with tensors: the states stay TensorFlow's.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow

from stream.bench.peers.base import Streaming, check_pictures, reading
from stream.cards import Card
from stream.types import Array

SIGNATURE = "serving_default"
IMAGE, LOGITS = "image", "logits"


def build(card: Card, file: Path, threads: int) -> "TfSavedModel":
    """Load a SavedModel folder of one frame's step.

    Raises:
        ModelError: it cannot be read, or takes other pictures than the card's.
    """
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    with reading(file, "TensorFlow"):
        return TfSavedModel(card, tensorflow.saved_model.load(str(file)))


class TfSavedModel(Streaming):
    """Satisfies `meter.Contestant`."""

    def __init__(self, card: Card, model: Any) -> None:
        self.name = f"TensorFlow {tensorflow.__version__}, SavedModel"
        self._model = model  # its variables live as long as it does
        self._call = model.signatures[SIGNATURE]
        self._specs = dict(self._call.structured_input_signature[1])
        image = self._specs.pop(IMAGE)
        check_pictures(card, image.shape, (1, 1, card.side_px, card.side_px, 3))
        self.begin()

    def begin(self) -> None:
        """Forget all that was seen."""
        self._inputs: dict[str, Any] = {
            name: tensorflow.zeros(spec.shape, spec.dtype) for name, spec in self._specs.items()
        }

    def prepare(self, clip: Array) -> None:
        """Take the next picture."""
        self._inputs[IMAGE] = tensorflow.constant(clip.transpose(0, 2, 3, 4, 1))

    def advance(self) -> Array:
        """Compute, and keep the states for the next step."""
        found = dict(self._call(**self._inputs))
        logits = found.pop(LOGITS).numpy().reshape(1, -1)
        self._inputs |= found
        return np.asarray(logits)
