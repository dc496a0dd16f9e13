"""The memory study: does a model know an action after half an hour as well as after ten seconds?

Each stream is one scene of generated footage that training never saw. Its first minute is shown over and over, for as
long as the stream is to be old; then come the actions that are judged. Whatever the age and the memory, the actions and
the seconds before them are the same, frame by frame, so that only the past beyond differs.

State is explicit, so nothing is computed twice: streams of all scenes are rows of one batch; one history serves every
age that it passes; and where another minute leaves the state as it was, bit for bit, the minutes that are left are
known already.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stream import cards
from stream.config import SessionSettings
from stream.evaluation.generated import SPLIT, gestures_of
from stream.evaluation.streams import quantile
from stream.intervals import Figure, Values, bootstrap
from stream.label_sets import Summing
from stream.pictures import RgbPicture
from stream.play.gestures import Event
from stream.play.matching import SLACK_S
from stream.preprocess import preprocess
from stream.recogniser import Recogniser
from stream.smoothing import Smoother, probabilities
from stream.training.gestures import FPS, MIXTURE, Stream, stream
from stream.types import Array, Scores, State

MEMORIES_S = (1.0, 2.0, 4.0, 8.0, 16.0, math.inf)
"""Seconds: time constants of forgetting that are compared; inf never forgets."""
SHORT_S = 10.0
"""Seconds: the youngest age."""
AGES_S = (SHORT_S, 600.0, 1800.0)
"""Seconds that a stream has lasted when the judged actions begin."""
LOOP_S = 60.0
"""Seconds that are shown over and over."""
TEST_S = 60.0
"""Seconds with the judged actions."""
ROW_COUNT = 16
"""Count: streams stepped side by side."""


@dataclass(frozen=True, slots=True)
class Take:
    """What became of one action."""

    scene: int
    """Which scene it is in."""
    is_right: bool
    """Its label was on top at the first frame after its end."""
    delay_s: float
    """Seconds from its begin to the first frame with its label on top, until a second after its end; inf: none."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One memory at one age."""

    memory_s: float
    """Seconds: time constant of forgetting."""
    age_s: float
    """Seconds that the stream had lasted."""
    accuracy: Figure
    """Share of the actions whose label was on top at the first frame after their end."""
    found: Figure
    """Share of the actions whose label came on top, from their begin to a second after their end."""
    delay_s: Figure
    """Seconds: median delay from an action's begin to its label; those never found count as inf."""
    change: Figure
    """Accuracy less that of the same memory at the youngest age, on the same actions."""


def scenes(count: int, seed: int) -> Iterator[Stream]:
    """Make the scenes: a minute to repeat, and a minute with the actions that are judged."""
    frames = round((LOOP_S + TEST_S) * FPS)
    for index in range(count):
        yield stream((seed, 2, index), frames, split=SPLIT, is_upright=True, pause_s=(0.5, 1.5), classes=MIXTURE)


def study(
    recogniser: Recogniser, films: Sequence[Stream], memories_s: Sequence[float], seed: int = 0
) -> Iterator[Cell]:
    """Yield the cells, memory by memory, each from the youngest age to the oldest."""
    for memory_s in memories_s:
        walker = _Walker(recogniser, films, memory_s)
        young = walker.young()
        yield _cell(memory_s, SHORT_S, young, young, seed)
        last: tuple[State, list[Take]] | None = None
        for age_s, state in walker.aged(AGES_S[1:]):
            takes = last[1] if last and last[0] is state else walker.old(state)
            last = state, takes
            yield _cell(memory_s, age_s, takes, young, seed)


def judged(recogniser: Recogniser, film: Stream) -> list[Event]:
    """List the actions of a scene that are judged: gestures of its second minute, seen to a second after their end."""
    known, end_s = gestures_of(recogniser), len(film.frames) / FPS - SLACK_S
    return [event for event in film.events if event.label in known and event.begin_s >= LOOP_S and event.end_s <= end_s]


class _Walker:
    """Steps all scenes side by side with one memory."""

    def __init__(self, recogniser: Recogniser, films: Sequence[Stream], memory_s: float) -> None:
        self._recogniser, self._films = recogniser, films
        self._decay = cards.decay(1 / FPS, memory_s)
        self._events = [(scene, event) for scene, film in enumerate(films) for event in judged(recogniser, film)]

    def young(self) -> list[Take]:
        """Judge every action in a stream of its own, SHORT_S old when it begins."""
        begins = [_frame(event.begin_s - SHORT_S) for _, event in self._events]
        ends = [_frame(event.end_s + SLACK_S) + 1 for _, event in self._events]
        takes = list[Take]()
        for first in range(0, len(begins), ROW_COUNT):
            part = slice(first, first + ROW_COUNT)
            length = max(end - begin for begin, end in zip(begins[part], ends[part], strict=True))
            rows = [(scene, begin) for (scene, _), begin in zip(self._events[part], begins[part], strict=True)]
            said = self._walk(rows, length, self._recogniser.init_state(len(rows)))
            for row, ((scene, event), begin) in enumerate(zip(self._events[part], begins[part], strict=True)):
                takes.append(_judge(scene, event, said[row], begin))
        return takes

    def aged(self, ages_s: Sequence[float]) -> Iterator[tuple[float, State]]:
        """Show the first minute over and over; yield the state at each age, the same object where nothing changes."""
        state, is_steady = self._recogniser.init_state(len(self._films)), False
        rows = [(scene, 0) for scene in range(len(self._films))]
        for minute in range(1, round(max(ages_s) / LOOP_S) + 1):
            if not is_steady:
                after = self._watch(rows, _frame(LOOP_S), state)
                is_steady = all(np.array_equal(after[name], state[name]) for name in state)
                state = state if is_steady else after
            if minute * LOOP_S in ages_s:
                yield minute * LOOP_S, state

    def old(self, state: State) -> list[Take]:
        """Judge every action, the scenes' second minutes following `state`."""
        begin = _frame(LOOP_S)
        rows = [(scene, begin) for scene in range(len(self._films))]
        said = self._walk(rows, _frame(TEST_S), state)
        return [_judge(scene, event, said[scene], begin) for scene, event in self._events]

    def _walk(self, rows: Sequence[tuple[int, int]], length: int, state: State) -> list[list[str]]:
        """Step `length` frames of each row, a scene and its first frame; return the label on top of every frame."""
        card = self._recogniser.card
        smoothers = [Smoother(card.shown_labels, SessionSettings(), card.silent_labels) for _ in rows]
        summed = Summing(card.sets, card.labels)
        said: list[list[str]] = [[] for _ in rows]
        for index in range(length):
            logits, state = self._step(rows, index, state)
            for row, smoother in enumerate(smoothers):
                found = summed(probabilities(logits[row], card.output))
                smoother.update(Scores(found, index / FPS))
                said[row].append(smoother.labels(1)[0].name)
        return said

    def _watch(self, rows: Sequence[tuple[int, int]], length: int, state: State) -> State:
        """Step `length` frames of each row; return the state after them."""
        for index in range(length):
            _, state = self._step(rows, index, state)
        return state

    def _step(self, rows: Sequence[tuple[int, int]], index: int, state: State) -> tuple[Array, State]:
        """Step one frame of each row: the one `index` after its first, or its scene's last; return (B, K) logits."""
        pictures = [self._films[scene].frames for scene, _ in rows]
        places = [min(begin + index, len(film) - 1) for film, (_, begin) in zip(pictures, rows, strict=True)]
        card = self._recogniser.card
        clip = [preprocess(RgbPicture(film[place]), card) for film, place in zip(pictures, places, strict=True)]
        return self._recogniser.step(np.concatenate(clip), state, self._decay)


def _judge(scene: int, event: Event, said: Sequence[str], first: int) -> Take:
    """Judge one action; `said` begins with frame `first` of the scene."""
    end = math.ceil(event.end_s * FPS)
    window = range(math.ceil(event.begin_s * FPS), _frame(event.end_s + SLACK_S) + 1)
    found = next((frame for frame in window if frame - first < len(said) and said[frame - first] == event.label), None)
    delay_s = math.inf if found is None else found / FPS - event.begin_s
    return Take(scene, said[end - first] == event.label, delay_s)


def _cell(memory_s: float, age_s: float, takes: Sequence[Take], young: Sequence[Take], seed: int) -> Cell:
    right, once = (np.array([take.is_right for take in which], np.float64) for which in (takes, young))
    delays = np.array([take.delay_s for take in takes])

    def statistic(weights: Values) -> Values:
        shares = (weights @ column / weights.sum() for column in (right, np.isfinite(delays), right - once))
        accuracy, found, change = shares
        return np.array([accuracy, found, quantile(delays, weights, 0.5), change])

    figures = bootstrap(statistic, [str(take.scene) for take in takes], seed=seed)
    accuracy, found, delay_s, change = figures
    return Cell(memory_s, age_s, accuracy, found, delay_s, change)


def _frame(offset_s: float) -> int:
    return round(offset_s * FPS)
