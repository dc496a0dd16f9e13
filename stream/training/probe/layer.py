"""A last layer of its own on frozen features: begun with the rows that a card has, learned over frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from stream.smoothing import probabilities
from stream.training import splits
from stream.types import Array

STEPS, BATCH, RATE, SMOOTHING = 300, 512, 5e-4, 0.05
"""How it is learned: AdamW along a cosine, on frames drawn so that each source, and each class in it, weighs the same.
Chosen on gestures of real hands (EgoGestAR, training part)."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A matrix and a bias."""

    weight: Array
    """(K, C)."""
    bias: Array
    """(K,)."""

    def __call__(self, features: Array) -> Array:
        """(T, C) -> (T, K) probabilities, by softmax."""
        logits = features @ self.weight.T + self.bias
        return np.stack([probabilities(row, "softmax") for row in logits])

    def rows(self, places: Sequence[int]) -> "Layer":
        """Return the layer for other labels: the rows at `places`; where a place is -1 a row of zeros."""
        order = np.array(places)
        weight = np.where(order[:, None] >= 0, self.weight[order], 0).astype(np.float32)
        # a row that knows nothing begins well below those that know something, or it would be on top at once
        low = float(self.bias.min()) if (order >= 0).any() else 0.0
        return Layer(weight, np.where(order >= 0, self.bias[order], low).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Told:
    """Frames with an answer."""

    features: Array
    """(N, C)."""
    labels: npt.NDArray[np.int64]
    """(N,) in [0, K)."""

    @staticmethod
    def of(features: Sequence[Array], labels: Sequence[npt.NDArray[np.int64]]) -> "Told":
        """Join streams, without the frames to be ignored."""
        rows, truth = np.concatenate(features), np.concatenate(labels)
        return Told(rows[truth >= 0], truth[truth >= 0])


def fit(start: Layer, sources: Sequence[Told], seed: int = 0, steps: int = STEPS) -> Layer:
    """Learn on from a layer.

    Args:
        start: begun with.
        sources: such as real clips and generated streams: each weighs the same, and in it each class it has.
        seed: decides which frames are drawn.
        steps: count.
    """
    sources = [source for source in sources if len(source.labels)]
    x = torch.from_numpy(np.concatenate([source.features for source in sources]))
    y = torch.from_numpy(np.concatenate([source.labels for source in sources]))
    chance = torch.from_numpy(np.concatenate([_share(source, len(start.bias)) for source in sources]))
    mean, spread = x.mean(0), x.std(0)
    spread = spread.clamp(min=0.1 * float(spread.mean()) + 1e-9)
    x = (x - mean) / spread
    weight, bias = _scaled(start, mean, spread)
    weight.requires_grad_()
    bias.requires_grad_()
    _learn(weight, bias, x, y, chance, seed, steps)
    found = weight.detach() / spread
    return Layer(found.numpy(), (bias.detach() - found @ mean).numpy())


def _scaled(start: Layer, mean: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """Write a layer for features brought to one scale."""
    weight = torch.from_numpy(start.weight)
    return weight * spread, torch.from_numpy(start.bias) + weight @ mean


@torch.enable_grad()
def _learn(weight: Tensor, bias: Tensor, x: Tensor, y: Tensor, chance: Tensor, seed: int, steps: int) -> None:
    optimizer = torch.optim.AdamW([weight, bias], RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.multinomial(chance, BATCH, replacement=True, generator=generator)
        loss = functional.cross_entropy(functional.linear(x[rows], weight, bias), y[rows], label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        schedule.step()


def _share(source: Told, classes: int) -> npt.NDArray[np.float32]:
    """Say how often each frame is drawn, (N,): all of a source as often as all of another."""
    found = splits.balanced(np.bincount(source.labels, minlength=classes))[source.labels]
    return np.asarray(found / found.sum(), np.float32)
