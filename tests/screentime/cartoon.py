"""A drawn cartoon: scenes with cuts between them, each before its own background, with nobody, a mouse or a cat."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from stream.types import Rgb
from tests.encoding import encode

WIDTH_PX, HEIGHT_PX, FPS = 256, 144, 10
NOBODY, MOUSE, CAT = "nobody", "mouse", "cat"
FUR = {MOUSE: (150, 95, 55), CAT: (115, 120, 140)}
PALE = {MOUSE: (230, 190, 150), CAT: (225, 225, 230)}
"""The face's and the belly's."""
SCENE_S = (3.0, 8.0)

Colour = tuple[int, int, int]
Draw = ImageDraw.ImageDraw


def write(path: Path, seconds: float, seed: int) -> list[str]:
    """Write a video; return who is on screen in every frame. Another seed has other backgrounds, sizes and ways."""
    labels = list[str]()

    def pictures() -> Iterator[Rgb]:
        for label, picture in _frames(seconds, seed):
            labels.append(label)
            yield picture

    encode(path, pictures(), FPS, options={"preset": "ultrafast", "crf": "23"})
    return labels


def table(path: Path, labels: list[str], every: int = FPS) -> Path:
    """Write one labelled frame a second, as somebody would who steps through the video."""
    rows = [f"{index},{labels[index]}\n" for index in range(every // 2, len(labels), every)]
    path.write_text("frame,label\n" + "".join(rows), "utf-8")
    return path


def _frames(seconds: float, seed: int) -> Iterator[tuple[str, Rgb]]:
    rng, left, last = np.random.default_rng(seed), round(seconds * FPS), ""
    while left > 0:
        label = str(rng.choice([name for name in (NOBODY, MOUSE, CAT) if name != last]))
        count = min(left, round(rng.uniform(*SCENE_S) * FPS))
        for picture in _scene(rng, label, count):
            yield label, picture
        left, last = left - count, label


def _scene(rng: np.random.Generator, label: str, count: int) -> Iterator[Rgb]:
    backdrop, size = _backdrop(rng), rng.uniform(0.3, 0.6) * HEIGHT_PX
    begin, end = rng.uniform(0.2, 0.8, 2) * WIDTH_PX
    floor, phase = rng.uniform(0.75, 0.95) * HEIGHT_PX, rng.uniform(0, 6)
    for index in range(count):
        picture = backdrop.copy()
        if label != NOBODY:
            x = begin + (end - begin) * index / max(1, count - 1)
            bob = abs(np.sin(phase + index * 0.9)) * 0.06 * size
            _animal(ImageDraw.Draw(picture), label, float(x), float(floor - bob), float(size), end > begin)
        grain = rng.integers(-4, 5, (HEIGHT_PX, WIDTH_PX, 1))
        yield np.clip(np.asarray(picture, np.int16) + grain, 0, 255).astype(np.uint8)


def _backdrop(rng: np.random.Generator) -> Image.Image:
    """A wall or a sky, a floor, and things before it, some as brown and as grey as the animals."""
    picture = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), _colour(rng))
    draw, horizon = ImageDraw.Draw(picture), int(rng.uniform(0.5, 0.8) * HEIGHT_PX)
    draw.rectangle((0, horizon, WIDTH_PX, HEIGHT_PX), _colour(rng))
    for _ in range(int(rng.integers(4, 12))):
        width, height = rng.uniform(0.05, 0.3, 2) * HEIGHT_PX * 1.5
        left, bottom = rng.uniform(0, WIDTH_PX), rng.uniform(0.3, 1.0) * HEIGHT_PX
        box = (left, bottom - height, left + width, bottom)
        near = [tuple(int(v) for v in np.array(FUR[name]) + rng.integers(-20, 21, 3)) for name in FUR]
        colour = near[int(rng.integers(2))] if rng.random() < 0.35 else _colour(rng)
        shape = rng.integers(3)
        if shape == 0:
            draw.rectangle(box, colour)
        elif shape == 1:
            draw.ellipse(box, colour)
        else:
            draw.polygon([(left, bottom), (left + width / 2, bottom - height), (left + width, bottom)], colour)
    return picture


def _colour(rng: np.random.Generator) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(40, 230, 3))
    return red, green, blue


def _animal(draw: Draw, label: str, x: float, floor: float, size: float, is_right: bool) -> None:
    """Draw one of them on its feet at (x, floor), `size` pixels high."""
    fur, pale, side = FUR[label], PALE[label], 1 if is_right else -1
    width = size * (0.36 if label == CAT else 0.44)

    def oval(middle_x: float, middle_y: float, wide: float, high: float, colour: Colour) -> None:
        left, top = x + side * middle_x * size, floor - middle_y * size
        draw.ellipse((left - wide * size, top - high * size, left + wide * size, top + high * size), colour)

    tail = [(x - side * width * 0.4, floor - 0.15 * size), (x - side * 0.55 * size, floor - 0.25 * size)]
    tail.append((x - side * 0.65 * size, floor - (0.75 if label == CAT else 0.1) * size))
    draw.line(tail, fur, max(2, round(size * (0.07 if label == CAT else 0.025))), "curve")
    oval(-0.08, 0.05, 0.1, 0.05, fur)
    oval(0.12, 0.05, 0.1, 0.05, fur)
    oval(0, 0.28, width / size / 2, 0.26, fur)
    oval(0.03, 0.26, width / size / 3.4, 0.17, pale)
    if label == MOUSE:
        for ear in (-0.2, 0.22):
            oval(ear, 0.85, 0.15, 0.15, fur)
            oval(ear, 0.85, 0.1, 0.1, (235, 160, 150))
    else:
        for ear in (-0.16, 0.16):
            tip = (x + side * ear * 1.3 * size, floor - 1.0 * size)
            foot = [(x + side * (ear + d) * size, floor - 0.74 * size) for d in (-0.09, 0.09)]
            draw.polygon([tip, *foot], fur)
    oval(0.02, 0.66, 0.22, 0.17 if label == CAT else 0.19, fur)
    oval(0.08, 0.6, 0.11, 0.09, pale)
    for eye in (-0.04, 0.12):
        oval(eye, 0.71, 0.05, 0.065, (250, 250, 235))
        oval(eye + 0.015, 0.7, 0.02, 0.03, (20, 20, 20))
    oval(0.17 if label == CAT else 0.2, 0.64, 0.025, 0.02, (30, 20, 20))
