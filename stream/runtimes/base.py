"""What an engine offers: `build(card, threads) -> Runtime`."""

from typing import Protocol

from stream.cards import Card
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
