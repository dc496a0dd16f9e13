"""What a mirror does to labels: left and right change places, most stay, and of some nobody can tell."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stream.cards import Card

SIDES = {
    "left": "right",
    "right": "left",
    "leftward": "rightward",
    "rightward": "leftward",
    "leftwards": "rightwards",
    "rightwards": "leftwards",
    "clockwise": "counter-clockwise",
    "counter-clockwise": "clockwise",
    "counterclockwise": "clockwise",
    "anticlockwise": "clockwise",
    "anti-clockwise": "clockwise",
    "ltr": "rtl",
    "rtl": "ltr",
    "l": "r",
    "r": "l",
}
"""Words -> what they are in a mirror."""
INSIDE = re.compile(r"left|right", re.IGNORECASE)
"""What says a side inside a word, too: turnleft, Righthand. Bright has no partner, and is not mirrored for it."""

WORD = re.compile(
    r"(?<![a-z])(" + "|".join(sorted(map(re.escape, SIDES), key=len, reverse=True)) + r")(?![a-z])", re.IGNORECASE
)


def pairs(labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Find the labels that a mirror turns into each other, by the words in their names; each pair once, in order."""
    plain = {_plain(label): label for label in labels}
    found = ((label, plain.get(_plain(_mirrored(label)))) for label in labels if _mirrored(label) != label)
    return tuple(sorted({(min(one, two), max(one, two)) for one, two in found if two is not None}))


def swaps(card: Card) -> npt.NDArray[np.int64]:
    """Return what every label is in a mirror, (K,): an index, or -1 where a name says a side and has no partner."""
    partner = {one: two for pair in card.mirror_pairs for one, two in (pair, pair[::-1])}
    is_lone = {label: _mirrored(label) != label for label in card.labels}
    return np.array(
        [
            card.labels.index(partner[label]) if label in partner else -1 if is_lone[label] else index
            for index, label in enumerate(card.labels)
        ],
        np.int64,
    )


def _spaced(label: str) -> str:
    """Part words that stand together as SwipeLeft or swipe_left."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label).replace("_", " ")


def _mirrored(label: str) -> str:
    spaced = _spaced(label)
    turned = WORD.sub(lambda found: SIDES[found[1].lower()], spaced)
    return turned if turned != spaced else INSIDE.sub(lambda found: SIDES[found[0].lower()], label)


def _plain(label: str) -> str:
    """Spell a name so that the ways to write counter-clockwise are one."""
    text = _spaced(label).lower().replace("counterclockwise", "counter-clockwise").replace("anti-clock", "anticlock")
    return re.sub(r"[\s-]+", " ", text.replace("anticlockwise", "counter-clockwise"))
