"""A mirror swaps left and right, and no clip is ever mirrored into a lie."""

from dataclasses import replace

import pytest

from stream.cards import Card
from stream.play.motions import LABELS
from stream.training import mirror

CARD = Card(name="x", architecture="movinet", variant="t0", side_px=32, fps=10, labels=("a",))


@pytest.mark.parametrize(
    ("labels", "pairs"),
    [
        (LABELS, {("swipe left", "swipe right"), ("circle clockwise", "circle counter-clockwise")}),
        (("Left", "Right", "Up"), {("Left", "Right")}),
        (("SwipeLeft", "SwipeRight"), {("SwipeLeft", "SwipeRight")}),
        (("turn_left", "turn_right"), {("turn_left", "turn_right")}),
        (("from left to right", "from right to left"), {("from left to right", "from right to left")}),
        (("turn anticlockwise", "turn clockwise"), {("turn anticlockwise", "turn clockwise")}),
        (("left", "jump"), set()),
        (("turnleft", "turnright"), {("turnleft", "turnright")}),
        (("Lefthand up", "Righthand up"), {("Lefthand up", "Righthand up")}),
        (("L", "R"), {("L", "R")}),
        (("bright", "cleft", "upright"), set()),
    ],
)
def test_pairs_are_found_by_their_names(labels: tuple[str, ...], pairs: set[tuple[str, str]]) -> None:
    assert {frozenset(pair) for pair in mirror.pairs(labels)} == {frozenset(pair) for pair in pairs}


def test_partners_swap_others_stay_and_the_lonely_are_not_mirrored() -> None:
    labels = ("jump", "go left", "go right", "lean right", "turnleft")
    card = replace(CARD, labels=labels, mirror_pairs=mirror.pairs(labels))
    assert mirror.swaps(card).tolist() == [0, 2, 1, -1, -1]


def test_the_card_decides_which_are_pairs() -> None:
    card = replace(CARD, labels=("port", "starboard", "ahead"), mirror_pairs=(("port", "starboard"),))
    assert mirror.swaps(card).tolist() == [1, 0, 2]
