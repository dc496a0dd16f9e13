"""The event protocol: every clip through a session of its own, judged by the events that a user would get.

A clip of an action is right when the BEGIN of its label comes, whatever else does; other events are counted beside.
On a clip of the background every event is false. A clip is seen from its first frame to its last, so an action that
is not told by then is missed.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from stream.config import SessionSettings
from stream.evaluation import reading
from stream.intervals import Figure, Values, bootstrap, shares, trusted
from stream.recogniser import Recogniser
from stream.spans import Clock
from stream.training.datasets import Sample
from stream.types import Array, Phase

Labels = npt.NDArray[np.str_]
"""(N,) what each clip shows."""

LATE_SHARE = 0.6
"""Share of a clip, its end, whose mean probabilities say which action it is most like."""
NONE = "none"
"""What is said of a clip without an event."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of one clip."""

    length_s: float
    """Seconds."""
    begun: tuple[str, ...]
    """Labels of its BEGIN events, in order."""
    likeliest: str
    """The action, background left out, that is most probable on average over the last LATE_SHARE of it."""


@dataclass(frozen=True, slots=True)
class Actions:
    """What was said of the clips of one action, or of all."""

    clips: int
    """Count."""
    found: Figure
    """Share with an event of the right label."""
    first: Figure
    """Share whose first event is the right one."""
    likeliest: Figure
    """Share whose likeliest action is the right one, thresholds and background aside."""
    said: dict[str, int]
    """First event, or NONE -> count, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Events:
    """What was said of clips of actions and of background."""

    groups: int
    """Count: groups that the intervals are drawn from."""
    every: Actions | None
    """Of all actions; None without a clip of one."""
    actions: dict[str, Actions]
    """Label -> what was said of its clips."""
    background_clips: int
    """Count."""
    background_s: float
    """Seconds."""
    false: dict[str, int]
    """Label -> count of events on the background, the most frequent first."""
    false_per_minute: Figure
    """Events a minute of background; the interval draws groups, since events come in bursts."""
    quiet: Figure
    """Share of the clips of background without an event."""


def watch(recogniser: Recogniser, samples: Sequence[Sample], settings: SessionSettings) -> Iterator[Watched]:
    """Play each clip to a session of its own; yield what came of it.

    Raises:
        SourceError: a clip cannot be read.
    """
    labels, silent = recogniser.labels, recogniser.card.background
    every = replace(settings, top_k=len(labels))
    for sample in samples:
        session, clock = recogniser.session(every), Clock()
        begun, means = list[str](), list[Array]()
        for frame in reading.film(sample):
            clock.take(frame)
            if update := session.feed(frame):
                begun += [event.label for event in update.events if event.phase is Phase.BEGIN]
                means.append(_row(labels, {label.name: label.probability for label in update.labels}))
        late = np.stack(means)[round((1 - LATE_SHARE) * len(means)) :] if means else np.zeros((1, len(labels)))
        mean = np.where([name in silent for name in labels], -1.0, late.mean(0))
        yield Watched(clock.end_us / 1e6, tuple(begun), labels[int(mean.argmax())])


def _row(labels: Sequence[str], said: dict[str, float]) -> Array:
    return np.array([said.get(name, 0.0) for name in labels], np.float32)


def measure(
    samples: Sequence[Sample],
    watched: Sequence[Watched],
    groups: Sequence[str],
    background: Sequence[str],
    seed: int = 0,
) -> Events:
    """Measure what came of N clips.

    Args:
        samples: (N,) clips with the model's labels.
        watched: (N,) what came of them.
        groups: (N,) what is drawn together in the bootstrap.
        background: labels that are no action.
        seed: of the bootstrap.
    """
    truth = np.array([sample.label for sample in samples])
    is_action = ~np.isin(truth, list(background))
    named = [label for label in dict.fromkeys(truth.tolist()) if label not in background]
    actions = {label: _actions(truth, watched, groups, truth == label, seed) for label in sorted(named)}
    every = _actions(truth, watched, groups, is_action, seed) if is_action.any() else None
    false = Counter(label for one, action in zip(watched, is_action, strict=True) if not action for label in one.begun)
    lengths = np.array([one.length_s for one in watched]) * ~is_action
    counts = np.array([len(one.begun) for one in watched]) * ~is_action

    def alarms(weights: Values) -> Values:
        minutes = (weights * lengths).sum() / 60
        return np.array([(weights * counts).sum() / minutes if minutes else math.nan])

    per_minute = trusted(bootstrap(alarms, groups, seed=seed)[0], ~is_action, groups)
    [quiet] = shares([(counts == 0, ~is_action)], groups, seed)
    sizes = int((~is_action).sum()), float(lengths.sum())
    return Events(len(set(groups)), every, actions, *sizes, dict(false.most_common()), per_minute, quiet)


def _actions(
    truth: Labels, watched: Sequence[Watched], groups: Sequence[str], chosen: npt.NDArray[np.bool_], seed: int
) -> Actions:
    """Measure the chosen clips; the groups drawn are those that have some."""
    rows = [
        (label, one, group) for label, one, group, is_in in zip(truth, watched, groups, chosen, strict=True) if is_in
    ]
    every, drawn = np.ones(len(rows), np.bool_), [group for *_, group in rows]
    hits = np.array(
        [(label in one.begun, one.begun[:1] == (label,), one.likeliest == label) for label, one, _ in rows], np.bool_
    )
    found, first, likeliest = shares([(right, every) for right in hits.T], drawn, seed)
    said = Counter(one.begun[0] if one.begun else NONE for _, one, _ in rows)
    return Actions(len(rows), found, first, likeliest, dict(said.most_common()))
