"""The small case: some labelled frames of one video, and a new last layer on a network that stays as it is.

The network is that of a card, made to look at single frames (`probe/still.py`): who is on screen is a matter of what
shows, not of what moves. Only its last layers are learned, from what the frozen part makes of each labelled frame. The
result is an ordinary card, whose memory smooths over a second.
"""

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from stream.cards import OF_LABELS, Card
from stream.errors import UsageError
from stream.nets._movinet_layers import ACTIVATIONS
from stream.training import splits, tables
from stream.types import Array

HEADS = {"linear": ("classifier",), "mlp": ("project", "dense", "classifier")}
"""Kind of head -> the layers of the network that are learned."""

SMOOTHED_S = 0.5
"""Seconds: the memory of the pools; what was seen a second ago weighs exp(-2), a seventh."""

FOLDS = 5
"""Count: stretches of time that each label is cut into; each is judged by a head that learned from the others."""

STEPS, LOOK, BATCH, RATE, WEIGHT_DECAY = 160, 10, 64, 1e-3, 0.05
"""How a head is learned: AdamW along a cosine; every `LOOK` steps it is judged by what is held out."""

DROPOUT = 0.5
"""Share of the last layer's inputs that are left out at each step."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was learned, and how good it is on frames it did not learn from."""

    layers: dict[str, Tensor]
    """Parameters by their names in the network."""
    counts: npt.NDArray[np.int64]
    """(K, K): a row for what is, a column for what was said, over all labelled frames, each held out once."""
    steps: int = STEPS
    """Count: steps after which the loss of what was held out was lowest; the head learned as many."""


def read(path: Path) -> dict[int, str]:
    """Read which frames of a video show what: number from 0 -> label, in the order of the frames.

    Raises:
        UsageError: a row is not `frame,label`, a frame comes twice, or there is one label only; says the line.
    """
    found: dict[int, str] = {}
    for number, values in tables.lines(path):
        if number == 1 or not any(values):
            continue
        if len(values) != 2 or not values[0].isdecimal() or not values[1]:
            raise UsageError(
                f"{path}:{number}: {','.join(values)!r}; accepted: the number of a frame, from 0, and a label"
            )
        if int(values[0]) in found:
            raise UsageError(f"{path}:{number}: frame {values[0]} is there already; accepted: each frame once")
        found[int(values[0])] = values[1]
    if len(set(found.values())) < 2:
        raise UsageError(f"{path} has {len(set(found.values()))} labels; accepted: two or more")
    return dict(sorted(found.items()))


def card_of(base: Card, name: str, labels: tuple[str, ...]) -> Card:
    """Return what the new model is: the base's network, new labels, pools that smooth over a second.

    Whose the labels are, theirs is the licence: it says none.
    """
    return replace(
        base, name=name, labels=labels, memory_s=SMOOTHED_S, output="softmax", **OF_LABELS,
        weights="", sha256="", measured={}, training={}, licence="",
        source=f"made with stream-train from {base.name}",
    )  # fmt: skip


def learn(net: nn.Module, kind: str, features: Array, truth: npt.NDArray[np.int64], classes: int, seed: int) -> Head:
    """Learn a head, after judging each stretch of time by one that learned from the others.

    Args:
        net: the network; its layers are copied, not changed.
        kind: one of `HEADS`.
        features: (N, V, C), or maps (N, V, C, H, W): what the head's first layer is given, in the order of time; views
            after the first are the frame a little changed, and are learned from alone.
        truth: (N,) in [0, K).
        classes: K.
        seed: decides the order in which frames are learned.
    """
    x, y = torch.from_numpy(features), torch.from_numpy(truth)
    folds, counts = stretches(truth), np.zeros((classes, classes), np.int64)
    losses, said = np.zeros(STEPS // LOOK), dict[int, list[npt.NDArray[np.int64]]]()
    for fold in range(FOLDS):
        if not (folds == fold).any():
            continue
        held = torch.from_numpy(folds == fold)
        looks = _Layers(net, kind, x[~held], classes).fit(x[~held], y[~held], seed, held=x[held][:, 0])
        losses += [len(look) * float(functional.cross_entropy(look, y[held])) for look in looks]
        said[fold] = [look.argmax(1).numpy() for look in looks]
    best = int(losses.argmin()) if said else len(losses) - 1
    for fold, answers in said.items():
        np.add.at(counts, (truth[folds == fold], answers[best]), 1)
    head = _Layers(net, kind, x, classes)
    head.fit(x, y, seed, stop=(best + 1) * LOOK)
    return Head(head.parameters_of_net(), counts, (best + 1) * LOOK)


def stretches(truth: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Number the stretch that each frame is in, (N,): each label's frames, in order of time, cut into `FOLDS`.

    A frame that is the only one of its label is in none, -1: without it nothing could be learned of that label.
    """
    found = np.zeros(len(truth), np.int64)
    for label in np.unique(truth):
        places = np.flatnonzero(truth == label)
        found[places] = np.arange(len(places)) * FOLDS // len(places) if len(places) > 1 else -1
    return found


class _Layers(nn.Module):
    """A copy of the network's last layers, over features brought to one scale where the first layer is fresh."""

    def __init__(self, net: nn.Module, kind: str, x: Tensor, classes: int) -> None:
        super().__init__()
        self._kind, self._activation = kind, _activation(net)
        is_fresh = kind == "linear"
        self.mean, self.std = (
            (x.mean((0, 1)), _spread(x.flatten(0, 1))) if is_fresh else (torch.zeros(1), torch.ones(1))
        )
        self.project = None if is_fresh else copy.deepcopy(net.get_submodule("project"))
        self.dense = None if is_fresh else _dense(net)
        self.classifier = nn.Linear(_matrix(net, "classifier").shape[1], classes)
        nn.init.zeros_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C), or maps (N, C, H, W) before the pool, -> (N, K)."""
        x = (x - self.mean) / self.std
        if self.project is not None and self.dense is not None:
            x = self._activation(self.dense(self.project(x).mean((2, 3))))
        return cast(Tensor, self.classifier(functional.dropout(x, DROPOUT, self.training)))

    def train(self, mode: bool = True) -> Self:
        """Norms keep what they have seen: so few frames of one video would teach them that video."""
        super().train(mode)
        if self.project is not None:
            self.project.eval()
        return self

    @torch.enable_grad()
    def fit(self, x: Tensor, y: Tensor, seed: int, *, held: Tensor | None = None, stop: int = STEPS) -> list[Tensor]:
        """Learn from (N, V, C), each class weighing the same in all; return logits of (M, C) held out as it goes."""
        weights = torch.from_numpy(splits.balanced(np.bincount(y.numpy(), minlength=self.classifier.out_features)))
        optimizer = torch.optim.AdamW(self.parameters(), RATE, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)  # dropout draws from here
        self.train()
        looks = list[Tensor]()
        for step in range(1, stop + 1):
            rows = torch.randperm(len(x), generator=generator)[:BATCH]
            views = torch.randint(x.shape[1], (len(rows),), generator=generator)
            optimizer.zero_grad()
            loss = functional.cross_entropy(self(x[rows, views]), y[rows], weights)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
            schedule.step()
            if held is not None and step % LOOK == 0:
                looks.append(self._look(held))
        self.requires_grad_(False).eval()
        return looks

    @torch.no_grad()
    def _look(self, held: Tensor) -> Tensor:
        self.eval()
        found = self(held)
        self.train()
        return cast(Tensor, found)

    def parameters_of_net(self) -> dict[str, Tensor]:
        """Return the parameters as the network has them: 1x1 convolutions, the scale folded in."""
        layers = {"classifier": self.classifier} | ({"dense": self.dense} if self.dense is not None else {})
        found = {f"{name}.{key}": value for name, layer in layers.items() for key, value in layer.state_dict().items()}
        if self.project is not None:
            found |= {f"project.{key}": value for key, value in self.project.state_dict().items()}
        else:
            weight = found["classifier.weight"] / self.std
            found |= {"classifier.weight": weight, "classifier.bias": found["classifier.bias"] - weight @ self.mean}
        return {name: value[..., None, None] if value.ndim == 2 else value for name, value in found.items()}


def _spread(x: Tensor) -> Tensor:
    """Return every feature's deviation, (C,); one that hardly changes is not blown up to the size of the others."""
    found = x.std(0)
    return found.clamp(min=float(0.1 * found.mean()) + 1e-6)


def _dense(net: nn.Module) -> nn.Linear:
    weight = _matrix(net, "dense")
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({"weight": weight, "bias": net.get_parameter("dense.bias").detach()})
    return layer


def _matrix(net: nn.Module, layer: str) -> Tensor:
    return net.get_parameter(f"{layer}.weight").detach().flatten(1)


def _activation(net: nn.Module) -> Any:
    return ACTIVATIONS[cast(Any, net).card.classifier_activation]
