"""Through a server the labels are those that the card adds its classes up to, and clients learn their thresholds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stream import cards
from stream.server.client.messages import card_of
from tests.server import live
from tests.server.live import Server, config, film, jpegs, updates
from tests.server.pushed.test_answers import alone

SETS = {"conifer": ("cedar", "fir"), "birch": ("birch",)}
OWN = {"conifer": {"begin_threshold": 0.3, "end_threshold": 0.2, "min_duration_s": 0.0}}


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = live.write_model(tmp_path_factory.mktemp("sets"))
    card = replace(cards.load(str(path)), label_sets=SETS, label_thresholds=OWN, experimental=("birch",))
    path.write_text(cards.dump(card))
    return path


@pytest.fixture(scope="module")
def serving(grouped: Path) -> Iterator[Server]:
    with live.running(grouped) as server:
        yield server


def test_answers_are_those_of_a_session_here(serving: Server, grouped: Path) -> None:
    there, here = updates(serving.talk([config(), *film(jpegs(40))])), alone(grouped, jpegs(40))
    assert [[label.name for label in said.labels] for said in there] == [
        [label.name for label in said.labels] for said in here
    ]
    assert {label.name for said in there for label in said.labels} == {"conifer", "birch", "other"}
    events = [event.label for said in there for event in said.events]
    assert events == [event.label for said in here for event in said.events]
    assert set(events) == {"conifer"}, "the rest is background, and birch experimental"


def test_a_client_learns_labels_and_thresholds_and_may_allow_what_is_experimental(serving: Server) -> None:
    (model,) = serving.describe().models
    card = card_of(model)
    assert card.labels == ("conifer", "birch", "other")
    assert (card.background, card.experimental, card.label_thresholds) == (("other",), ("birch",), OWN)
    asked = config(allow=["birch"], begin_threshold=0.3, end_threshold=0.2, min_duration_s=0)
    said = updates(serving.talk([asked, *film(jpegs(40))]))
    assert {event.label for one in said for event in one.events} == {"birch"}
    asked = config(allow=["+birch"], begin_threshold=0.3, end_threshold=0.2, min_duration_s=0)
    said = updates(serving.talk([asked, *film(jpegs(40))]))
    assert {event.label for one in said for event in one.events} == {"birch", "conifer"}
