"""LiteRT (formerly TensorFlow Lite, with XNNPACK) on the official graph, as `tests/parity/litert.py` converts it.

Timed is `invoke` alone, with the picture in place and the state left where it is: the least its step can cost. Its
signature runner, which a program would call, copies the state in and out besides.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert import interpreter as litert

from stream.bench.peers.base import check_pictures, reading
from stream.cards import Card
from stream.errors import ModelError
from stream.types import Array

SIGNATURE = "serving_default"
IMAGE, LOGITS = "image", "logits"
MAKER = "tests/parity/litert.py"


def build(card: Card, file: Path, threads: int) -> "LiteRt":
    """Load a `.tflite` file of one frame's step.

    Raises:
        ModelError: it cannot be read, or takes other pictures than the card's.
    """
    with reading(file, "LiteRT"):
        return LiteRt(card, file.read_bytes(), threads)


class LiteRt:
    """Satisfies `meter.Contestant`."""

    def __init__(self, card: Card, content: bytes, threads: int) -> None:
        self.name = "LiteRT, invoke only"
        self._content, self._threads = content, threads
        self._interpreter = self._open()
        signature = self._interpreter.get_signature_list().get(SIGNATURE, {"inputs": [], "outputs": []})
        if IMAGE not in signature["inputs"] or LOGITS not in signature["outputs"]:
            raise ModelError(f"it has no signature {SIGNATURE!r} from {IMAGE!r} to {LOGITS!r}; {MAKER} writes it")
        details = {detail["name"]: detail for detail in self._interpreter.get_input_details()}
        [image] = [detail for name, detail in details.items() if IMAGE in name]
        check_pictures(card, image["shape"], (1, 1, card.side_px, card.side_px, 3))
        self._image = image["index"]
        for detail in details.values():
            self._interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))

    def _open(self) -> litert.Interpreter:
        made = litert.Interpreter(model_content=self._content, num_threads=self._threads)
        made.allocate_tensors()
        return made

    def answers(self, clips: Sequence[Array]) -> Array:
        """Step a fresh stream through the signature runner."""
        runner = self._open().get_signature_runner(SIGNATURE)
        states = {
            name: np.zeros(detail["shape"], detail["dtype"])
            for name, detail in runner.get_input_details().items()
            if name != IMAGE
        }
        logits = []
        for clip in clips:
            found = runner(**states, **{IMAGE: _frame(clip)})
            logits.append(found.pop(LOGITS).reshape(1, -1))
            states = found
        return np.concatenate(logits)

    def prepare(self, clip: Array) -> None:
        """Put the picture in place."""
        self._interpreter.set_tensor(self._image, _frame(clip))

    def step(self) -> None:
        """Compute."""
        self._interpreter.invoke()


def _frame(clip: Array) -> Array:
    """(1, 3, 1, S, S) -> (1, 1, S, S, 3)."""
    return np.ascontiguousarray(clip.transpose(0, 2, 3, 4, 1))
