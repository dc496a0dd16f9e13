"""What moves in training and in evaluation: shapes and textures, split once and for all."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from stream.play import sprites
from stream.play.paths import Path
from stream.play.sprites import SPRITE_PX, Canvas, Rng
from stream.training import forearms, limbs, people, scenery
from stream.training.people import Wardrobe

TRIES = 4
"""Count: cutouts made at most, for one that can be seen."""
LEAST_CONTRAST = 0.15
"""Difference of the mean colours, in the channel where it is largest: less is hard to see in a noisy picture."""


Look = tuple[sprites.Sprite, ...] | limbs.Arm | forearms.Forearm
"""What a mover looks like: a figure in every phase it goes through, or a hand with its arm."""
Make = Callable[[Rng, str], Look]
"""Makes something that moves, of a split."""


def cutout(rng: Rng, split: str) -> Look:
    """Make something that moves: more than half are people, and hands with or without an arm."""
    kind = rng.random()
    if kind < 0.3:
        return people.person(rng, WARDROBES[split])
    if kind < 0.45:
        return arm(rng, split)
    return people.arm(rng) if kind < 0.55 and split == "training" else (_rigid(rng, split),)


def arm(rng: Rng, split: str) -> limbs.Arm:
    """Make a hand with an arm that has an elbow."""
    flesh = WARDROBES[split].skin(rng)
    hand = people.hand(rng, flesh) if split == "training" else (sprites.sprite(bare_hand(rng), flesh),)
    return limbs.arm(rng, hand, flesh, WARDROBES[split])


def both_arms(rng: Rng, neck: Path, size: float) -> tuple[Look, ...]:
    """Dress the two arms of one body, whose neck is at (2,) heights; the other movers are not there."""
    wardrobe = WARDROBES["training"]
    flesh, cloth, trousers = wardrobe.skin(rng), wardrobe.cloth(rng), wardrobe.cloth(rng)
    arms = []
    for side in (1.0, -1.0):
        made = limbs.arm(rng, people.hand(rng, flesh), flesh, replace(wardrobe, cloth=lambda _: cloth))
        body = limbs.body(rng, side, cloth, flesh, trousers, has_arm=False) if side > 0 else None
        shoulder = neck + np.array([side * limbs.SHOULDERS * size, 0.0])
        arms.append(replace(made, body=body, bend=side, shoulder=shoulder))
    return (*arms, *arms)


def contrasting(rng: Rng, split: str, colour: Canvas, make: Make = cutout) -> Look:
    """Make something that can be seen before the (3,) colour: the best of a few where none stands out enough."""
    made = [make(rng, split)]
    while len(made) < TRIES and _contrast(made[-1], colour) < LEAST_CONTRAST:
        made.append(make(rng, split))
    return max(made, key=lambda look: _contrast(look, colour))


def _contrast(look: Look, colour: Canvas) -> float:
    level = (look if isinstance(look, tuple) else look.hand)[0].levels[-1]
    return float(np.abs(level[..., :3].sum(axis=(0, 1)) / max(1e-6, level[..., 3].sum()) - colour).max())


def layers(look: Look, poses: Path) -> list[limbs.Layer]:
    """Say what is pasted where while a mover goes its (N, 5) way: from the back to the front."""
    if isinstance(look, forearms.Forearm):
        return forearms.layers(look, poses)
    return limbs.layers(look, poses) if isinstance(look, limbs.Arm) else [(look, poses)]


def _rigid(rng: Rng, split: str) -> sprites.Sprite:
    """Make a thing that keeps its shape; about half of them look like a hand."""
    shapes, textures = SHAPES[split], TEXTURES[split]
    mask = shapes[0](rng) if rng.random() < 0.45 else shapes[int(rng.integers(1, len(shapes)))](rng)
    texture = textures[0](rng) if rng.random() < 0.45 else textures[int(rng.integers(1, len(textures)))](rng)
    return sprites.sprite(mask, texture)


# --- shapes that only the evaluation has ---


def flat_hand(rng: Rng) -> Canvas:
    """A hand with its fingers together, a thumb and a wrist."""
    parts = (
        sprites.capsule(0, -0.5, 0, 0.35, rng.uniform(0.3, 0.38)),
        sprites.capsule(0.1, 0.4, 0.62, rng.uniform(-0.2, 0.1), 0.11),
        sprites.capsule(0, 0.4, 0, 1.2, 0.24),
    )
    return _of_either_side(rng, parts)


def bare_hand(rng: Rng) -> Canvas:
    """A hand with its fingers together and a thumb, its wrist below the middle."""
    parts = (
        sprites.capsule(0, -0.45, 0, 0.15, rng.uniform(0.26, 0.32)),
        sprites.capsule(0.1, 0.2, 0.5, rng.uniform(-0.3, 0.0), 0.1),
        sprites.capsule(0, 0.1, 0, 0.6, 0.16),
    )
    return _of_either_side(rng, parts)


def _of_either_side(rng: Rng, parts: Sequence[Canvas]) -> Canvas:
    """Join the parts of a hand, a left or a right one."""
    mask = sprites.soft(np.maximum.reduce(parts))
    return mask if rng.random() < 0.5 else np.ascontiguousarray(mask[:, ::-1])


def star(rng: Rng) -> Canvas:
    """A star of four to seven points."""
    x, y = sprites.grid()
    points, depth = int(rng.integers(4, 8)), rng.uniform(0.15, 0.3)
    edge = 0.65 + depth * np.cos(points * (np.arctan2(y, x) + rng.uniform(0, 6.3)))
    return sprites.soft(np.asarray(edge - np.hypot(x, y), np.float32))


def box(rng: Rng) -> Canvas:
    """A rectangle with round corners."""
    x, y = sprites.grid()
    half, corner = rng.uniform(0.35, 0.85, 2), 0.15
    dx, dy = np.abs(x) - half[0] + corner, np.abs(y) - half[1] + corner
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)
    return sprites.soft(np.asarray(corner - outside, np.float32))


def crescent(rng: Rng) -> Canvas:
    """A disc with a bite taken out."""
    x, y = sprites.grid()
    angle, bite = rng.uniform(0, 2 * math.pi), rng.uniform(0.4, 0.6)
    disc = 0.9 - np.hypot(x, y)
    hole = bite - np.hypot(x - 0.7 * math.cos(angle), y - 0.7 * math.sin(angle))
    return sprites.soft(np.asarray(np.minimum(disc, -hole), np.float32))


# --- textures ---


def photograph(rng: Rng) -> Canvas:
    """A part of a training picture."""
    return scenery.crop(rng, "training", SPRITE_PX, 0.1)


def unseen_photograph(rng: Rng) -> Canvas:
    """A part of an evaluation picture."""
    return scenery.crop(rng, "evaluation", SPRITE_PX, 0.1)


def freckled(rng: Rng) -> Canvas:
    """Skin with spots, lit from the middle."""
    x, y = sprites.grid()
    light = rng.uniform(0.3, 0.95) * (1 - 0.25 * (x**2 + y**2))
    spots = 1 - 0.35 * (sprites.noise(rng, SPRITE_PX, SPRITE_PX, 20) > 0.75)
    tone = np.array([1.0, rng.uniform(0.64, 0.84), rng.uniform(0.42, 0.7)])
    return np.asarray((light * spots)[..., None] * tone, np.float32)


def stripes(rng: Rng) -> Canvas:
    """Bands of two colours at any angle."""
    x, y = sprites.grid()
    angle, rate = rng.uniform(0, math.pi), rng.uniform(5, 18)
    mix = (0.5 + 0.5 * np.sin(rate * (x * math.cos(angle) + y * math.sin(angle))))[..., None]
    first, second = rng.random((2, 3))
    return np.asarray(first * mix + second * (1 - mix), np.float32)


def checks(rng: Rng) -> Canvas:
    """Squares of two colours."""
    x, y = sprites.grid()
    rate = rng.uniform(1.5, 4)
    mix = ((np.floor(x * rate) + np.floor(y * rate)) % 2)[..., None]
    first, second = rng.random((2, 3))
    return np.asarray(first * mix + second * (1 - mix), np.float32)


Draw = Callable[[Rng], Canvas]

SHAPES: dict[str, tuple[Draw, ...]] = {
    "training": (sprites.hand, sprites.ellipse, sprites.polygon, sprites.blob),
    "evaluation": (flat_hand, star, box, crescent),
}
"""Split -> families of shapes; the first is the hand-like one."""

TEXTURES: dict[str, tuple[Draw, ...]] = {
    "training": (sprites.skin, photograph, sprites.cloth, sprites.plain),
    "evaluation": (freckled, unseen_photograph, stripes, checks),
}
"""Split -> families of textures; the first is the skin-like one."""

WARDROBES = {
    "training": people.USUAL,
    "evaluation": Wardrobe(
        freckled, lambda rng: people.muted(rng, stripes(rng) if rng.random() < 0.5 else checks(rng)), is_coat=True
    ),
}
"""Split -> what its people wear."""
