"""A card's network, frozen: what its last layer is given at every frame of a clip."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from stream import rooms, weights
from stream.cards import Card
from stream.preprocess import TO_UNIT, lightened
from stream.training.probe import still
from stream.training.probe.layer import Layer
from stream.types import Array

LAST = "classifier"
"""The layer whose input is a frame's features."""

BATCH = 8
"""Count: clips that are stepped side by side, of about the same length."""

Pictures = npt.NDArray[np.uint8]
"""(T, S, S, 3) RGB."""


SEEN_AS = (
    *("architecture", "variant", "side_px", "fps", "gate", "activation", "se_type", "classifier_activation", "fit"),
    *("lighten", "memory_s", "trained_frames"),
)
"""Fields of a card that decide, with the weights, what its last layer is given."""


def identity(card: Card) -> str:
    """Hash all that decides what a card's last layer is given: of two with the same, one need be looked at.

    Raises:
        ModelError: the weights cannot be read.
    """
    found = hashlib.sha256(repr([getattr(card, name) for name in SEEN_AS]).encode())
    state = weights.read_state_dict(card.read_weights())
    for name in sorted(name for name in state if not name.startswith(f"{LAST}.")):
        found.update(name.encode())
        found.update(state[name].contiguous().numpy().tobytes())
    return found.hexdigest()


class Trunk:
    """The network of a card without its last layer."""

    def __init__(self, card: Card, threads: int = 2, *, is_still: bool = False) -> None:
        """Read the card's weights.

        Args:
            card: whose network it is.
            threads: count: batches stepped at once, each in a thread that computes alone.
            is_still: look at single frames, see `still.fold`.

        Raises:
            ModelError: they cannot be read, or do not fit.
        """
        self.card, self._threads = card, threads
        self.net: nn.Module = rooms.find("nets", card.architecture).build(card)
        weights.load(self.net, weights.read_state_dict(card.read_weights()))
        self.net.eval().requires_grad_(False)
        if is_still:
            still.fold(self.net)

    def layer(self) -> Layer:
        """Return the card's own last layer."""
        found = self.net.state_dict()
        return Layer(found[f"{LAST}.weight"].flatten(1).numpy(), found[f"{LAST}.bias"].numpy())

    def features(self, clips: Sequence[Pictures], layer: str = LAST) -> list[Array]:
        """Step every clip from a blank state: a (T, C) float32 of each, in the order given.

        Args:
            clips: (T, S, S, 3) uint8 each, at the card's side and rate; T >= 1.
            layer: whose input is meant: `classifier`, `dense` or, for maps (T, C, H, W), `project`.
        """
        order = sorted(range(len(clips)), key=lambda index: len(clips[index]))
        parts = [order[begin : begin + BATCH] for begin in range(0, len(order), BATCH)]
        found: dict[int, Array] = {}
        with ThreadPoolExecutor(self._threads) as pool:
            stepped = pool.map(lambda part: self._step([clips[index] for index in part], layer), parts)
            for part, rows in zip(parts, stepped, strict=True):
                found.update((index, row[: len(clips[index])]) for index, row in zip(part, rows, strict=True))
        return [found[index] for index in range(len(clips))]

    def _step(self, clips: Sequence[Pictures], layer: str) -> Array:
        """Return (B, T, C), of clips filled up with black at the end."""
        torch.set_num_threads(1)  # of this thread: those that share one operation wait for each other
        net = cast(Any, self.net)
        clip = torch.from_numpy(self._batch(clips))
        with torch.inference_mode():
            found, _ = net.hidden(clip, net.init_state(len(clip)), self.card.decay, layer)
        return np.asarray(found.numpy(), np.float32)

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
