"""Runs a MoViNet stream model in one pass per block, in compiled code made for nothing else (docs/engine.md).

The compiled part is `native/`; this file owns what a state looks like to everyone else.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from stream import steps
from stream.cards import Card
from stream.errors import ModelError, NotBuilt
from stream.nets import _movinet_specs as specs
from stream.onnxfile import OnnxFile
from stream.runtimes._fused_library import Clip, Handle, address, clip_of, levels, library
from stream.runtimes._fused_weights import ACTIVATIONS, Folder, Layout, padded
from stream.runtimes.base import check_clip, check_state, rates
from stream.types import Array, State

Shapes = dict[str, tuple[int, int, int]]
"""Name -> (C, H, W) of one row."""


def build(card: Card, threads: int = 1, level: str = "") -> "FusedRuntime":
    """Load the card's weights and fold them for this processor.

    Args:
        card: the model, a MoViNet stream; its weights are an ONNX file as `stream-export` writes it.
        threads: accepted and not needed: a step runs on its caller's thread, other threads step other streams.
        level: instructions to use, one of `_fused_library.levels()`; the best by default.

    Raises:
        NotBuilt: this install has no compiled library; says how to get it.
        ModelError: no weights, another hash, or a file that was not made for this card; says what differs.
    """
    del threads
    if card.architecture != "movinet" or card.kind != "stream":
        found = f"{card.architecture} {card.kind}"
        raise ModelError(f"card {card.name!r}: the engine 'fused' runs movinet stream, not {found}")
    if card.main_activation not in ACTIVATIONS[1:]:
        accepted = ", ".join(ACTIVATIONS[1:])
        raise ModelError(
            f"card {card.name!r}: its activation is {card.main_activation}; the engine 'fused' takes {accepted}"
        )
    return FusedRuntime(card, card.read_weights(), level)


def can_run(card: Card) -> bool:
    """Say whether the library is there and made for such a model."""
    if card.architecture != "movinet" or card.kind != "stream" or card.variant not in specs.SPECS or card.is_folded:
        return False
    if card.main_activation not in ACTIVATIONS[1:]:
        return False
    try:
        library()
    except NotBuilt:
        return False
    return True


def version() -> str:
    """Say what the library can use on this processor.

    Raises:
        NotBuilt: this install has no compiled library; says how to get it.
    """
    return f"built, with {', '.join(levels())}"


class FusedRuntime:
    """Satisfies `runtimes.base.Runtime` and `runtimes.base.InPlace`; nothing changes after it is made."""

    def __init__(self, card: Card, content: bytes, level: str = "") -> None:
        file, spec = OnnxFile(content), specs.find(card.variant)
        steps.check_graph(card, file)
        steps.check_metadata(card, file.metadata)
        self.card = card
        self.shapes = spec.state_shapes(card.side_px, card.has_se)
        self.layout = Layout.of(self.shapes)
        folder = Folder(card, spec, file.weights(), self.layout)
        self._handle = Handle(folder.net(), level)
        self.name = f"fused {self._handle.level}"

    def init_state(self, batch: int = 1) -> State:
        """Return the state of `batch` streams that have seen nothing: zeros."""
        return Memory(self, np.zeros((batch, self.layout.floats), np.float32), 0)

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        """Advance `B` streams by one clip; see `runtimes.base.Runtime.step`.

        A state of this engine's own is copied once, another engine's is taken over; each array of the new one is made
        when it is asked for. Whoever keeps one stream saves both with a `stepper`.
        """
        check_clip(self.card, clip)
        memory = self._own(state, len(clip))
        logits = self._advance(clip, memory, decay)
        return logits, memory

    def stepper(self, batch: int = 1) -> "FusedStepper":
        """Begin `batch` streams whose state is advanced in place."""
        return FusedStepper(self, batch)

    def _own(self, state: State, batch: int) -> "Memory":
        """Return a copy of a state that may be written."""
        if isinstance(state, Memory) and state.runtime is self and len(state.rows) == batch:
            return Memory(self, state.rows.copy(), state.phase)
        check_state(self.card, self.shapes, batch, state)
        memory = Memory(self, np.zeros((batch, self.layout.floats), np.float32), 0)
        for name, value in state.items():
            memory.view(name)[...] = value
        return memory

    def _advance(self, clip: Array, memory: "Memory", decay: float | Array | None) -> Array:
        """Advance a memory in place."""
        described = memory.describe(clip)
        if described is None:  # lines that do not lie together
            clip = np.ascontiguousarray(clip)
            described = clip_of(clip)
        memory.keep(decay)
        described.pixels = address(clip)
        logits = np.empty((len(clip), padded(len(self.card.labels))), np.float32)
        self._handle.step(described, memory.at, memory.phase, memory.rates_at, address(logits))
        memory.phase += clip.shape[2]
        return logits[:, : len(self.card.labels)]


class Memory(Mapping[str, Array]):
    """A state as the engine keeps it: (H, W, C) frames in rings, one block of memory a row. Made arrays are copies."""

    def __init__(self, runtime: FusedRuntime, rows: Array, phase: int) -> None:
        self.runtime, self.rows, self.phase = runtime, rows, phase
        self._rates, self._decay = np.full(len(rows), runtime.card.decay, np.float32), runtime.card.decay
        self._form: Any = None
        self._described: Clip | None = None
        self.at, self.rates_at = address(self.rows), address(self._rates)

    def describe(self, clip: Array) -> Clip | None:
        """Describe a clip to the library, anew where it looks otherwise than the last one; None: it cannot be read."""
        form = clip.shape, clip.strides, clip.dtype
        if form != self._form:
            check_clip(self.runtime.card, clip, len(self.rows))
            is_readable = clip.strides[-1] == 4 and not any(stride % 4 for stride in clip.strides)
            self._form, self._described = form, clip_of(clip) if is_readable else None
        return self._described

    def keep(self, decay: float | Array | None) -> None:
        """Take over the rows' decay, the card's by default, where it is another than the last one."""
        if decay is None:
            decay = self.runtime.card.decay
        if isinstance(decay, float) and decay == self._decay:
            return
        self._rates[:] = rates(self.runtime.card, decay, len(self.rows)).ravel()
        self._decay = decay if isinstance(decay, float) else math.nan

    def view(self, name: str) -> Array:
        """Return where a state lies, (B, C, H, W), writable."""
        channels, height, width = self.runtime.shapes[name]
        size = padded(channels) * height * width
        place = self.runtime.layout.places[self._slot(name)]
        found = self.rows[:, place : place + size].reshape(-1, height, width, padded(channels))
        return found[..., :channels].transpose(0, 3, 1, 2)

    def _slot(self, name: str) -> str:
        """Return whose place a frame of a ring has: the rings turn by one with every frame."""
        block, separator, age = name.rpartition(steps.BUFFER)
        if not separator:
            return name
        count = sum(other.startswith(block + separator) for other in self.runtime.shapes)
        return f"{block}{separator}{(int(age) + self.phase) % count}"

    def __getitem__(self, name: str) -> Array:
        if name not in self.runtime.shapes:
            raise KeyError(name)
        return self.view(name).copy("C")

    def __iter__(self) -> Iterator[str]:
        return iter(self.runtime.shapes)

    def __len__(self) -> int:
        return len(self.runtime.shapes)

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


class FusedStepper:
    """Satisfies `runtimes.base.Stepper`: one batch, advanced in place. One caller at a time."""

    def __init__(self, runtime: FusedRuntime, batch: int) -> None:
        self._runtime, self._batch = runtime, batch
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._memory = Memory(self._runtime, np.zeros((self._batch, self._runtime.layout.floats), np.float32), 0)

    def state(self) -> State:
        """Return a copy of the state."""
        return dict(self._memory)

    def restore(self, state: State) -> None:
        """Go on from a state of this or another engine."""
        self._memory = self._runtime._own(state, self._batch)  # the two are one engine

    def step(self, clip: Array, decay: float | Array | None = None) -> Array:
        """Advance by one clip; see `runtimes.base.Stepper.step`."""
        return self._runtime._advance(clip, self._memory, decay)  # the two are one engine
