"""Judges a last layer on clips it did not learn from: what it says of them, and which events come of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stream.cards import Card
from stream.config import SessionSettings
from stream.intervals import Figure, shares
from stream.smoothing import Smoother
from stream.training.probe.choose import late
from stream.training.probe.layer import Layer
from stream.types import Array, Phase, Scores


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of one clip."""

    said: str
    """Its most probable label over its last part."""
    events: tuple[str, ...]
    """Labels that began as events in a session of its own, with the card's thresholds."""
    probability: float
    """Of `said`, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How many clips were right."""

    right: Figure
    """Share whose most probable label is theirs."""
    told: Figure
    """Share of those that mean something whose label came as an event, and no other did; not a number without any."""
    quiet: Figure
    """Share of those that mean nothing (the card's background) without an event; not a number without any."""


def judge(card: Card, layer: Layer, features: Array) -> Verdict:
    """Judge one clip: (T, C) features at the card's rate, from a blank memory."""
    rows = layer(features)  # (T, K)
    mean = late(rows).mean(0)
    smoother = Smoother(card.labels, SessionSettings(), card.background, card.thresholds)
    begun = list[str]()
    for place, row in enumerate(rows):
        events = smoother.update(Scores(row, place / card.fps))
        begun += [event.label for event in events if event.phase is Phase.BEGIN]
    return Verdict(card.labels[int(mean.argmax())], tuple(begun), float(mean.max()))


def measure(
    verdicts: Sequence[Verdict], labels: Sequence[str], groups: Sequence[str], background: Sequence[str], seed: int = 0
) -> Figures:
    """Count what was right; intervals by bootstrap over groups.

    Args:
        verdicts: (N,) of each clip.
        labels: (N,) what each shows.
        groups: (N,) the recording of each.
        background: labels that mean nothing.
        seed: of the draws.
    """
    is_quiet = np.array([label in background for label in labels])
    pairs = list(zip(verdicts, labels, strict=True))
    hits = (
        (np.array([verdict.said == label for verdict, label in pairs]), np.ones(len(pairs), bool)),
        (np.array([set(verdict.events) == {label} for verdict, label in pairs]), ~is_quiet),
        (np.array([not verdict.events for verdict, _ in pairs]), is_quiet),
    )
    return Figures(*shares(hits, groups, seed))
