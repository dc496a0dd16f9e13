"""What an architecture offers: `build(card) -> Net`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

TensorState = dict[str, Tensor]
"""A `State` of torch tensors."""


class Net(Protocol):
    """Weights and the function they stand for; nothing of a stream is kept inside."""

    def init_state(self, batch: int = 1) -> TensorState:
        """Return the state of `batch` streams that have seen nothing: zeros."""
        ...

    def forward(self, clip: Tensor, state: TensorState, decay: float | Tensor = 1.0) -> tuple[Tensor, TensorState]:
        """Advance by one clip.

        Args:
            clip: (B, 3, T, S, S) float32 in [0, 1], RGB, T >= 1.
            state: what the last call returned, or `init_state(B)`. Not modified.
            decay: the pools' factor of forgetting per frame, a number or (B,); 1.0 is the official model.

        Returns:
            (B, K) logits after the last frame, and the new state with the same names, shapes and types.
        """
        ...


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: on a busy machine PyTorch's threads wait for each other ten times longer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
