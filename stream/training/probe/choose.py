"""Looks at somebody's own clips through the cards that are here, by a linear probe each, and says which one tells more.

Directions of motion lie in `gestures-a0`, appearance and actions in a Kinetics card: which is needed, the clips say.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from stream import cards
from stream.cards import Card
from stream.errors import ModelError, StreamError, UsageError
from stream.play.motions import LABELS
from stream.training.clips import Clips
from stream.training.datasets import Sample
from stream.training.mixing import played
from stream.training.probe.linear import Probe, probe
from stream.training.probe.trunk import Pictures, Trunk, identity
from stream.types import Array

AUTO = "auto"
"""As `--from`: the card whose linear probe is best."""

MOST_CLIPS, MOST_FRAMES = 300, 100
"""Count: clips of a data set, classes and groups in turn, and frames of a clip, that a probe looks at."""

APPEARANCE = "movinet-a0-stream-k600"
"""Of the catalogue: a small network that knows what things look like."""

TOLD = 0.6
"""Share of a clip, its last part, over which its features are averaged: what is done is told late."""

Say = Callable[[str], None]
"""Takes a line for people."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was probed, and what is best."""

    card: Card
    """The card to begin with."""
    probes: tuple[Probe, ...]
    """One of each card, best first."""

    def story(self) -> list[dict[str, object]]:
        """Say it for the card and for programs."""
        return [probe.story() for probe in self.probes]


def candidates() -> tuple[Card, ...]:
    """List the cards that are here, shipped or cached, whose network can be learned from."""
    found = []
    for name in cards.names():
        try:
            card = cards.load(name)
        except ModelError:
            continue  # a card that cannot be read is said by stream-models; here another one serves
        if is_learnable(card):
            found.append(card)
    return tuple(found)


def asked(begin: str) -> tuple[Card, ...]:
    """List the cards that are meant: all that are here for `AUTO`, or the one of that name or path.

    Raises:
        UsageError: there is none, or its network cannot be learned from.
    """
    found = candidates() if begin == AUTO else (cards.load(begin),)
    if not found:
        raise UsageError("--from auto finds no model here; accepted: a name, or what stream-models pull brings")
    if not all(map(is_learnable, found)):
        raise UsageError(f"{begin} has no stream network of its own to begin with; accepted: a stream model's card")
    return found


def is_of_motion(card: Card) -> bool:
    """Say whether a card learned from generated gestures, whose temporal taps see differences more than pictures."""
    return set(LABELS) <= set(card.labels)


def is_learnable(card: Card) -> bool:
    """Say whether a card has a stream network whose weights can be taken up."""
    return card.kind == "stream" and not card.members and not card.is_folded and bool(card.weights)


def choose(begin: str, samples: Sequence[Sample], say: Say, *, is_lenient: bool = False, seed: int = 0) -> Choice:
    """Probe the card that is asked for, or each that is here, and say what was found.

    Args:
        begin: `AUTO`, or the name or path of a card.
        samples: of two classes or more; those that judge the model in the end are not among them.
        say: takes each figure, and the verdict.
        is_lenient: leave out what cannot be read; else that is an error.
        seed: decides which clips of many are taken, and the draws.

    Raises:
        UsageError: there is no card to begin with, or fewer than two clips of two classes.
        ModelError: the card's weights cannot be read.
    """
    chosen, known = some(samples, seed), asked(begin)
    found, names = list[tuple[Card, Probe]](), dict[str, str]()
    say(f"probing {', '.join(card.name for card in known)} on {len(chosen)} clips")
    for card in known:
        begun_s = time.monotonic()
        try:
            if len(known) > 1 and (same := names.setdefault(identity(card), card.name)) != card.name:
                say(f"{card.name} has the network of {same}, but for its last layer: not probed again")
                continue
            found.append((card, look(card, chosen, is_lenient=is_lenient, seed=seed)))
        except StreamError as error:
            if begin != AUTO or isinstance(error, UsageError):
                raise
            say(f"{card.name} is left out: {error}")
            continue
        say(f"{found[-1][1]} ({time.monotonic() - begun_s:.0f} s)")
    found.sort(key=lambda pair: -pair[1].right.value)
    if not found:
        raise UsageError("--from auto: no model that is here can be probed; accepted: the name of one that works")
    card, best = found[0]
    say(f"{best.verdict}" + (f"; --from auto takes {card.name}" if begin == AUTO else ""))
    return Choice(card, tuple(pair[1] for pair in found))


def look(card: Card, samples: Sequence[Sample], *, is_lenient: bool = False, seed: int = 0) -> Probe:
    """Probe one card on some samples, whose groups are those of their own or their videos."""
    clips = Clips(samples, card, card.fps, is_lenient=is_lenient, what=f"decoding for {card.name}")
    shown = [played(clips[index], card.fps, 1.0)[:MOST_FRAMES] for index in range(len(clips))]
    features = clip_features(Trunk(card), shown)
    labels = [sample.label for sample in clips.samples]
    return probe(card.name, features, labels, [sample.group or str(sample.path) for sample in clips.samples], seed)


def clip_features(trunk: Trunk, clips: Sequence[Pictures]) -> Array:
    """Average the features of every clip over its last part: (N, C)."""
    return np.stack([late(row).mean(0) for row in trunk.features(clips)])


def late(rows: Array) -> Array:
    """Return the last part, (T', ...), of what was found at every frame of a clip, (T, ...)."""
    return rows[len(rows) - max(1, round(TOLD * len(rows))) :]


def some(samples: Sequence[Sample], seed: int = 0, most: int = MOST_CLIPS) -> tuple[Sample, ...]:
    """Take at most so many samples, of each class and group in turn; all of them where they are no more."""
    order = np.random.default_rng(seed).permutation(len(samples))
    turns: dict[tuple[str, str], int] = {}
    ranked = list[tuple[int, int]]()
    for place in order:
        sample = samples[place]
        key = sample.label, sample.group or str(sample.path)
        turns[key] = turns.get(key, 0) + 1
        ranked.append((turns[key], int(place)))
    kept = sorted(place for _, place in sorted(ranked, key=lambda pair: pair[0])[:most])
    return tuple(samples[place] for place in kept)
