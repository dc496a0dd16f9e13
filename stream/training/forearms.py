"""Forearms that reach into the picture from its edge: a hand that points or is open, and the arm that follows it.

So a hand looks to a camera that is worn, held or stands on a desk: the arm leans, grows into the picture along its own
axis, and its far end, out of sight, moves along with the hand, or stays where it is when the arm turns about its elbow.
"""

import math
from dataclasses import dataclass

import numpy as np

from stream.play import sprites
from stream.play.paths import ALPHA, ANGLE, SIZE, Path, Rng, X, Y
from stream.play.sprites import Canvas, Sprite
from stream.training import people
from stream.training.limbs import WRIST, Layer
from stream.training.people import Part, Wardrobe, figure

LENGTH = 1.8
"""Picture heights: of the arm that is drawn, enough to leave the picture from anywhere in it."""
BONE_PX = 128
"""Pixels: side of the arm's sprite."""
FINGERS = (1, 1, 1, 2, 4, 5)
"""Counts of the fingers that are stretched: more often than not one, that points."""


@dataclass(frozen=True, slots=True)
class Forearm:
    """A hand with a forearm to beyond the picture's edge."""

    hand: tuple[Sprite, ...]
    """In every phase of a grip."""
    girth: tuple[float, float]
    """Sizes of the hand's square: the arm's radius at the wrist, and how much more it is LENGTH further."""
    textures: tuple[Canvas, Canvas]
    """(S, S, 3) of skin and of the sleeve."""
    cuff: float
    """Share of LENGTH at which the sleeve begins."""
    lean: float
    """Radians from straight down, towards the right: the way to its far end."""
    follow: float
    """Share of the hand's way that the far end goes along; 0 turns the arm about it."""
    far: float
    """Picture heights: from the wrist to what the arm turns about."""
    turn: float
    """In [0, 1]: how much the hand keeps the arm's direction."""


def forearm(rng: Rng, lean: float, wardrobe: Wardrobe) -> Forearm:
    """Make one that leans by `lean` radians; one in three has a sleeve, and some are seen against the light."""
    dark = np.float32(rng.uniform(0.1, 0.5) if rng.random() < 0.15 else 1.0)
    flesh = np.asarray(wardrobe.skin(rng) * dark)
    cloth = np.asarray(wardrobe.cloth(rng) * dark)
    cuff = rng.uniform(0.02, 0.4) if rng.random() < 0.35 else 1.0
    is_pivot = rng.random() < 0.3
    return Forearm(
        hand(rng, flesh),
        (rng.uniform(0.09, 0.16), rng.uniform(0.02, 0.22)),
        (flesh, cloth),
        cuff,
        lean,
        rng.uniform(0.0, 0.4) if is_pivot else rng.uniform(0.3, 1.0),
        rng.uniform(0.5, 1.2) if is_pivot else rng.uniform(0.7, 1.5),
        rng.uniform(0.0, 1.0),
    )


def hand(rng: Rng, flesh: Canvas) -> tuple[Sprite, ...]:
    """Draw a hand that points with one finger or two, or is open; its grip hardly changes."""
    count = int(rng.choice(FINGERS))
    is_pointing, is_mirrored = count < 3, rng.random() < 0.5
    bends = rng.normal(0, 0.05, count)
    reach = rng.uniform(0.5, 0.78, count) if is_pointing else rng.uniform(0.4, 0.58, count)
    shift, girth = rng.uniform(-0.15, 0.15) * is_pointing, rng.uniform(0.18, 0.25)
    thumb = rng.uniform(0.3, 0.5) if rng.random() < (0.3 if is_pointing else 0.7) else 0.0
    wrist = sprites.capsule(0, 0.1, 0, 0.6, rng.uniform(0.13, 0.17))

    def phase(openness: float) -> Sprite:
        parts = [sprites.capsule(0, -0.02, 0, 0.14, girth)]
        for slot, bend, length in zip(np.arange(count) - (count - 1) / 2, bends, reach * openness, strict=True):
            root = 0.08 * slot + shift
            parts.append(sprites.capsule(root, -0.1, *people.tip(root, slot * 0.26 * openness + bend, length), 0.075))
        if thumb:
            parts.append(sprites.capsule(0.1, 0.1, 0.1 + thumb, -0.15 * openness, 0.075))
        return figure(Part(wrist, flesh), Part(np.asarray(np.maximum.reduce(parts)), flesh))

    grips = [phase(openness) for openness in np.linspace(rng.uniform(0.75, 1.0), 1, people.PHASE_COUNT)]
    return tuple(people.mirrored(grip) if is_mirrored else grip for grip in grips)


def layers(made: Forearm, way: Path) -> list[Layer]:
    """Work out where hand and arm are while the hand goes its (N, 5) way: from the back to the front."""
    way = way.copy()
    usual_turn = made.lean * made.turn
    far = _far(made, way, _wrist(way, way[:, ANGLE] - usual_turn))
    way[:, ANGLE] += made.turn * _angle(far - _wrist(way, way[:, ANGLE] - usual_turn))
    wrist = _wrist(way, way[:, ANGLE])
    reach = far - wrist
    unit = reach / np.maximum(1e-6, np.hypot(*reach.T))[:, None]
    usual = float(np.median(way[way[:, ALPHA] > 0, SIZE])) if way[:, ALPHA].any() else 1.0
    size = LENGTH * np.clip(way[:, SIZE] / usual, 0.8, 2.0)
    arm = np.column_stack([wrist + unit * (0.5 * size[:, None]), size, _angle(unit), way[:, ALPHA]])
    return [((_bone(made, usual),), arm), (made.hand, way)]


def _wrist(way: Path, angle: Path) -> Path:
    """Say where the wrist is, (N, 2), of a hand that is turned by (N,) angles."""
    return np.asarray(way[:, [X, Y]] + WRIST * way[:, [SIZE]] * np.stack([-np.sin(angle), np.cos(angle)], 1))


def _angle(reach: Path) -> Path:
    """Say how an arm is turned whose far end is (N, 2) away from its wrist: 0 where it hangs straight down."""
    return np.asarray(np.arctan2(-reach[:, 0], reach[:, 1]))


def _far(made: Forearm, way: Path, wrist: Path) -> Path:
    """Say where the far end is, (N, 2): below the picture, and fixed, or following, from visit to visit."""
    far = wrist + np.array([0.0, 1.0])
    seen = way[:, ALPHA] > 0
    begins = np.flatnonzero(seen & ~np.concatenate([[False], seen[:-1]]))
    for begin, end in zip(begins, np.append(begins, len(way))[1:], strict=True):
        home = np.clip(wrist[(begin + end) // 2], -0.5, 0.5)
        away = made.far * np.array([math.sin(made.lean), math.cos(made.lean)])
        far[begin:end] = home + away + made.follow * (wrist[begin:end] - home)
    far[:, 1] = np.maximum(far[:, 1], np.maximum(0.75, wrist[:, 1] + 0.2))
    return np.asarray(far)


def _bone(made: Forearm, hand_size: float) -> Sprite:
    """Draw the arm of a hand of a size, from the wrist, above: LENGTH long, as high as its square."""
    x, y = np.meshgrid(np.linspace(-1, 1, BONE_PX), np.linspace(0, 1, BONE_PX))
    thin, more = made.girth
    is_sleeve = y > made.cuff
    radius = (thin + more * y) * hand_size * np.where(is_sleeve, 1.2, 1.0) * 2 / LENGTH
    mask = np.clip((radius - np.abs(x)) * BONE_PX / 2 + 0.5, 0, 1)
    skin, sleeve = (np.repeat(np.repeat(one, BONE_PX // len(one), 0), BONE_PX // len(one), 1) for one in made.textures)
    texture = np.where(is_sleeve[..., None], sleeve, skin)
    return sprites.sprite(np.asarray(mask, np.float32), np.asarray(texture, np.float32))
