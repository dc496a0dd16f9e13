"""Runs a model file in OpenVINO on a processor, in float32: for those who have it already."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

import numpy as np
import openvino

from stream import steps
from stream.cards import Card
from stream.errors import ModelError
from stream.onnxfile import OnnxFile
from stream.runtimes.base import check_step, rates
from stream.types import Array, State


@cache
def core() -> Any:
    """Return OpenVINO's one core of this process, which stays.

    Each sets the stack on which signals are handled, and frees it when it goes. Of several the last to go puts back one
    that is freed already, and the next signal that Python handles (Ctrl-C, the end of a child) kills the process.
    """
    return openvino.Core()


def compile_step(model: bytes | Path, threads: int, batch: int = 1) -> Any:
    """Compile the graph of a step, or of a file that holds one, for `batch` streams; -1: for any number.

    Raises:
        RuntimeError: OpenVINO's own: it cannot be read or compiled.
    """
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    graph = core().read_model(model)
    graph.reshape({port: [batch, *list(port.get_partial_shape())[1:]] for port in graph.inputs})
    return core().compile_model(graph, "CPU", settings)


def build(card: Card, threads: int = 1) -> "OpenVino":
    """Load the card's weights.

    Args:
        card: the model; its weights are an ONNX file as `stream-export` writes it.
        threads: count of threads per step, 1 or more.

    Raises:
        ModelError: no weights, another hash, or a file that was not made for this card; says what differs.
    """
    steps.check_streams(card)
    return OpenVino(card, card.read_weights(), threads)


class OpenVino:
    """Satisfies `runtimes.base.Runtime`; any number of threads may step it, each with a request of its own.

    The graph is compiled for one stream at once, and for any number when the first batch comes.
    """

    def __init__(self, card: Card, content: bytes, threads: int = 1) -> None:
        self.card = card
        self.name = f"openvino {openvino.__version__.partition('-')[0]}"
        file = OnnxFile(content)
        steps.check_graph(card, file)
        steps.check_metadata(card, file.metadata)
        self._content, self._threads, self._lock = content, threads, Lock()
        self._one = _Requests(self._compile(batch=1))
        self._shapes = steps.check_signature(
            card, _shapes(self._one.compiled.inputs), _shapes(self._one.compiled.outputs)
        )
        self._sources = steps.sources(self._shapes)
        self._many: _Requests | None = None

    def init_state(self, batch: int = 1) -> State:
        """Return the state of `batch` streams that have seen nothing: zeros."""
        return {name: np.zeros((batch, *shape), np.float32) for name, shape in self._shapes.items()}

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        """Advance `B` streams by one clip; see `runtimes.base.Runtime.step`.

        A frame of a stream buffer is handed on from state to state as it is, not copied: do not write into a state.
        """
        check_step(self.card, self._shapes, clip, state)
        rate, logits = np.ascontiguousarray(rates(self.card, decay, len(clip))), np.empty(0, np.float32)
        with self._requests(len(clip)).lent() as request:
            for index in range(clip.shape[2]):
                given = {steps.IMAGE: np.ascontiguousarray(clip[:, :, index]), steps.DECAY: rate, **state}
                fresh = self._infer(request, given)
                logits, known = fresh[steps.LOGITS], {**state, **fresh}
                state = {name: known[source] for name, source in self._sources.items()}
        return logits, state

    def _infer(self, request: Any, given: dict[str, Array]) -> dict[str, Array]:
        try:
            found = request.infer(given, share_inputs=True).to_dict()
        except RuntimeError as error:
            raise ModelError(f"card {self.card.name!r}: OpenVINO could not step: {_first_line(error)}") from error
        return {_name(port): value for port, value in found.items()}

    def _requests(self, batch: int) -> "_Requests":
        if batch == 1:
            return self._one
        with self._lock:
            if self._many is None:
                self._many = _Requests(self._compile(batch=-1))
            return self._many

    def _compile(self, batch: int) -> Any:
        try:
            return compile_step(self._content, self._threads, batch)
        except RuntimeError as error:
            raise ModelError(
                f"card {self.card.name!r}: OpenVINO cannot load its weights: {_first_line(error)}"
            ) from error


class _Requests:
    """A compiled graph, and what steps it: one caller at a time has a request."""

    def __init__(self, compiled: Any) -> None:
        self.compiled, self._idle = compiled, SimpleQueue[Any]()

    @contextmanager
    def lent(self) -> Iterator[Any]:
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self.compiled.create_infer_request()
        try:
            yield request
        finally:
            self._idle.put(request)


def _shapes(ports: Any) -> steps.Shapes:
    """Return the (C, H, W) of every port, by its name; a value that is handed out has the name it had inside, too."""
    return {_name(port): tuple(port.shape)[1:] for port in ports}


def _name(port: Any) -> str:
    names: list[str] = sorted(port.get_names())
    return next((name for name in names if name == steps.LOGITS or name.startswith(steps.NEXT)), names[0])


def _first_line(error: RuntimeError) -> str:
    return str(error).strip().splitlines()[0]
