"""How a training goes, and the streams it sees, by number."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from stream.training.gestures import Stream

Make = Callable[[tuple[int, ...], int, float], Stream]
"""Makes the stream of a seed with a number of frames and a difficulty in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """How a model is trained."""

    streams: int = 7200
    """Count: streams seen, each once."""
    batch: int = 12
    """Count: streams side by side."""
    frames: int = 20
    """Count: frames learned at once; also how far back a gradient reaches."""
    parts: int = 3
    """Count: consecutive parts of one stream, the state carried from each to the next."""
    rate: float = 2e-3
    """Learning rate at its highest, after the warm-up."""
    weight_decay: float = 0.02
    """AdamW's."""
    quiet_weight: float = 0.8
    """How much a frame of the first class, `no motion`, counts: it is the most frequent by far."""
    smoothing: float = 0.05
    """Label smoothing, in [0, 1)."""
    frozen_share: float = 0.5
    """Share of the streams, the last ones, during which norms keep what they have seen: so few scenes stand side by
    side that their own statistics are far from those that the finished model will use."""
    averaging: float = 0.998
    """In [0, 1): how much of the average of the weights is kept at each step; the average is the result."""
    easy_share: float = 0.35
    """Share of the streams over which the difficulty rises: motion is found sooner where little else changes."""
    seed: int = 1
    """Decides weights and data."""
    threads: int = 2
    """Count: processor threads; each computes a share of the batch, since threads that share one operation wait for
    each other when the machine is busy. Changes the result slightly: norms see a share of the batch."""
    workers: int = 1
    """Count: processes that make data."""
    save_every: int = 40
    """Count: batches between two checkpoints."""
    judge_every: int = 0
    """Count: batches between two looks at the validation clips; 0 looks only at the end."""
    patience: int = 0
    """Count: looks without a lower loss after which the training ends; 0 goes on to the end."""
    keep: str = "best"
    """best: the weights of the lowest validation loss; last: those of the end."""
    head_batches: int = 0
    """Count: batches, the first ones, during which the classifier alone is learned."""

    def differing(self, others: Mapping[str, Any]) -> str:
        """Say which of other settings are not these, by the flags that change them; empty where none is."""
        found = [(name, others.get(name), value) for name, value in asdict(self).items() if others.get(name) != value]
        return ", ".join(
            f"another {FLAGS.get(name, name)}: {name} was {theirs}, is {ours}" for name, theirs, ours in found
        )


FLAGS = {
    "streams": "--epochs or number of clips",
    "batch": "--batch",
    "frames": "--length",
    "parts": "--length",
    "rate": "--rate",
    "seed": "--seed",
    "threads": "--threads",
    "judge_every": "--batch or number of clips",
    "patience": "--patience",
    "keep": "--keep",
    "head_batches": "--freeze",
    "easy_share": "--easy-share",
    "frozen_share": "--frozen-share",
}
"""Field of `FitSettings` -> what on the command line changes it."""


class Streams(Dataset[tuple[Tensor, Tensor]]):
    """Streams by number: clip (T, S, S, 3) uint8 and labels (T,)."""

    def __init__(self, make: Make, settings: FitSettings) -> None:
        self._make, self._settings = make, settings

    def __len__(self) -> int:
        return self._settings.streams

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        settings = self._settings
        difficulty = min(1.0, index / max(1.0, settings.easy_share * settings.streams))
        made = self._make((settings.seed, index), settings.frames * settings.parts, difficulty)
        return torch.from_numpy(made.frames), torch.from_numpy(made.labels)


def batches(make: Make, settings: FitSettings, done: int) -> Iterable[tuple[Tensor, Tensor]]:
    """Return the batches after the first `done`: clips (B, T, S, S, 3) uint8 and labels (B, T)."""
    rest = range(done * settings.batch, settings.streams)
    return DataLoader(
        Subset(Streams(make, settings), rest),
        settings.batch,
        num_workers=settings.workers if rest else 0,
        drop_last=True,
        prefetch_factor=3 if settings.workers and rest else None,
    )
