"""A card's network, frozen: what its last layer is given at every frame of a clip."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from stream import rooms, weights
from stream.cards import Card
from stream.preprocess import TO_UNIT, lightened
from stream.training.probe.layer import Layer
from stream.types import Array

LAST = "classifier"
"""The layer whose input is a frame's features."""

BATCH = 8
"""Count: clips that are stepped side by side, of about the same length."""

Pictures = npt.NDArray[np.uint8]
"""(T, S, S, 3) RGB."""


class Trunk:
    """The network of a card without its last layer."""

    def __init__(self, card: Card) -> None:
        """Read the card's weights.

        Raises:
            ModelError: they cannot be read, or do not fit.
        """
        self.card = card
        self.net: nn.Module = rooms.find("nets", card.architecture).build(card)
        weights.load(self.net, weights.read_state_dict(card.read_weights()))
        self.net.eval().requires_grad_(False)

    def layer(self) -> Layer:
        """Return the card's own last layer."""
        found = self.net.state_dict()
        return Layer(found[f"{LAST}.weight"].flatten(1).numpy(), found[f"{LAST}.bias"].numpy())

    def features(self, clips: Sequence[Pictures]) -> list[Array]:
        """Step every clip from a blank state: a (T, C) float32 of each, in the order given.

        Args:
            clips: (T, S, S, 3) uint8 each, at the card's side and rate; T >= 1.
        """
        found: dict[int, Array] = {}
        order = sorted(range(len(clips)), key=lambda index: len(clips[index]))
        for begin in range(0, len(order), BATCH):
            indices = order[begin : begin + BATCH]
            lengths = [len(clips[index]) for index in indices]
            rows = self._step(torch.from_numpy(self._batch([clips[index] for index in indices])))
            found.update((index, row[:length]) for index, row, length in zip(indices, rows, lengths, strict=True))
        return [found[index] for index in range(len(clips))]

    def _batch(self, clips: Sequence[Pictures]) -> Array:
        """Return (B, 3, T, S, S), filled up with black at the end."""
        batch = np.zeros((len(clips), max(map(len, clips)), *clips[0].shape[1:]), np.float32)
        for row, pictures in zip(batch, clips, strict=True):
            row[: len(pictures)] = self._values(pictures)
        return batch.transpose(0, 4, 1, 2, 3)

    def _values(self, pictures: Pictures) -> Array:
        if self.card.lighten:
            return np.stack([lightened(picture, self.card.lighten) for picture in pictures])
        return np.asarray(pictures * TO_UNIT, np.float32)

    def _step(self, clip: Tensor) -> Array:
        """(B, 3, T, S, S) -> (B, T, C)."""
        caught: list[Tensor] = []
        hook = self.net.get_submodule(LAST).register_forward_pre_hook(lambda _module, given: caught.append(given[0]))
        try:
            with torch.inference_mode():
                net = cast(Any, self.net)
                net.frames(clip, net.init_state(len(clip)), self.card.decay)
        finally:
            hook.remove()
        return np.asarray(caught[0].flatten(1).numpy(), np.float32).reshape(*clip.shape[::2][:2], -1)
