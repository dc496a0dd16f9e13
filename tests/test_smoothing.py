"""Probabilities become events that always make sense."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stream.config import SessionSettings, Thresholds
from stream.errors import UnknownPart, UsageError
from stream.smoothing import Smoother, probabilities
from stream.types import LabelEvent, Phase, Scores

LABELS = ("nothing", "walk", "run", "jump")
THRESHOLD = 0.5
RAW = SessionSettings(smoothing_s=0, min_duration_s=0)


def play(smoother: Smoother, rows: list[tuple[float, ...]], step_s: float = 0.1) -> list[LabelEvent]:
    """Feed rows of probabilities, one every `step_s`, then end the stream."""
    events: list[LabelEvent] = []
    for index, row in enumerate(rows):
        events += smoother.update(Scores(np.array(row, np.float32), index * step_s))
    return [*events, *smoother.reset()]


def walking(*levels: float) -> list[tuple[float, ...]]:
    return [(1 - level, level, 0.0, 0.0) for level in levels]


def told(events: list[LabelEvent]) -> list[tuple[str, Phase, float]]:
    return [(event.label, event.phase, round(event.offset_s, 6)) for event in events]


def reached(allow: tuple[str, ...] | None, deny: tuple[str, ...] | None = None) -> tuple[set[str], tuple[str, ...]]:
    """Play a stream in which everything is probable once; return what was begun, and what could not be."""
    smoother = Smoother(LABELS, SessionSettings(smoothing_s=0, allow=allow, deny=deny), ("nothing", "jump"))
    rows = [tuple(row) for row in np.repeat(np.eye(4), 5, axis=0).tolist()]
    return {event.label for event in play(smoother, rows)}, smoother.untold


def test_a_plus_allows_a_label_beside_all_others() -> None:
    assert reached(None) == ({"walk", "run"}, ("nothing", "jump"))
    assert reached(("jump",)) == ({"jump"}, ("nothing", "walk", "run"))
    assert reached(("+jump",)) == ({"walk", "run", "jump"}, ("nothing",))
    assert reached(("+jump",), ("run",)) == ({"walk", "jump"}, ("nothing", "run"))
    assert reached(("run", "+jump")) == ({"run", "jump"}, ("nothing", "walk"))
    assert reached(()) == (set(), LABELS), "an empty list allows none"
    with pytest.raises(UnknownPart, match="no label named 'hop'; known: jump, nothing, run, walk"):
        reached(("+hop",))


def test_a_label_that_begins_with_a_plus_is_itself() -> None:
    smoother = Smoother(("+1", "1"), replace(RAW, allow=("+1",)))
    smoother.update(Scores(np.array([0.4, 0.6], np.float32), 0.0))
    assert [label.name for label in smoother.labels(2)] == ["+1"]


class AnyStream(RuleBasedStateMachine):
    """Any probabilities at any increasing times, with breaks anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.smoother = Smoother(LABELS, SessionSettings(begin_threshold=THRESHOLD, end_threshold=0.3), ("nothing",))
        self.now_s, self.events = 0.0, list[LabelEvent]()

    @rule(row=st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), elapsed_s=st.floats(0.001, 1))
    def update(self, row: list[float], elapsed_s: float) -> None:
        self.now_s += elapsed_s
        self.events += self.smoother.update(Scores(np.array(row, np.float32), self.now_s))

    @rule(label=st.integers(0, 3), count=st.integers(1, 8))
    def hold(self, label: int, count: int) -> None:
        for _ in range(count):
            self.update(np.eye(4)[label].tolist(), 0.1)

    @rule()
    def reset(self) -> None:
        self.events += self.smoother.reset()

    @invariant()
    def events_are_well_formed(self) -> None:
        for label in LABELS:
            check([event for event in self.events if event.label == label], self.now_s)

    def teardown(self) -> None:
        self.events += self.smoother.reset()
        self.events_are_well_formed()
        for label in LABELS:
            phases = [event.phase for event in self.events if event.label == label]
            assert phases.count(Phase.BEGIN) == phases.count(Phase.END), "whatever began has ended"


def check(events: list[LabelEvent], now_s: float) -> None:
    """One label's life: BEGIN, UPDATEs, END, and again; offsets never decrease; values in range."""
    before = Phase.END
    for event in events:
        assert event.label != "nothing", "background gives no event"
        assert (before is Phase.END) == (event.phase is Phase.BEGIN)
        assert 0 <= event.probability <= 1 + 1e-6
        assert event.begin_s <= event.offset_s <= now_s
        if event.phase is not Phase.UPDATE:
            assert event.probability >= THRESHOLD, "an event never reads lower than what began it"
        before = event.phase
    assert all(a.offset_s <= b.offset_s for a, b in pairwise(events))
    for a, b in pairwise(events):
        assert b.phase is Phase.BEGIN or a.begin_s == b.begin_s


TestAnyStream = AnyStream.TestCase
TestAnyStream.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_an_action_begins_when_it_crossed_and_ends_when_it_was_last_held() -> None:
    settings = SessionSettings(smoothing_s=0, min_duration_s=0.2, begin_threshold=0.6, end_threshold=0.4)
    events = play(Smoother(LABELS, settings), walking(0, 0, 0.7, 0.5, 0.9, 0.45, 0.1, 0))
    walk = [event for event in events if event.label == "walk"]
    assert told(walk) == [("walk", Phase.BEGIN, 0.2), ("walk", Phase.UPDATE, 0.5), ("walk", Phase.END, 0.5)]
    assert [event.probability for event in walk] == pytest.approx([0.9, 0.45, 0.9]), "BEGIN and END carry the peak"
    assert walk[-1].begin_s == pytest.approx(0.2)


def test_a_flash_shorter_than_the_minimum_duration_is_no_event() -> None:
    settings = SessionSettings(smoothing_s=0, min_duration_s=0.2)
    assert play(Smoother(LABELS, settings, ("nothing",)), walking(0, 0.9, 0.9, 0, 0, 0.9, 0)) == []


def test_between_the_thresholds_what_goes_on_goes_on_and_what_does_not_does_not() -> None:
    smoother = Smoother(LABELS, RAW, ("nothing",))
    assert told(play(smoother, walking(0.45, 0.45))) == []
    phases = [event.phase for event in play(smoother, walking(0.7, 0.45, 0.45))]
    assert phases == [Phase.BEGIN, Phase.UPDATE, Phase.UPDATE, Phase.END]


def test_nothing_known_is_no_event() -> None:
    assert play(Smoother(LABELS, RAW), [(0.25, 0.25, 0.25, 0.25)] * 20) == []


def test_several_labels_may_go_on_at_once() -> None:
    events = play(Smoother(LABELS, RAW), [(0, 0.9, 0.9, 0)] * 3)
    assert {event.label for event in events if event.phase is Phase.BEGIN} == {"walk", "run"}


@settings(deadline=None, max_examples=30)
@given(step_s=st.floats(0.01, 0.5))
def test_the_average_forgets_by_time_and_not_by_frame(step_s: float) -> None:
    smoother = Smoother(LABELS, SessionSettings(smoothing_s=0.5))
    play_s, row = 2.0, np.array([0, 1, 0, 0], np.float32)
    smoother.update(Scores(np.zeros(4, np.float32), 0.0))
    for index in range(1, round(play_s / step_s) + 1):
        smoother.update(Scores(row, index * step_s))
    elapsed_s = round(play_s / step_s) * step_s
    assert smoother.labels(1)[0].probability == pytest.approx(1 - math.exp(-elapsed_s / 0.5), abs=1e-4)


def test_background_is_listed_but_gives_events_only_when_allowed_by_name() -> None:
    still = [(0.9, 0.1, 0.0, 0.0)] * 3
    silent = Smoother(LABELS, RAW, ("nothing",))
    assert play(silent, still) == []
    silent.update(Scores(np.array(still[0], np.float32), 0.0))
    assert silent.labels(1)[0].name == "nothing"
    named = Smoother(LABELS, SessionSettings(smoothing_s=0, min_duration_s=0, allow=("nothing",)), ("nothing",))
    assert {event.label for event in play(named, still)} == {"nothing"}


@given(st.lists(st.sampled_from((0.0, 0.125, 0.25, 0.5, 1.0)), min_size=1, max_size=20), st.integers(1, 21))
def test_the_most_probable_labels_come_first_and_among_equals_the_first(row: list[float], count: int) -> None:
    smoother = Smoother(tuple(f"label {index}" for index in range(len(row))), RAW)
    smoother.update(Scores(np.array(row, np.float32), 0.0))
    ranked = sorted(range(len(row)), key=lambda index: -row[index])  # keeps the order of equals
    assert [label.name for label in smoother.labels(count)] == [f"label {index}" for index in ranked[:count]]


def test_allowed_and_denied_labels() -> None:
    def listed(**lists: tuple[str, ...]) -> list[str]:
        smoother = Smoother(LABELS, SessionSettings(**lists))
        smoother.update(Scores(np.array([0.4, 0.3, 0.2, 0.1], np.float32), 0.0))
        return [label.name for label in smoother.labels(9)]

    assert listed() == ["nothing", "walk", "run", "jump"]
    assert listed(allow=("run", "walk")) == ["walk", "run"]
    assert listed(deny=("nothing",)) == ["walk", "run", "jump"]
    assert listed(allow=("run",), deny=("run",)) == []


def test_a_denied_label_gives_no_event() -> None:
    smoother = Smoother(LABELS, SessionSettings(smoothing_s=0, min_duration_s=0, deny=("walk",)), ("nothing",))
    assert play(smoother, walking(0.9, 0.9)) == []


@pytest.mark.parametrize("field", ["allow", "deny"])
def test_a_label_nobody_knows_is_refused_and_the_known_ones_are_named(field: str) -> None:
    with pytest.raises(UnknownPart, match=r"'fly'; known: jump, nothing, run, walk") as caught:
        Smoother(LABELS, SessionSettings(**{field: ("walk", "fly")}))
    assert isinstance(caught.value, UsageError)


@pytest.mark.parametrize("settings", [{"allow": ("",)}, {"allow": ("+",)}, {"deny": ("",)}])
def test_a_blank_label_is_one_that_nobody_knows(settings: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(UnknownPart, match="no label named ''"):
        Smoother(LABELS, SessionSettings(**settings))


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_huge_logits_give_probabilities(output: str) -> None:
    found = probabilities(np.array([1e4, -1e4, 0, 89], np.float32), output)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert found.dtype == np.float32


def test_softmax_and_sigmoid_are_themselves() -> None:
    logits = np.array([0.5, -1, 2], np.float32)
    np.testing.assert_allclose(probabilities(logits, "softmax"), np.exp(logits) / np.exp(logits).sum(), rtol=1e-6)
    np.testing.assert_allclose(probabilities(logits, "sigmoid"), 1 / (1 + np.exp(-logits)), rtol=1e-6)


def test_six_hundred_labels_work() -> None:
    labels = tuple(f"label {i}" for i in range(600))
    smoother = Smoother(labels, RAW)
    row = np.full(600, 0.0005, np.float32)
    row[437] = 0.7
    assert [event.phase for event in smoother.update(Scores(row, 0.0))] == [Phase.BEGIN]
    assert [label.name for label in smoother.labels(3)] == ["label 437", "label 0", "label 1"]


def test_a_label_with_thresholds_of_its_own_begins_and_ends_by_them() -> None:
    own = {LABELS[1]: Thresholds(0.3, 0.1, 0.0), LABELS[2]: Thresholds(0.9, 0.8, 0.0)}
    rows = [(0.0, 0.35, 0.85, 0.6), (0.0, 0.35, 0.95, 0.6), (0.0, 0.05, 0.7, 0.6)]

    def begun(settings: SessionSettings) -> list[list[str]]:
        smoother = Smoother(LABELS, settings, usual=Thresholds(0.5, 0.4, 0.0), own=own)
        found = [smoother.update(Scores(np.array(row, np.float32), i / 10)) for i, row in enumerate(rows)]
        return [[f"{event.phase.value} {event.label}" for event in events] for events in found]

    _, one, two, three = LABELS
    assert begun(SessionSettings(smoothing_s=0)) == [
        [f"begin {one}", f"begin {three}"],
        [f"begin {two}", f"update {one}", f"update {three}"],
        [f"end {one}", f"end {two}", f"update {three}"],
    ]
    asked = begun(SessionSettings(smoothing_s=0, begin_threshold=0.8, min_duration_s=0))
    assert asked[0] == [f"begin {two}"], "what a session asks for holds for every label"
