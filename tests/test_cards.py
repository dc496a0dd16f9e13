"""Cards: what ships can be read and is whole; what is wrong is named."""

import hashlib
import math
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from stream import cards
from stream.cards import Card
from stream.config import Thresholds
from stream.errors import ModelError, UnknownPart
from tests.toy import CARD

MEGABYTE = 1_000_000


def write(folder: Path, content: bytes = b"weights", **changes: object) -> Path:
    """Write a card and its weights; return the card's path."""
    (folder / "toy.bin").write_bytes(content)
    card = replace(CARD, weights="toy.bin", sha256=hashlib.sha256(b"weights").hexdigest(), **changes)
    path = folder / "toy.toml"
    path.write_text(cards.dump(card), "utf-8")
    return path


@pytest.mark.parametrize("name", cards.shipped())
def test_a_card_that_ships_is_whole(name: str) -> None:
    card = cards.load(name)
    assert card.name == name
    assert card.labels
    assert card.licence
    assert card.source
    assert card.measured, "says what was measured on what"


@pytest.mark.parametrize("name", cards.shipped())
def test_weights_that_ship_are_the_ones_the_card_means_and_small_enough(name: str) -> None:
    card = cards.load(name)
    if not card.weights:
        pytest.skip(f"{name} ships no weights")
    assert len(card.read_weights()) < 15 * MEGABYTE


def test_a_card_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = write(tmp_path, output="softmax", memory_s=math.inf, fit="crop", measured={"accuracy": 0.9})
    card = cards.load(str(path))
    assert card.path == path
    assert cards.parse(tomllib.loads(cards.dump(card))) == card
    assert card.read_weights() == b"weights"


def test_thresholds_may_be_left_out_and_are_kept_where_they_are_not(tmp_path: Path) -> None:
    assert cards.load(str(write(tmp_path))).thresholds == Thresholds(0.5, 0.35, 0.2)
    assert "threshold" not in cards.dump(CARD)
    own = {"begin_threshold": 0.65, "end_threshold": 0.45, "min_duration_s": 0.0}
    assert cards.load(str(write(tmp_path, **own))).thresholds == Thresholds(0.65, 0.45, 0.0)


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownPart, match="no model named 'a9'; known: ") as caught:
        cards.load("a9")
    assert all(name in str(caught.value) for name in cards.names())


@pytest.mark.parametrize("name", ["../models/x", "/etc/passwd", "", ".", "a/b"])
def test_a_name_is_no_path(name: str) -> None:
    with pytest.raises(UnknownPart):
        cards.load(name)


def test_weights_with_another_hash_are_refused_and_both_hashes_named(tmp_path: Path) -> None:
    card = cards.load(str(write(tmp_path, b"other")))
    with pytest.raises(ModelError, match=f"{hashlib.sha256(b'other').hexdigest()}.*{card.sha256}.*refused"):
        card.read_weights()


def test_weights_are_looked_for_beside_the_card_only(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    path = write(tmp_path / "inner", b"weights")
    path.write_text(path.read_text().replace("toy.bin", "../toy.bin"))
    (tmp_path / "toy.bin").write_bytes(b"somebody else's")
    assert cards.load(str(path)).read_weights() == b"weights"


def test_missing_weights_are_said(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "toy.bin").unlink()
    with pytest.raises(ModelError, match=r"cannot read its weights .*toy\.bin: No such file"):
        cards.load(str(path)).read_weights()
    with pytest.raises(ModelError, match="names no weights file"):
        CARD.read_weights()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gate = 'relu7'", "gate is 'relu7'; accepted: relu6, clip, sigmoid"),
        ("output = 'both'", "output is 'both'; accepted: softmax, sigmoid"),
        ("labels = ['a', 'a']", "labels must be distinct"),
        ("background = ['nothing']", "background names no label: nothing"),
        ("mirror_pairs = [['a', 'c']]", "mirror_pairs names no label: c"),
        ("lighten = 1.5", "lighten is 1.5; accepted: 0 or more, less than 1"),
        ("colour = 'red'", "unknown field 'colour'; known: "),
        ("side_px = 8", "side_px is 8; accepted: a whole number from 32 to 1024"),
        ("fps = 0", "fps is 0; accepted: a number from 0.01 to 1000"),
        ("memory_s = 0", "memory_s is 0; accepted: a number from 0.001 to inf"),
        ("side_px = ", "is not a card"),
        ("begin_threshold = 1.5", "'faulty': begin_threshold is 1.5; accepted: in (0, 1]"),
        ("begin_threshold = 0.3", "'faulty': end_threshold is 0.35; accepted: in (0, begin_threshold = 0.3]"),
        ("end_threshold = 0", "'faulty': end_threshold is 0; accepted: in (0, begin_threshold = 0.5]"),
        ("min_duration_s = -1", "'faulty': min_duration_s is -1; accepted: 0 s or more"),
        ("begin_threshold = 'high'", "'faulty': begin_threshold is 'high'; accepted: a number"),
    ],
)
def test_a_card_with_a_fault_is_refused_and_the_fault_named(text: str, words: str, tmp_path: Path) -> None:
    key, _, _ = text.partition(" ")
    good = {"architecture": "'movinet'", "variant": "'a0'", "side_px": "80", "fps": "10.0", "labels": "['a', 'b']"}
    lines = [f"{name} = {value}" for name, value in good.items() if name != key]
    path = tmp_path / "faulty.toml"
    path.write_text("\n".join([*lines, text]))
    with pytest.raises(ModelError, match=re.escape(words)):
        cards.load(str(path))


def test_a_card_that_lacks_a_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.toml"
    path.write_text('variant = "a0"')
    with pytest.raises(ModelError, match=r"'short'.*architecture"):
        cards.load(str(path))


def test_forgetting_is_one_number_a_frame() -> None:
    assert replace(CARD, fps=10.0, memory_s=2.0).decay == pytest.approx(math.exp(-1 / 20))
    assert replace(CARD, memory_s=math.inf).decay == 1.0
    assert cards.decay(5.0, math.inf) == 1.0


def test_a_card_never_changes() -> None:
    with pytest.raises(AttributeError):
        CARD.fps = 5.0  # type: ignore[misc]
    assert isinstance(CARD, Card)


ODD = {
    "labels": [5, "nod", [1], [["nod"]], ["a\nb"], ["x" * 300], {}],
    "background": [True, [1.5]],
    "mirror_pairs": [["left"], [["left"]], [[1, 2]], 7],
    "side_px": [80.5, 31, 20_000, 10**30, True, "80", math.nan, [80]],
    "fps": [math.nan, 1e-300, 1e300, 10**400, 0, "ten"],
    "memory_s": [math.nan, 0, -math.inf, "inf"],
    "trained_frames": [2**40, 1.5, math.nan, 0],
    "lighten": [math.nan, -0.1, "a"],
    "begin_threshold": [math.nan, 2],
    "name": [5, "a\x1b[31m\nb", "x" * 5000],
    "weights": [1, ["a"]],
    "measured": [1, "a"],
}


@pytest.mark.parametrize(("field", "value"), [(name, value) for name, values in ODD.items() for value in values])
def test_a_field_that_holds_what_it_may_not_is_a_sentence(field: str, value: object) -> None:
    table = tomllib.loads((cards.SHIPPED / "gestures-a0.toml").read_text("utf-8"))
    with pytest.raises(
        ModelError, match=f"{field} is .*; accepted: |labels must be|background names|threshold"
    ) as caught:
        cards.parse({**table, field: value})
    assert len(str(caught.value)) < 400


def test_a_card_with_the_mark_of_an_editor_is_read_and_one_nested_for_ever_refused(tmp_path: Path) -> None:
    text = (cards.SHIPPED / "gestures-a0.toml").read_text("utf-8")
    (tmp_path / "bom.toml").write_text("\ufeff" + text, "utf-8")
    assert cards.load(str(tmp_path / "bom.toml")).side_px == 80
    whole = cards.parse({**tomllib.loads(text), "side_px": 80.0})
    assert (whole.side_px, type(whole.side_px)) == (80, int)
    for odd in ("x = " + "[" * 5000, "x = " + "9" * 5000, "\0", "x = 1979-99-99"):
        (tmp_path / "odd.toml").write_text(odd, "utf-8")
        with pytest.raises(ModelError, match="is not a card"):
            cards.load(str(tmp_path / "odd.toml"))
