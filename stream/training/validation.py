"""Judges a network on clips held out: loss, what was said of each clip, and how probable it was."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from stream.cards import Card
from stream.preprocess import TO_UNIT, lightened
from stream.training.clips import Clips
from stream.training.mixing import Frames, played
from stream.types import Array

BATCH = 8
"""Count: clips that are stepped side by side, of about the same length."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a network makes of the clips."""

    loss: float
    """Cross entropy over the second half of every clip; each clip counts the same."""
    probabilities: Array
    """(N, K) at every clip's last frame, in the order of the clips."""
    truth: npt.NDArray[np.int64]
    """(N,) what every clip is."""

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """(K, K): a row for what is, a column for what is said at the clip's last frame."""
        found = np.zeros((self.probabilities.shape[1],) * 2, np.int64)
        np.add.at(found, (self.truth, self.probabilities.argmax(1)), 1)
        return found

    @property
    def accuracy(self) -> float:
        """Share of the clips that are right at their last frame."""
        return float((self.probabilities.argmax(1) == self.truth).mean())


class Judge:
    """Holds the clips; every call steps all of them from a blank state, as a session would."""

    def __init__(self, clips: Clips, card: Card) -> None:
        """Take clips decoded at the card's rate."""
        self._clips, self._card = clips, card
        self._truth = np.array([card.labels.index(sample.label) for sample in clips.samples])

    def __call__(self, net: nn.Module) -> Judgement:
        """Judge the network, in evaluation mode, where it is; it is left in the mode it was in."""
        is_training, device = net.training, next(net.parameters()).device
        net.eval()
        losses = np.zeros(len(self._clips))
        said = np.zeros((len(self._clips), len(self._card.labels)), np.float32)
        with torch.inference_mode():
            for indices, clip, lengths in self._batches():
                state = {name: value.to(device) for name, value in cast(Any, net).init_state(len(indices)).items()}
                logits, _ = cast(Any, net).frames(clip.to(device), state, self._card.decay)  # (B, T, K)
                for index, row, length in zip(indices, logits.float().cpu(), lengths, strict=True):
                    truth = torch.full((length - length // 2,), int(self._truth[index]))
                    losses[index] = functional.cross_entropy(row[length // 2 : length], truth)
                    said[index] = row[length - 1].softmax(0).numpy()
        net.train(is_training)
        return Judgement(float(losses.mean()), said, self._truth)

    def _batches(self) -> Iterator[tuple[list[int], Tensor, list[int]]]:
        """Yield numbers, (B, 3, T, S, S) clips filled up with black at the end, and their lengths."""
        shown = {index: played(self._clips[index], self._card.fps, 1.0) for index in range(len(self._clips))}
        order = sorted(shown, key=lambda index: len(shown[index]))
        for begin in range(0, len(order), BATCH):
            indices = order[begin : begin + BATCH]
            lengths = [len(shown[index]) for index in indices]
            batch = np.zeros((len(indices), lengths[-1], *shown[indices[0]].shape[1:]), np.float32)
            for row, index in zip(batch, indices, strict=True):
                row[: len(shown[index])] = self._values(shown[index])
            yield indices, torch.from_numpy(batch).permute(0, 4, 1, 2, 3), lengths

    def _values(self, pictures: Frames) -> Array:
        if self._card.lighten:
            return np.stack([lightened(picture, self._card.lighten) for picture in pictures])
        return np.asarray(pictures * TO_UNIT, np.float32)
