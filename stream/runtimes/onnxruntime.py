"""Runs a model file in ONNX Runtime: the default engine, and the only one a serving install needs."""

from typing import Any

import numpy as np
import onnxruntime

from stream import steps
from stream.cards import Card
from stream.errors import ModelError
from stream.onnxfile import OnnxFile
from stream.runtimes.base import check_step, rates
from stream.types import Array, State


def build(card: Card, threads: int = 1) -> "OnnxRuntime":
    """Load the card's weights.

    Args:
        card: the model; its weights are an ONNX file as `stream-export` writes it.
        threads: count of threads per step, 1 or more.

    Raises:
        ModelError: no weights, another hash, or a file that was not made for this card; says what differs. A base net,
            which sees a whole clip at once, has no step to run.
    """
    steps.check_streams(card)
    return OnnxRuntime(card, card.read_weights(), threads)


class OnnxRuntime:
    """Satisfies `runtimes.base.Runtime`; nothing changes after it is made, so any number of threads may step it."""

    def __init__(self, card: Card, content: bytes, threads: int = 1) -> None:
        self.card = card
        self.name = f"onnxruntime {onnxruntime.__version__}"
        self._session = _open(card, content, threads)
        steps.check_metadata(card, self._session.get_modelmeta().custom_metadata_map)
        self._shapes = steps.check_signature(
            card, _shapes(self._session.get_inputs()), _shapes(self._session.get_outputs())
        )
        self._outputs = [output.name for output in self._session.get_outputs()]
        index = {name: place for place, name in enumerate(self._outputs)}
        origin = steps.sources(self._shapes)
        self._fresh = [(name, index[source]) for name, source in origin.items() if source in index]
        self._shifted = [(name, source) for name, source in origin.items() if source not in index]
        self._logits = index[steps.LOGITS]

    def init_state(self, batch: int = 1) -> State:
        """Return the state of `batch` streams that have seen nothing: zeros."""
        return {name: np.zeros((batch, *shape), np.float32) for name, shape in self._shapes.items()}

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        """Advance `B` streams by one clip; see `runtimes.base.Runtime.step`.

        A frame of a stream buffer is handed on from state to state as it is, not copied: do not write into a state.
        """
        check_step(self.card, self._shapes, clip, state)
        rate = rates(self.card, decay, len(clip))
        logits: Array | None = None
        for index in range(clip.shape[2]):
            logits, state = self._advance(np.ascontiguousarray(clip[:, :, index]), state, rate)
        assert logits is not None  # noqa: S101  # `check_step` saw a frame
        return logits, state

    def _advance(self, image: Array, state: State, decay: Array) -> tuple[Array, State]:
        try:
            found = self._session.run(self._outputs, {steps.IMAGE: image, steps.DECAY: decay, **state})
        except Exception as error:  # ONNX Runtime's own classes share no other root
            raise ModelError(f"card {self.card.name!r}: ONNX Runtime could not step: {error}") from error
        after = {name: found[index] for name, index in self._fresh}
        after.update((name, state[source]) for name, source in self._shifted)
        return found[self._logits], after


def _open(card: Card, content: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # waiting threads leave the core to other streams
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # weights kept as int8 are widened once, here
    options.log_severity_level = 3
    steps.check_graph(card, OnnxFile(content))
    try:
        return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own classes share no other root
        raise ModelError(f"card {card.name!r}: ONNX Runtime cannot load its weights: {error}") from error


def _shapes(values: Any) -> steps.Shapes:
    """Return the (C, H, W) of every input or output, by its name."""
    return {value.name: tuple(value.shape[1:]) for value in values}
