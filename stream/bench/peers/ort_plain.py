"""ONNX Runtime as most programs use it: on what `torch.onnx.export` makes of the PyTorch net, `tests/parity/plain.py`.

Timed is `run` with numpy arrays: all states go in and come out.
"""

from pathlib import Path

import numpy as np
import onnxruntime

from stream.bench.peers.base import Streaming, check_pictures, reading
from stream.cards import Card
from stream.types import Array


def build(card: Card, file: Path, threads: int) -> "OrtPlain":
    """Load an `.onnx` file: a clip and the states go in, logits and the states, in the same order, come out.

    Raises:
        ModelError: it cannot be read, or takes other pictures than the card's.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    with reading(file, "ONNX Runtime"):
        return OrtPlain(card, onnxruntime.InferenceSession(file.read_bytes(), options, ["CPUExecutionProvider"]))


class OrtPlain(Streaming):
    """Satisfies `meter.Contestant`."""

    def __init__(self, card: Card, session: onnxruntime.InferenceSession) -> None:
        self.name = f"ONNX Runtime {onnxruntime.__version__}, plain export"
        clip, *states = session.get_inputs()
        check_pictures(card, clip.shape, (1, 3, 1, card.side_px, card.side_px))
        self._session, self._image = session, clip.name
        self._shapes = {state.name: state.shape for state in states}
        self.begin()

    def begin(self) -> None:
        """Forget all that was seen."""
        self._inputs: dict[str, Array] = {name: np.zeros(shape, np.float32) for name, shape in self._shapes.items()}

    def prepare(self, clip: Array) -> None:
        """Take the next picture."""
        self._inputs[self._image] = np.ascontiguousarray(clip)

    def advance(self) -> Array:
        """Compute, and keep the states for the next step."""
        logits, *states = self._session.run(None, self._inputs)
        self._inputs |= dict(zip(self._shapes, states, strict=True))
        return np.asarray(logits)
