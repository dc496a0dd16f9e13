"""People and arms that bend while they move: one sprite for each phase of a stride or of a grip."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stream.play import sprites
from stream.play.sprites import Canvas, Rng, Sprite

PHASE_COUNT = 4
"""Count: sprites of one figure; a stride goes through them and back."""

VIEWS = (0.5, 0.35, 0.15)
"""Shares of the views: whole, head and shoulders, legs."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a figure, drawn over those before it."""

    shape: Canvas
    """(S, S) signed distance, positive inside."""
    colour: Canvas
    """(S, S, 3) in [0, 1]."""


Draw = Callable[[Rng], Canvas]
"""Makes a texture, (S, S, 3), or a mask."""


@dataclass(frozen=True, slots=True)
class Wardrobe:
    """What people of one split look like."""

    skin: Draw
    """Texture of faces and hands."""
    cloth: Draw
    """Texture of clothes."""
    is_coat: bool
    """Their clothes end at the knees in one piece, and they wear hats."""


def clothes(rng: Rng) -> Canvas:
    """Blotched cloth or one colour, paler than paint."""
    return muted(rng, sprites.cloth(rng) if rng.random() < 0.4 else sprites.plain(rng))


def muted(rng: Rng, texture: Canvas) -> Canvas:
    """Take colour from a texture, and light now and then."""
    grey = texture.mean(axis=2, keepdims=True)
    dark = rng.uniform(0.1, 0.6) if rng.random() < 0.3 else 1.0
    return np.asarray((grey + (texture - grey) * rng.uniform(0.1, 0.8)) * dark, np.float32)


USUAL = Wardrobe(sprites.skin, clothes, is_coat=False)
"""Of training."""


def person(rng: Rng, wardrobe: Wardrobe = USUAL) -> tuple[Sprite, ...]:
    """Somebody who walks, seen whole, as head and shoulders, or as legs: each part of its own colour."""
    skin, shirt, trousers = wardrobe.skin(rng), wardrobe.cloth(rng), wardrobe.cloth(rng)
    hair = np.asarray(sprites.plain(rng) * rng.uniform(0.1, 1.0), np.float32)
    zoom, top = ((1.0, -0.78), (rng.uniform(1.8, 2.6), -0.35), (rng.uniform(1.6, 2.2), -2.3))[rng.choice(3, p=VIEWS)]
    girth, swing, is_behind = rng.uniform(0.16, 0.28), rng.uniform(0.1, 0.45), rng.random() < 0.3
    head = hair if is_behind else skin

    def limb(x: float, y: float, angle: float, length: float, radius: float, colour: Canvas) -> Part:
        tip = (x + length * math.sin(angle), y + length * math.cos(angle))
        ends = ((value - shift) * zoom + shift for value, shift in ((x, 0), (y, -0.78), (tip[0], 0), (tip[1], -0.78)))
        x0, y0, x1, y1 = ends
        drop = top + 0.78
        return Part(sprites.capsule(x0, y0 + drop, x1, y1 + drop, radius * zoom), colour)

    def phase(share: float) -> Sprite:
        lean = swing * share
        worn = [limb(0, 0, 0.2 * lean, 0.55, girth + 0.06, shirt)] if wardrobe.is_coat else []
        hat = [limb(-0.2, -0.97, math.pi / 2, 0.4, 0.04, trousers)] if wardrobe.is_coat else []
        return figure(
            limb(-0.1, 0.1, lean, 0.78, 0.1, trousers),
            limb(0.1, 0.1, -lean, 0.78, 0.1, trousers),
            *worn,
            limb(-girth - 0.04, -0.42, -1.2 * lean - 0.1, 0.55, 0.07, shirt),
            limb(0, -0.45, 0, 0.5, girth, shirt),
            limb(girth + 0.04, -0.42, 1.2 * lean + 0.1, 0.55, 0.07, shirt),
            limb(0, -0.7, 0, 0.06, 0.06, skin),
            limb(0, -0.84, 0, 0.08, 0.12, head),
            *hat,
        )

    return tuple(phase(share) for share in np.linspace(-1, 1, PHASE_COUNT))


def arm(rng: Rng) -> tuple[Sprite, ...]:
    """A forearm in a sleeve, that the picture's edge cuts, and a hand that opens and closes."""
    skin, sleeve, cuff, mirror = sprites.skin(rng), clothes(rng), rng.uniform(0.5, 0.9), rng.random() < 0.5
    wrist, cloth = sprites.capsule(0, 0.1, 0, 1.2, 0.15), sprites.capsule(0, cuff, 0, 1.3, 0.21)
    figures = [figure(Part(wrist, skin), Part(cloth, sleeve), Part(grip, skin)) for grip in _grips(rng)]
    return tuple(mirrored(one) if mirror else one for one in figures)


def hand(rng: Rng, skin: Canvas) -> tuple[Sprite, ...]:
    """A hand alone that opens and closes, its wrist below the middle."""
    mirror = rng.random() < 0.5
    figures = [figure(Part(sprites.capsule(0, 0.1, 0, 0.6, 0.15), skin), Part(grip, skin)) for grip in _grips(rng)]
    return tuple(mirrored(one) if mirror else one for one in figures)


def _grips(rng: Rng) -> list[Canvas]:
    """Open a palm with fingers: a signed distance for each phase."""
    count = int(rng.integers(3, 6))
    wobble, reach = rng.normal(0, 0.04, count), rng.uniform(0.4, 0.55, count)

    def phase(openness: float) -> Canvas:
        fingers = [
            sprites.capsule(0.08 * slot, -0.1, *tip(0.08 * slot, slot * 0.26 * openness + bend, length), 0.075)
            for slot, bend, length in zip(np.arange(count) - (count - 1) / 2, wobble, reach * openness, strict=True)
        ]
        return np.asarray(np.maximum.reduce([sprites.capsule(0, 0.0, 0, 0.12, 0.24), *fingers]))

    return [phase(openness) for openness in np.linspace(rng.uniform(0.3, 0.9), 1, PHASE_COUNT)]


def tip(x: float, angle: float, length: float) -> tuple[float, float]:
    return x + length * math.sin(angle), -0.1 - length * math.cos(angle)


def figure(*parts: Part) -> Sprite:
    """Draw parts over each other."""
    colour, mask = parts[0].colour, np.zeros_like(parts[0].shape)
    for part in parts:
        over = sprites.soft(part.shape)
        colour = colour * (1 - over[..., None]) + part.colour * over[..., None]
        mask = np.maximum(mask, over)
    return sprites.sprite(mask, np.asarray(colour, np.float32))


def mirrored(figure: Sprite) -> Sprite:
    return Sprite(tuple(np.ascontiguousarray(level[:, ::-1]) for level in figure.levels))
