"""The memory study on real clips: joined to one long stream, does a model of that age still say what is shown?

All clips are shown once, in an order in which labels change; that is judged. Before it, as long as the stream is to be
old, come the same clips in another order, so that whatever the age and the memory, what is judged and the seconds
before it are the same, and only the past beyond differs. Clips of labels that the model does not show are something
else: there every event is false.

Streams with different memories are rows of one batch, each with its own decay. What a memory has faded to `FORGOTTEN`
cannot change a number of float32, so a row with an end begins there: it is the same at every greater age.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stream import cards
from stream.config import SessionSettings
from stream.evaluation import pooled, reading, streams
from stream.evaluation.streams import quantile
from stream.intervals import Figure, Values, bootstrap
from stream.label_sets import Summing
from stream.preprocess import preprocess
from stream.recogniser import Recogniser
from stream.resampling import Resampler
from stream.smoothing import Smoother, probabilities
from stream.training.datasets import Sample
from stream.types import Array, Phase, Scores, State, Update

MEMORIES_S = (0.5, 1.0, 2.0, 4.0, 8.0, math.inf)
"""Seconds: time constants of forgetting that are compared; inf never forgets."""
AGES_S = (10.0, 600.0, 3600.0)
"""Seconds that the stream has lasted when the judged clips begin."""
FORGOTTEN = 20.0
"""Time constants after which nothing is left: exp(-20) is 2e-9, and float32 resolves 6e-8."""
SETTLED_S = 20.0
"""Seconds before the judged clips from which on labels are averaged and events followed."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What one memory made of one clip of the stream."""

    place: int
    """Which sample it was."""
    length_s: float
    """Seconds that it took."""
    right_s: float
    """Seconds of these during which its label was on top."""
    told_s: float
    """Seconds during which an event of its label went on."""
    false_s: float
    """Seconds during which an event of another label went on."""
    delay_s: float
    """Seconds to the first frame with its label on top; inf where there is none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One memory at one age."""

    memory_s: float
    """Seconds: time constant of forgetting."""
    age_s: float
    """Seconds that the stream had lasted."""
    right: Figure
    """Share of the seconds of clips that the model knows with their label on top."""
    told: Figure
    """Share of these seconds in which an event of the label went on."""
    false: Figure
    """Share of the seconds of all other clips in which an event went on; not a number without such clips."""
    delay_s: Figure
    """Seconds: median delay from a clip's begin to its label on top; those never found count as inf."""


def study(
    recogniser: Recogniser, samples: Sequence[Sample], groups: Sequence[str], memories_s: Sequence[float], seed: int = 0
) -> Iterator[Row]:
    """Yield the rows, age by age.

    Raises:
        SourceError: a clip cannot be read.
    """
    watcher = (_PooledWatcher if pooled.can_share(recogniser) else _Watcher)(recogniser, samples, seed)
    ended = [memory_s for memory_s in memories_s if math.isfinite(memory_s)]
    endless = [memory_s for memory_s in memories_s if not math.isfinite(memory_s)]
    steady: dict[float, list[Watched]] = {}
    for age_s in AGES_S:
        enough_s = FORGOTTEN * max(ended, default=0.0)
        found = steady if age_s > enough_s and steady else watcher.watch(ended, min(age_s, enough_s))
        steady = found if age_s > enough_s else {}
        for memory_s, pieces in (found | watcher.watch(endless, age_s)).items():
            yield _row(memory_s, age_s, pieces, recogniser, samples, groups, seed)


class _Watcher:
    """Shows the clips to streams with several memories, side by side."""

    def __init__(self, recogniser: Recogniser, samples: Sequence[Sample], seed: int) -> None:
        self._recogniser, self._samples = recogniser, samples
        labels = [sample.label for sample in samples]
        self._judged, self._past = streams.order(labels, seed), streams.order(labels, seed + 1)
        card = recogniser.card
        self._fps, self._summed = card.fps, Summing(card.sets, card.labels)

    def watch(self, memories_s: Sequence[float], age_s: float) -> dict[float, list[Watched]]:
        """Return what each memory made of every clip, after `age_s` of other ones."""
        if not memories_s:
            return {}
        decays = np.array([cards.decay(1 / self._fps, memory_s) for memory_s in memories_s], np.float32)
        state = self._recogniser.init_state(len(memories_s))
        smoothers = [self._smoother() for _ in memories_s]
        now_s = 0.0
        for clip in self._history(round(age_s * self._fps)):
            _, state = self._step(clip, state, decays, smoothers, now_s)
            now_s += 1 / self._fps
        found: dict[float, list[Watched]] = {memory_s: [] for memory_s in memories_s}
        for place in self._judged:
            tallies = [_Tally(place, self._samples[place].label, self._fps) for _ in memories_s]
            for clip in self._frames(place):
                updates, state = self._step(clip, state, decays, smoothers, now_s)
                now_s += 1 / self._fps
                for tally, update in zip(tallies, updates, strict=True):
                    tally.take(update)
            for memory_s, tally in zip(memories_s, tallies, strict=True):
                found[memory_s].append(tally.watched())
        return found

    def _smoother(self) -> Smoother:
        card = self._recogniser.card
        limits = card.thresholds, card.own_thresholds
        return Smoother(card.shown_labels, SessionSettings(), card.silent_labels, *limits)

    def _step(
        self, clip: Array, state: State, decays: Array, smoothers: Sequence[Smoother], now_s: float
    ) -> tuple[list[Update], State]:
        logits, state = self._recogniser.step(np.repeat(clip, len(decays), 0), state, decays)
        said = list[Update]()
        said += [self._said(row, smoother, now_s) for row, smoother in zip(logits, smoothers, strict=True)]
        return said, state

    def _said(self, logits: Array, smoother: Smoother, now_s: float) -> Update:
        found = self._summed(probabilities(logits, self._recogniser.card.output))
        events = smoother.update(Scores(found, now_s))
        return Update(now_s, smoother.labels(1), events, 0.0)

    def _history(self, count: int) -> Iterator[Array]:
        """Yield as many frames of clips in the other order, so that the last ones are the same for any count."""
        if not count:
            return
        lengths = [sum(1 for _ in self._frames(place)) for place in self._past]
        skipped = -count % sum(lengths)
        for place, length in [*zip(self._past, lengths, strict=True)] * math.ceil(count / sum(lengths)):
            for clip in self._frames(place) if skipped < length else ():
                if skipped:
                    skipped -= 1
                else:
                    yield clip
            skipped -= length if skipped >= length else 0

    def _frames(self, place: int) -> Iterator[Array]:
        """Yield what the model sees of a clip, at its rate."""
        clock = Resampler(self._fps)
        for frame in reading.film(self._samples[place]):
            if clock.takes(frame.offset_s):
                yield preprocess(frame.picture, self._recogniser.card)


class _PooledWatcher(_Watcher):
    """The same for a network of which only the head remembers: the rest of it runs once. See `pooled`."""

    def __init__(self, recogniser: Recogniser, samples: Sequence[Sample], seed: int) -> None:
        super().__init__(recogniser, samples, seed)
        self._head = pooled.Head(recogniser)
        lengths = list[int]()

        def clips() -> Iterator[Array]:
            for place in (*self._past, *self._judged):
                lengths.append(0)
                for clip in self._frames(place):
                    lengths[-1] += 1
                    yield clip

        features = self._head.features(clips())
        split = sum(lengths[: len(self._past)])
        self._before, self._now, self._lengths = features[:split], features[split:], lengths[len(self._past) :]

    def watch(self, memories_s: Sequence[float], age_s: float) -> dict[float, list[Watched]]:
        """Return what each memory made of every clip, after `age_s` of other ones."""
        return {memory_s: self._watched(memory_s, round(age_s * self._fps)) for memory_s in memories_s}

    def _watched(self, memory_s: float, count: int) -> list[Watched]:
        means = self._head.means(np.concatenate([pooled.past(self._before, count), self._now]), memory_s)
        begin = max(0, count - round(SETTLED_S * self._fps))
        logits, smoother = iter(self._head.logits(means[begin:])), self._smoother()
        now_s = 0.0
        for _ in range(begin, count):
            self._said(next(logits), smoother, now_s)
            now_s += 1 / self._fps
        found = list[Watched]()
        for place, length in zip(self._judged, self._lengths, strict=True):
            tally = _Tally(place, self._samples[place].label, self._fps)
            for _ in range(length):
                tally.take(self._said(next(logits), smoother, now_s))
                now_s += 1 / self._fps
            found.append(tally.watched())
        return found


class _Tally:
    """Adds up what was said during one clip, frame by frame."""

    def __init__(self, place: int, truth: str, fps: float) -> None:
        self._place, self._truth, self._fps = place, truth, fps
        self._count, self._right, self._told, self._false = 0, 0, 0, 0
        self._delay_s = math.inf

    def take(self, update: Update) -> None:
        on = {event.label for event in update.events if event.phase is not Phase.END}
        is_right = bool(update.labels) and update.labels[0].name == self._truth
        if is_right and math.isinf(self._delay_s):
            self._delay_s = self._count / self._fps
        self._count, self._right = self._count + 1, self._right + is_right
        self._told, self._false = self._told + (self._truth in on), self._false + bool(on - {self._truth})

    def watched(self) -> Watched:
        length_s, right_s, told_s, false_s = (
            count / self._fps for count in (self._count, self._right, self._told, self._false)
        )
        return Watched(self._place, length_s, right_s, told_s, false_s, self._delay_s)


def _row(
    memory_s: float, age_s: float, pieces: Sequence[Watched], recogniser: Recogniser, samples: Sequence[Sample],
    groups: Sequence[str], seed: int,
) -> Row:  # fmt: skip
    known_labels = streams.telling(recogniser)
    is_known = np.array([samples[piece.place].label in known_labels for piece in pieces], np.float64)
    length_s, right_s, told_s, false_s, delays_s = (
        np.array([getattr(piece, name) for piece in pieces])
        for name in ("length_s", "right_s", "told_s", "false_s", "delay_s")
    )

    def statistic(weights: Values) -> Values:
        known, others = weights * is_known, weights * (1 - is_known)
        shares = ((known, right_s), (known, told_s), (others, false_s))
        found = [part @ seconds / total if (total := part @ length_s) else math.nan for part, seconds in shares]
        return np.array([*found, quantile(delays_s, known, 0.5)])

    figures = bootstrap(statistic, [groups[piece.place] for piece in pieces], seed=seed)
    right, told, false, delay_s = figures
    return Row(memory_s, age_s, right, told, false, delay_s)
