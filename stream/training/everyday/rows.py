"""Rows that a frozen classifier lacks: more classes in the same softmax, found by a convex fit.

The classifier's own logits stay as they are: of them only their log-sum counts, as the one class "none of the rows". So
what is learned is multinomial logistic regression with a fixed offset, and what comes out is an ordinary classifier of
more classes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from stream.hub.additions import Rows
from stream.types import Array

DECAY = 0.01
"""Of the rows: half of it times their squared sum is added to the loss, which is a mean."""
ITERATIONS = 60
"""Count: of L-BFGS, at most."""
YOUNG = 2
"""Count: frames at the begin of a clip that nothing is learned from, since the memory still shows the clip before."""


@dataclass(frozen=True, slots=True)
class Frames:
    """What the frames of a stream of joined clips gave."""

    features: Array
    """(N, C) float32: what the classifier is given."""
    offsets: Array
    """(N,) float32: the log-sum of the classifier's own logits."""
    truth: npt.NDArray[np.intp]
    """(N,) which row a frame shows; R where it is none."""


def pooled(features: Sequence[Array], decay: float) -> Array:
    """Walk over the clips of one stream: (T, C) features each -> (sum of T, C) means that forget."""
    total, count, means = np.zeros(features[0].shape[1]), 0.0, list[Array]()
    for frame in np.concatenate(features):
        total, count = total * decay + frame, count * decay + 1
        means.append(total / count)
    return np.stack(means).astype(np.float32)


def fit(frames: Frames, names: tuple[str, ...], shares: Sequence[float]) -> Rows:
    """Find the rows.

    Args:
        frames: of all streams.
        names: of the R rows.
        shares: (R + 1,) what each row, and last what is none of them, counts in the loss, whatever its count of frames.
    """
    count = len(names)
    sizes = np.bincount(frames.truth, minlength=count + 1)
    weights = torch.from_numpy((np.asarray(shares) / sizes.clip(1))[frames.truth].astype(np.float32))
    weights /= weights.sum()
    features, offsets = torch.from_numpy(frames.features), torch.from_numpy(frames.offsets)
    middle, truth = features.mean(0), torch.from_numpy(frames.truth)
    rows = nn.Parameter(torch.zeros(count, features.shape[1]))
    bias = nn.Parameter(torch.full((count,), float((offsets * weights).sum()) - 3))
    centred = features - middle

    def loss() -> Tensor:
        logits = torch.cat([centred @ rows.T + bias, offsets[:, None]], 1)
        wrong = nn.functional.cross_entropy(logits, truth, reduction="none")
        return (weights * wrong).sum() + DECAY / 2 * rows.square().sum()

    _minimise(loss, [rows, bias])
    found = rows.detach()
    return Rows(names, found.numpy(), (bias.detach() - found @ middle).numpy())


def _minimise(loss: Callable[[], Tensor], parameters: list[nn.Parameter]) -> None:
    optimiser = torch.optim.LBFGS(parameters, 1.0, ITERATIONS, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimiser.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]  # torch's own
        return float(value.detach())

    optimiser.step(closure)  # type: ignore[no-untyped-call]  # likewise
