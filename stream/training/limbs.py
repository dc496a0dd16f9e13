"""Arms with an elbow: an upper arm and a forearm that follow a hand, and the body that they hang from.

The hand is the mover; the rest is worked out from it. An arm that is too short for the way takes its body along.
"""

import math
from dataclasses import dataclass

import numpy as np

from stream.play import sprites
from stream.play.paths import ALPHA, ANGLE, SIZE, Path, Rng, X, Y
from stream.play.sprites import Canvas, Sprite
from stream.training.people import Part, Wardrobe, figure

Layer = tuple[tuple[Sprite, ...], Path]
"""What is pasted in one piece: its phases, and its (N, 5) poses."""

FOREARM, UPPER_ARM = 1.1, 1.25
"""Sizes of the hand's square: from wrist to elbow, and from elbow to shoulder; a hand fills about 0.75 of its own."""
WRIST = 0.3
"""Sizes of the hand's square: from its middle down to the wrist."""
SHOULDERS, CHEST = 0.85, 2.2
"""Sizes of the hand's square: from the neck to a shoulder, and the length of the trunk."""
BODY = 8.0
"""Sizes of the hand's square: the side of the body's, which ends at the shins."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A hand with what it hangs from."""

    hand: tuple[Sprite, ...]
    """In every phase of a grip."""
    forearm: Sprite
    """From the wrist, above, to the elbow."""
    upper_arm: Sprite
    """From the elbow, above, to the shoulder."""
    body: Sprite | None
    """Trunk and head; the shoulder is beside its middle. None where the body is out of sight."""
    bend: float
    """1 or -1: the side on which the elbow is."""
    rest: tuple[float, float]
    """Sizes of the hand's square: where the shoulder is when the hand comes, seen from the hand."""
    shoulder: Path | None = None
    """(2,) heights: where the shoulder is; None where it depends on the hand, as `rest` says."""


def arm(rng: Rng, hand: tuple[Sprite, ...], flesh: Canvas, wardrobe: Wardrobe) -> Arm:
    """Give a hand an arm, more often than not with a body; the sleeve is long, or short."""
    side, cloth = float(rng.choice([-1.0, 1.0])), wardrobe.cloth(rng)
    sleeve = cloth if rng.random() < 0.7 else flesh
    angle, reach = rng.uniform(-0.9, 0.9), rng.uniform(0.5, 0.95) * (FOREARM + UPPER_ARM)
    return Arm(
        hand,
        _bone(0.14, 0.17, sleeve),
        _bone(0.16, 0.2, cloth),
        body(rng, side, cloth, flesh, wardrobe.cloth(rng)) if rng.random() < 0.65 else None,
        float(rng.choice([-1.0, 1.0])),
        (reach * math.sin(angle), reach * math.cos(angle)),
    )


def body(rng: Rng, side: float, cloth: Canvas, flesh: Canvas, trousers: Canvas, *, has_arm: bool = True) -> Sprite:
    """Draw somebody who stands, the other arm hanging unless told not to; the middle is the shoulder of `side`.

    `side` is 1 for the shoulder on the right in the picture, -1 for the one on the left.
    """
    unit = 2 / BODY
    middle, girth = -side * SHOULDERS * unit, rng.uniform(0.6, 0.75) * unit
    trunk = sprites.capsule(middle, girth, middle, CHEST * unit, girth)
    shoulders = sprites.capsule(middle - 0.65 * unit, 0.04, middle + 0.65 * unit, 0.04, 0.24 * unit)
    shape = np.maximum(trunk, shoulders)
    if has_arm:
        far = middle - side * SHOULDERS * unit
        shape = np.maximum(shape, sprites.capsule(far, 0.05, far, CHEST * unit, 0.2 * unit))
    neck = sprites.capsule(middle, -0.3 * unit, middle, 0, 0.2 * unit)
    face = sprites.capsule(middle, -0.85 * unit, middle, -0.65 * unit, 0.4 * unit)
    hair = sprites.capsule(middle, -1.0 * unit, middle, -0.9 * unit, 0.4 * unit * rng.uniform(0.9, 1.1))
    dark = np.asarray(sprites.plain(rng) * rng.uniform(0.1, 0.7), np.float32)
    legs = [sprites.capsule(middle + x * unit, CHEST * unit, middle + x * unit, 1.2, 0.4 * unit) for x in (-0.35, 0.35)]
    return figure(
        Part(np.maximum(*legs), trousers), Part(neck, flesh), Part(shape, cloth), Part(hair, dark), Part(face, flesh)
    )


def layers(made: Arm, hand: Path) -> list[Layer]:
    """Work out where everything is while the hand goes its (N, 5) way: from the back to the front."""
    wrist = hand[:, [X, Y]] + WRIST * hand[:, [SIZE]] * np.stack([-np.sin(hand[:, ANGLE]), np.cos(hand[:, ANGLE])], 1)
    shoulder, size = _shoulders(made, hand, wrist)
    elbow = _elbows(wrist, shoulder, size, made.bend)
    found: list[Layer] = []
    if made.body:
        found.append(((made.body,), np.column_stack([shoulder, BODY * size, np.zeros(len(hand)), hand[:, ALPHA]])))
    found.append(((made.upper_arm,), _along(elbow, shoulder, hand[:, ALPHA])))
    found.append(((made.forearm,), _along(wrist, elbow, hand[:, ALPHA])))
    return [*found, (made.hand, hand)]


def _shoulders(made: Arm, hand: Path, wrist: Path) -> tuple[Path, Path]:
    """Say where the shoulder is, (N, 2), and how large a hand would be there, (N,): both stay from visit to visit."""
    shoulder, size = np.zeros((len(hand), 2)), np.ones(len(hand))
    seen = hand[:, ALPHA] > 0
    begins = np.flatnonzero(seen & ~np.concatenate([[False], seen[:-1]]))
    for begin, end in zip(begins, np.append(begins, len(hand))[1:], strict=True):
        size[begin:end] = hand[begin, SIZE]
        fixed = wrist[begin] + np.array(made.rest) * hand[begin, SIZE] if made.shoulder is None else made.shoulder
        away = fixed - wrist[begin:end]
        distance = np.maximum(1e-6, np.hypot(*away.T))
        most = 0.99 * (FOREARM + UPPER_ARM) * hand[begin, SIZE]
        shoulder[begin:end] = wrist[begin:end] + away * np.minimum(1, most / distance)[:, None]
    return shoulder, size


def _elbows(wrist: Path, shoulder: Path, size: Path, bend: float) -> Path:
    """Bend an arm of two bones so that it reaches from the shoulder to the wrist: the law of cosines."""
    way = wrist - shoulder
    distance = np.maximum(1e-6, np.hypot(*way.T))
    upper, fore = UPPER_ARM * size, FOREARM * size
    along = (distance**2 + upper**2 - fore**2) / (2 * distance)
    along = np.clip(along, -upper, upper)
    aside = bend * np.sqrt(np.maximum(0, upper**2 - along**2))
    unit = way / distance[:, None]
    return np.asarray(shoulder + unit * along[:, None] + np.stack([-unit[:, 1], unit[:, 0]], 1) * aside[:, None])


def _along(top: Path, bottom: Path, alpha: Path) -> Path:
    """Pose a bone between two joints; its sprite is drawn upright and as long as seven tenths of its square."""
    way = bottom - top
    angle = np.arctan2(-way[:, 0], way[:, 1])
    return np.column_stack([(top + bottom) / 2, np.hypot(*way.T) / 0.7, angle, alpha])


def _bone(thin: float, thick: float, texture: Canvas) -> Sprite:
    """Draw a limb from above, thin, to below, thick: shares of its length."""
    places, radii = np.linspace(-0.7, 0.5, 7), np.linspace(thin, thick, 7)
    balls = [sprites.capsule(0, y, 0, y + 0.2, radius) for y, radius in zip(places, radii, strict=True)]
    return figure(Part(np.maximum.reduce(balls), texture))
