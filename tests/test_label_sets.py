"""Labels that people see, added up from a network's classes: on every engine, here and through a server."""

import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream import cards, engines, recogniser
from stream.cards import Card
from stream.config import SessionSettings
from stream.errors import CheckpointError, ModelError, NotBuilt, UnknownPart
from stream.label_sets import LabelSets, Summing
from stream.pictures import RgbPicture
from stream.pipeline import Session
from stream.smoothing import probabilities
from stream.types import Array, Frame, Phase
from tests import tiny
from tests.runtimes.examples import ENGINES

SETS = {"odd": ("one", "three"), "even": ("four",)}
RAW = SessionSettings(smoothing_s=0, top_k=9, is_cut_aware=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Card:
    folder = tmp_path_factory.mktemp("sets")
    card = replace(tiny.write(folder, "relu6"), label_sets=SETS, rest_label="none of these", memory_s=2.0)
    path = folder / "relu6.toml"
    path.write_text(cards.dump(card))
    return cards.load(str(path))


def film(count: int = 12) -> list[Array]:
    return [np.random.default_rng(i).integers(0, 255, (40, 40, 3), np.uint8) for i in range(count)]


def said(card: Card, engine: str, settings: SessionSettings = RAW) -> list[dict[str, float]]:
    session = Session(engines.build(card, engine), settings)
    fed = [session.feed(Frame(RgbPicture(p), i / 5, time.monotonic_ns())) for i, p in enumerate(film())]
    return [{label.name: label.probability for label in update.labels} for update in fed if update]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_shows_the_sums_of_the_classes_and_what_is_left(model: Card, engine: str) -> None:
    try:
        shown = said(model, engine)
    except NotBuilt as error:
        pytest.skip(str(error))
    plain = said(replace(model, label_sets={}), engine)
    assert len(shown) == len(plain) == 12
    for ours, theirs in zip(shown, plain, strict=True):
        assert set(ours) == {"odd", "even", "none of these"}
        assert ours["odd"] == pytest.approx(theirs["one"] + theirs["three"], abs=1e-6)
        assert ours["even"] == pytest.approx(theirs["four"], abs=1e-6)
        assert ours["none of these"] == pytest.approx(theirs["two"] + theirs["five"], abs=1e-6)


def test_the_labels_shown_are_those_that_may_be_allowed(model: Card) -> None:
    assert recogniser.load(str(model.path)).labels == ("odd", "even", "none of these")
    assert [set(row) for row in said(model, "onnxruntime", replace(RAW, allow=("even",)))] == [{"even"}] * 12
    with pytest.raises(UnknownPart, match="no label named 'one'; known: even, none of these, odd"):
        Session(engines.build(model), SessionSettings(allow=("one",)))


def test_the_rest_and_what_is_experimental_are_no_events_unless_they_are_allowed(model: Card) -> None:
    easy = replace(RAW, begin_threshold=0.01, end_threshold=0.01, min_duration_s=0.0)

    def begun(card: Card, settings: SessionSettings) -> set[str]:
        session = Session(engines.build(card), settings)
        updates = [session.feed(Frame(RgbPicture(p), i / 5, time.monotonic_ns())) for i, p in enumerate(film())]
        return {event.label for update in updates if update for event in update.events if event.phase is Phase.BEGIN}

    assert begun(model, easy) == {"odd", "even"}
    careful = replace(model, experimental=("even",))
    assert begun(careful, easy) == {"odd"}
    assert begun(careful, replace(easy, allow=("even", "none of these"))) == {"even", "none of these"}
    assert begun(careful, replace(easy, allow=("+even",))) == {"odd", "even"}


def test_a_checkpoint_of_other_sets_is_refused(model: Card) -> None:
    kept = Session(engines.build(model)).checkpoint()
    other = replace(model, label_sets={"odd": ("one",), "even": ("four",)})
    Session(engines.build(model)).restore(kept)
    with pytest.raises(CheckpointError, match="of another model, of other settings"):
        Session(engines.build(other)).restore(kept)


def test_sums_of_600_classes_stay_probabilities() -> None:
    classes = tuple(f"class {i}" for i in range(600))
    summing = Summing(LabelSets({"most": classes[:590]}), classes)
    for seed in range(20):
        logits = np.random.default_rng(seed).normal(0, 6, 600).astype(np.float32)
        found = summing(probabilities(logits, "softmax"))
        assert found.dtype == np.float32
        assert ((found >= 0) & (found <= 1)).all()
        assert found.sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label_sets": {"odd": ("six",)}}, "label_sets names no class: six"),
        ({"label_sets": {"odd": ("one",), "even": ("one",)}}, "label_sets names twice: one; accepted: each class once"),
        ({"label_sets": {"odd": ()}}, "label_sets 'odd' is empty; accepted: one class or more"),
        ({"label_sets": SETS, "rest_label": "odd"}, "rest_label is 'odd'; accepted: a name that no set has"),
        ({"label_sets": SETS, "output": "sigmoid"}, "output is 'sigmoid'; accepted with label_sets: softmax"),
        ({"label_sets": SETS, "background": ("one",)}, "background names no label: one"),
        ({"experimental": ("six",)}, "experimental names no label: six"),
        ({"label_thresholds": {"six": {}}}, "label_thresholds names no label: six"),
        ({"label_thresholds": {"one": {"begin": 0.5}}}, "label_thresholds of 'one' is {'begin': 0.5}; accepted: begin"),
        ({"label_thresholds": {"one": {"begin_threshold": 2}}}, "of 'one': begin_threshold is 2; accepted: in (0, 1]"),
        ({"label_thresholds": {"one": {"begin_threshold": "x"}}}, "label_thresholds of 'one' is {'begin_threshold'"),
        ({"label_thresholds": {"one": 0.5}}, "label_thresholds of 'one' is 0.5; accepted: begin_threshold"),
    ],
)
def test_what_names_labels_that_are_not_there_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ModelError, match=re.escape(words)):
        tiny.card("relu6", **changes)


def test_a_card_with_sets_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    card = tiny.card(
        "relu6",
        label_sets=SETS,
        experimental=("even",),
        label_thresholds={"odd": {"begin_threshold": 0.25}, "even": {"min_duration_s": 1.0, "end_threshold": 0.4}},
    )
    path = tmp_path / "relu6.toml"
    path.write_text(cards.dump(card))
    found = cards.load(str(path))
    assert (found, list(found.label_sets)) == (card, ["odd", "even"])
    assert found.own_thresholds["odd"].end_threshold == 0.25, "an end sinks to a begin that is lower"
    assert (found.own_thresholds["even"].begin_threshold, found.own_thresholds["even"].min_duration_s) == (0.5, 1.0)
