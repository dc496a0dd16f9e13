"""What this project puts to a model that it does not ship: rows of its own in the same softmax, and label sets."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream import cards, catalogue, labels
from stream.cards import Card
from stream.errors import ModelError
from stream.hub import additions
from stream.hub.additions import Addition, Rows
from stream.intake import Order, keep
from stream.onnxfile import OnnxFile
from stream.smoothing import probabilities
from tests import tiny

pytestmark = pytest.mark.usefixtures("home")

FIELDS = {"label_sets": {"odd": ("one", "six")}, "rest_label": "other", "memory_s": 0.5}


def addition(features: int = 2048, seed: int = 0) -> Addition:
    weights = np.random.default_rng(seed).normal(0, 0.02, (2, features)).astype(np.float16).astype(np.float32)
    return Addition(Rows(("six", "seven"), weights, np.array([0.5, -1.0], np.float32)), FIELDS, {"made": "here"})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Card:
    return tiny.write(tmp_path_factory.mktemp("tiny"), "relu6")


def rows_of(card: Card) -> tuple[np.ndarray, np.ndarray]:
    found = OnnxFile(card.read_weights()).weights()
    return found["classifier.weight"][:, :, 0, 0], found["classifier.bias"]


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    made = addition()
    additions.write(tmp_path / "more.toml", made)
    found = additions.read(tmp_path / "more.toml")
    assert (found.rows.names, found.fields, found.training) == (made.rows.names, made.fields, made.training)
    np.testing.assert_array_equal(found.rows.weights, made.rows.weights)
    np.testing.assert_array_equal(found.rows.bias, made.rows.bias)


def test_a_model_that_is_joined_is_an_ordinary_model_of_more_classes(model: Card) -> None:
    count = rows_of(model)[0].shape[1]
    made = addition(count)
    joined = keep(str(model.path.parent / model.weights), Order("joined", {}, addition=made), lambda _: None)
    assert joined.labels == (*tiny.LABELS, "six", "seven")
    assert (joined.shown_labels, joined.memory_s) == (("odd", "other"), 0.5)
    old, new = rows_of(model), rows_of(cards.load("joined"))
    np.testing.assert_array_equal(new[0][:5], old[0])
    np.testing.assert_array_equal(new[0][5:], made.rows.weights)
    np.testing.assert_array_equal(new[1], [*old[1], 0.5, -1.0])


def test_rows_of_another_network_and_classes_that_are_there_are_refused(model: Card) -> None:
    weights = OnnxFile(model.read_weights()).weights()
    with pytest.raises(ModelError, match="the rows are of 7 features, the model has"):
        addition(7).join(model, weights)
    taken = replace(model, labels=(*tiny.LABELS[:4], "six"))
    with pytest.raises(ModelError, match="has 'six' already"):
        addition().join(taken, weights)


@pytest.mark.parametrize("harm", ["rows", "table", "count", "gone"])
def test_what_is_damaged_is_refused(harm: str, tmp_path: Path) -> None:
    path = tmp_path / "more.toml"
    additions.write(path, addition())
    if harm == "rows":
        file = path.with_suffix(".npz")
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    if harm == "table":
        path.write_text("rows = [")
    if harm == "count":
        path.write_text(path.read_text().replace('"seven",', '"seven", "eight",'))
    if harm == "gone":
        path.with_suffix(".npz").unlink()
    with pytest.raises(ModelError, match=r"SHA-256|is no addition|do not fit"):
        additions.read(path)


def test_what_ships_fits_kinetics_and_says_what_it_learned_from() -> None:
    found = additions.read(additions.shipped(catalogue.EVERYDAY))
    classes = labels.read(cards.SHIPPED / "kinetics-600.txt", 600)
    card = Card(name="k", architecture="movinet", variant="a0", side_px=172, fps=5, labels=classes)
    weights = {
        "classifier.weight": np.zeros((600, 2048, 1, 1), np.float32),
        "classifier.bias": np.zeros(600, np.float32),
    }
    joined, both = found.join(card, weights)
    assert joined.labels[600:] == ("fight", "fall")
    assert joined.shown_labels[:5] == ("fight", "push-up", "pull-up", "squat", "jumping jack")
    assert set(joined.experimental) == {"wave", "fall", "jump", "run", "walk"}
    assert set(joined.own_thresholds) == set(joined.label_sets)
    assert both["classifier.weight"].shape == (602, 2048, 1, 1)
    assert probabilities(both["classifier.bias"], "softmax").shape == (602,)
    table = tomllib.loads(additions.shipped(catalogue.EVERYDAY).read_text())
    assert "MIT" in table["training"]["footage"]
    assert "CC BY 4.0" in table["training"]["footage"]
