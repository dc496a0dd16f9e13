"""What an engine offers: `build(card, threads) -> Runtime`."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from stream.cards import Card
from stream.errors import ShapeError
from stream.types import Array, State


class Runtime(Protocol):
    """A loaded model, shared and immutable: any number of sessions step it, from any thread."""

    card: Card
    """The model it runs."""
    name: str
    """The engine and its version, for people."""

    def init_state(self, batch: int = 1) -> State:
        """Return the state of `batch` streams that have seen nothing: zeros."""
        ...

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        """Advance `B` streams by one clip.

        Args:
            clip: (B, 3, T, S, S) float32 in [0, 1], RGB, T >= 1; S is `card.side_px`.
            state: what the last call returned, or `init_state(B)`. Not modified.
            decay: how much of the pools is kept per frame, in [0, 1], one number or (B,); `card.decay` by default.

        Returns:
            (B, K) float32 logits after the last frame, and a state with the same names, shapes and types.

        Raises:
            ShapeError: `clip` or `state` does not fit the card; says both shapes.

        Source: stream buffer, Kondratyuk et al. 2021, arXiv:2103.11511; forgetting, docs/design.md.
        """
        ...


class Stepper(Protocol):
    """One batch of streams and its state, which the engine keeps as it likes and advances in place.

    One caller at a time, as for a `Session`; any number of them share a runtime.
    """

    def step(self, clip: Array, decay: float | Array | None = None) -> Array:
        """Advance by one clip; return the (B, K) logits that `Runtime.step` would, for the same arguments."""
        ...

    def reset(self) -> None:
        """Forget everything: the state of streams that have seen nothing."""
        ...

    def state(self) -> State:
        """Return the state as it is now, as `Runtime.step` has it; what is stepped later does not change it."""
        ...

    def restore(self, state: State) -> None:
        """Go on from a state, of any engine that runs the same card."""
        ...


@runtime_checkable
class InPlace(Protocol):
    """What a runtime offers besides `step` where a state that nobody else holds can be advanced without a copy."""

    def stepper(self, batch: int = 1) -> Stepper:
        """Begin `batch` streams that have seen nothing."""
        ...


def stepper(runtime: Runtime, batch: int = 1) -> Stepper:
    """Begin `batch` streams on any runtime: in place where it offers that, by its pure step otherwise."""
    return runtime.stepper(batch) if isinstance(runtime, InPlace) else _PureStepper(runtime, batch)


class _PureStepper:
    """Keeps the state that a pure step hands back."""

    def __init__(self, runtime: Runtime, batch: int) -> None:
        self._runtime, self._batch = runtime, batch
        self.reset()

    def reset(self) -> None:
        self._state = self._runtime.init_state(self._batch)

    def state(self) -> State:
        return self._state

    def restore(self, state: State) -> None:
        self._state = state

    def step(self, clip: Array, decay: float | Array | None = None) -> Array:
        logits, self._state = self._runtime.step(clip, self._state, decay)
        return logits


def check_step(card: Card, shapes: Mapping[str, tuple[int, ...]], clip: Array, state: State) -> None:
    """Compare what a step is given with what the card takes; `shapes` is name -> (C, H, W) of every state.

    Raises:
        ShapeError: says what was found and what is accepted.
    """
    check_clip(card, clip)
    check_state(card, shapes, len(clip), state)


def check_clip(card: Card, clip: Array, batch: int | None = None) -> None:
    """Compare a clip with what the card takes; `batch`: the only count of rows that fits.

    Raises:
        ShapeError: says what was found and what is accepted.
    """
    side, found = card.side_px, clip.shape
    if len(found) != 5 or found[0] < 1 or found[1] != 3 or found[2] < 1 or found[3:] != (side, side):
        raise ShapeError(f"clip is {found}; {card.name} takes (B, 3, T >= 1, {side}, {side})")
    if batch not in (None, found[0]):
        raise ShapeError(f"clip is {found}; this stepper of {card.name} has {batch} rows")
    if clip.dtype != np.float32:
        raise ShapeError(f"clip is {clip.dtype}; {card.name} takes float32 in [0, 1]")


def check_state(card: Card, shapes: Mapping[str, tuple[int, ...]], batch: int, state: State) -> None:
    """Compare a state with what the card takes for a clip of `batch` rows.

    Raises:
        ShapeError: says what was found and what is accepted.
    """
    if state.keys() != shapes.keys():
        odd = min(state.keys() ^ shapes.keys())
        raise ShapeError(f"state has {len(state)} names, {card.name} has {len(shapes)}; they differ in {odd!r}")
    for name, shape in shapes.items():
        if (found := state[name].shape) != (batch, *shape):
            raise ShapeError(f"state {name!r} is {found}; for this clip {card.name} takes {(batch, *shape)}")


def rates(card: Card, decay: float | Array | None, batch: int) -> Array:
    """Return every row's decay, (B, 1, 1, 1) float32; the card's by default.

    Raises:
        ShapeError: `decay` is neither a number nor (B,).
    """
    found = np.asarray(card.decay if decay is None else decay, np.float32)
    if found.shape not in {(), (batch,)}:
        raise ShapeError(f"decay is {found.shape}; a number or ({batch},) is needed")
    return np.broadcast_to(found.reshape(-1, 1, 1, 1), (batch, 1, 1, 1))
