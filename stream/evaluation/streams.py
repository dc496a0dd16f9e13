"""The stream protocol: clips joined to one long stream, read by one session, judged by what a viewer would see.

A change of action is where a clip follows one of another label. What joins two clips is a cut that a camera would not
show, so cut detection, which clears the memory, is off unless asked for.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stream.config import SessionSettings
from stream.evaluation import reading
from stream.intervals import Figure, Values, bootstrap, rate
from stream.pipeline import Session, run
from stream.recogniser import Recogniser
from stream.sources.base import Source
from stream.spans import Clock
from stream.training.datasets import Sample
from stream.types import Frame, Phase, Update


@dataclass(frozen=True, slots=True)
class Piece:
    """What was seen during one clip of the stream."""

    place: int
    """Which sample it was."""
    length_s: float
    """Seconds that it took."""
    right_s: float
    """Seconds of these during which its label was on top."""
    delay_s: float
    """Seconds from its first frame to the first one with its label on top; inf where there is none."""
    is_change: bool
    """The clip before it had another label."""
    told_s: float = 0.0
    """Seconds of these during which an event of its label went on."""
    false_s: float = 0.0
    """Seconds during which an event of another label went on."""
    is_known: bool = True
    """Its label is one that the model gives events of; else it is something else, and every event is false."""


@dataclass(frozen=True, slots=True)
class Streams:
    """What a viewer sees of actions that follow each other."""

    length_s: float
    """Seconds of stream."""
    changes: int
    """Count: changes of action."""
    groups: int
    """Count: groups that the intervals are drawn from."""
    right: Figure
    """Share of the time of clips that the model knows during which the label on top was right."""
    told: Figure
    """Share of that time during which an event of the label went on."""
    false: Figure
    """Share of the time of all other clips during which any event went on; not a number without such clips."""
    found: Figure
    """Share of the changes after which the right label came on top before the next change."""
    delay_s: Figure
    """Seconds: median delay from a change to its label; those never found count as inf."""
    late_s: Figure
    """Seconds: the delay that nine changes in ten do not exceed, likewise."""
    delays_s: tuple[float, ...]
    """Seconds: every delay."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """Events on footage without any of the actions: all of them are false."""

    videos: int
    """Count."""
    hours: float
    """Of footage."""
    events: dict[str, int]
    """Label -> count of its events, the most frequent first."""
    per_hour: Figure
    """Events an hour."""


def telling(recogniser: Recogniser) -> frozenset[str]:
    """List the labels that give events; those of all other clips are something else."""
    return frozenset(recogniser.labels) - frozenset(recogniser.card.silent_labels)


def order(labels: Sequence[str], seed: int = 0) -> list[int]:
    """Shuffle clips so that, where it can be, no two of a label follow each other: their numbers."""
    rng = np.random.default_rng(seed)
    piles: dict[str, list[int]] = {}
    for place in rng.permutation(len(labels)):
        piles.setdefault(labels[place], []).append(int(place))
    found, last = list[int](), ""
    while any(piles.values()):
        ready = [label for label, pile in piles.items() if pile and label != last] or [last]
        most = max(len(piles[label]) for label in ready)
        full = [label for label in ready if len(piles[label]) == most]
        last = full[int(rng.integers(len(full)))]
        found.append(piles[last].pop())
    return found


def play(
    recogniser: Recogniser, samples: Sequence[Sample], places: Sequence[int], settings: SessionSettings
) -> Iterator[Piece]:
    """Join the samples in the order of `places`; yield what was seen during each.

    Raises:
        SourceError: a clip cannot be read.
    """
    session, known = recogniser.session(replace(settings, top_k=1)), telling(recogniser)
    begin_s, on, before, going = 0.0, "", None, frozenset[str]()
    for place in places:
        truth, clock = samples[place].label, Clock()
        turns = list[tuple[float, str]]()  # since the clip's first frame: what came on top
        held = list[tuple[float, frozenset[str]]]()  # ... and of which labels events went on
        for frame in reading.film(samples[place]):
            clock.take(frame)
            update = session.feed(replace(frame, offset_s=begin_s + frame.offset_s))
            if update:
                turns.append((frame.offset_s, update.labels[0].name if update.labels else ""))
                going = frozenset(event.label for event in update.events if event.phase is not Phase.END)
                held.append((frame.offset_s, going))
        length_s = clock.end_us / 1e6
        yield Piece(
            place,
            length_s,
            _right_s(turns, on, truth, length_s),
            _delay_s(turns, truth),
            before not in (None, truth),
            *_held_s(held, truth, length_s),
            truth in known,
        )
        begin_s, on, before = begin_s + length_s, turns[-1][1] if turns else on, truth


def measure(pieces: Sequence[Piece], groups: Sequence[str], seed: int = 0) -> Streams:
    """Measure what was seen; `groups` are those of the samples, by their place."""
    lengths, rights, tolds, falses = (
        np.array([getattr(piece, name) for piece in pieces]) for name in ("length_s", "right_s", "told_s", "false_s")
    )
    is_known = np.array([piece.is_known for piece in pieces], np.bool_)
    is_change = np.array([piece.is_change for piece in pieces], np.bool_) & is_known
    delays = np.array([piece.delay_s for piece in pieces])

    def statistic(weights: Values) -> Values:
        turned = weights * is_change
        total = turned.sum()
        found = turned[np.isfinite(delays)].sum() / total if total else math.nan
        quantiles = (quantile(delays, turned, share) for share in (0.5, 0.9))
        known, others = weights * is_known, weights * ~is_known
        parts = ((known, rights), (known, tolds), (others, falses))
        shares = (part @ times / whole if (whole := part @ lengths) else math.nan for part, times in parts)
        return np.array([*shares, found, *quantiles])

    drawn = [groups[piece.place] for piece in pieces]
    right, told, false, found, delay_s, late_s = bootstrap(statistic, drawn, seed=seed)
    every = tuple(float(delay) for delay in delays[is_change])
    sizes = float(lengths.sum()), int(is_change.sum()), len(set(drawn))
    return Streams(*sizes, right, told, false, found, delay_s, late_s, every)


def alarms(recogniser: Recogniser, sources: Sequence[Source], settings: SessionSettings) -> Iterator[Alarms]:
    """Watch footage without any of the actions, each video by its own session; yield the tally after each.

    Raises:
        SourceError: a video cannot be read.
    """
    events, seconds = dict[str, int](), 0.0
    for count, source in enumerate(sources, 1):
        watcher = _Watcher()
        with source:
            run(source, Session(recogniser.runtime, settings), watcher.send)
        seconds += watcher.clock.end_us / 1e6
        for label in watcher.begun:
            events[label] = events.get(label, 0) + 1
        ranked = dict(sorted(events.items(), key=lambda item: (-item[1], item[0])))
        yield Alarms(count, seconds / 3600, ranked, rate(sum(events.values()), max(seconds, 1e-9) / 3600))


class _Watcher:
    """Counts what begins, and how long it was watched."""

    def __init__(self) -> None:
        self.clock, self.begun = Clock(), list[str]()

    def send(self, frame: Frame, update: Update | None) -> None:
        self.clock.take(frame)
        self.begun += [event.label for event in update.events if event.phase is Phase.BEGIN] if update else []


def _right_s(turns: Sequence[tuple[float, str]], on: str, truth: str, length_s: float) -> float:
    """Add up the time during which the label on top, at first what was on before, is the right one."""
    right_s, begin_s = 0.0, 0.0
    for offset_s, label in turns:
        right_s += offset_s - begin_s if on == truth else 0.0
        begin_s, on = offset_s, label
    return right_s + (length_s - begin_s if on == truth else 0.0)


def _held_s(held: Sequence[tuple[float, frozenset[str]]], truth: str, length_s: float) -> tuple[float, float]:
    """Add up the time, from the first frame used, during which the right event went on, and during which others did."""
    ends_s = [*(offset_s for offset_s, _ in held[1:]), length_s]
    spans = [(end_s - begin_s, labels) for (begin_s, labels), end_s in zip(held, ends_s, strict=False)]
    told_s = sum(span_s for span_s, labels in spans if truth in labels)
    return told_s, sum(span_s for span_s, labels in spans if labels - {truth})


def _delay_s(turns: Sequence[tuple[float, str]], truth: str) -> float:
    return next((offset_s for offset_s, label in turns if label == truth), math.inf)


def quantile(values: Values, weights: Values, share: float) -> float:
    """Return the smallest value that a share of the weight does not exceed; not a number without weight."""
    if not weights.sum():
        return math.nan
    ranked = np.argsort(values, kind="stable")
    passed = np.cumsum(weights[ranked])
    return float(values[ranked][np.searchsorted(passed, share * passed[-1] - 1e-9)])
