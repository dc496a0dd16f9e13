"""Drawn gestures: `synthetic://gestures`. Needs no hardware, no file and nothing beyond the serving install.

It plays actions of the default model's classes with pauses between them, and knows what it played.
"""

import itertools
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from stream.errors import UsageError
from stream.pictures import RgbPicture
from stream.play import gestures, sprites
from stream.play.gestures import Event, Script, Segment
from stream.play.motions import GESTURES, LABELS
from stream.play.paths import MOVERS, Path
from stream.play.sprites import Rng
from stream.types import Frame, Rgb

TICKS = 4
"""Count: places of the movers per frame; the last two are the exposure."""

DEFAULTS = {"seconds": "60", "seed": "7", "fps": "25", "size": "320x240", "classes": "", "realtime": "0"}
"""What the query may say; `classes` are all gestures when empty."""

ACCEPTED = (
    "synthetic://gestures?seconds=60&seed=7&fps=25&size=320x240&classes=swipe+left,wave&realtime=1, any part left out"
)


def build(uri: str, *, realtime: bool = False, timeout_s: float = 10.0) -> "Synthetic":  # noqa: ARG001 - never waits
    """Prepare drawn gestures.

    Args:
        uri: `synthetic://gestures`, then a query if wished: `seconds` (more than 0, or inf; 60 by default), `seed`
            (0 or more; 7), `fps` (1 to 240; 25), `size` (16x16 to 4096x4096; 320x240), `classes` (labels with commas
            between; all gestures), `realtime` (0 or 1; 0).
        realtime: hold each frame back until its time; also where the query says so.
        timeout_s: has no meaning here.

    Raises:
        UsageError: a part of the URI is not as it should be; says what is accepted.
    """
    parts = urlsplit(uri)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    if (parts.netloc + parts.path).strip("/") != "gestures" or set(asked) - set(DEFAULTS):
        raise UsageError(f"{uri!r}; accepted: {ACCEPTED}")
    query = DEFAULTS | asked
    width_px, height_px = _size(query["size"])
    return Synthetic(
        uri,
        seed=int(_number("seed", query["seed"], 0, 2**63, "a whole number, 0 or more", is_whole=True)),
        seconds=_number("seconds", query["seconds"], 1e-3, float("inf"), "more than 0, or inf"),
        fps=_number("fps", query["fps"], 1, 240, "1 to 240"),
        script=Script(
            classes=_classes(query["classes"]),
            aspect=width_px / height_px,
            pause_s=(0.7, 1.2),
            size=0.42,
            is_dealt=True,
        ),
        size_px=(width_px, height_px),
        is_live=realtime or bool(_number("realtime", query["realtime"], 0, 1, "0 or 1", is_whole=True)),
    )


class Synthetic:
    """Satisfies `sources.base.Source`; a packet is a frame. The same URI gives the same pictures every time."""

    def __init__(
        self,
        uri: str,
        *,
        seed: int,
        seconds: float,
        fps: float,
        script: Script,
        size_px: tuple[int, int],
        is_live: bool,
    ) -> None:
        self.uri, self.fps, self.is_live, self.is_paced = uri, fps, is_live, is_live
        self.length_s = None if seconds == float("inf") else seconds
        self._seed, self._seconds, self._script, self._size_px = seed, seconds, script, size_px
        self._count = itertools.count() if seconds == float("inf") else range(max(1, round(seconds * fps)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    @property
    def truth(self) -> tuple[Event, ...]:
        """What is played to its end, in order.

        Raises:
            UsageError: the source has no end.
        """
        if self._seconds == float("inf"):
            raise UsageError(f"{self.uri!r} has no end, so neither has what it plays; accepted: a number of seconds")
        found, end_s = list[Event](), 0.0
        for part in self._play():
            begin_s, end_s = end_s, end_s + part.ticks / self._rate
            if end_s > self._seconds:
                break
            if part.label in LABELS[1:]:
                found.append(Event(part.label, begin_s, end_s))
        return tuple(found)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; live, each at its time."""
        begin_s = time.monotonic()
        for index, picture in zip(self._count, self._draw(), strict=False):
            offset_s = index / self.fps
            if self.is_live:
                time.sleep(max(0.0, begin_s + offset_s - time.monotonic()))
            yield Frame(RgbPicture(picture), offset_s, time.monotonic_ns(), 1 / self.fps)

    def decode(self, packet: Frame) -> Iterator[Frame]:
        """Yield the packet: it is a frame already."""
        yield packet

    @property
    def _rate(self) -> float:
        return self.fps * TICKS

    def _play(self) -> Iterator[Segment]:
        return gestures.play(np.random.default_rng((self._seed, 0)), self._rate, self._script)

    def _draw(self) -> Iterator[Rgb]:
        rng = np.random.default_rng((self._seed, 1))
        width_px, height_px = self._size_px
        backdrop = sprites.room(rng, height_px * 3 // 2, width_px * 3 // 2)
        cuts = [sprites.sprite(sprites.hand(rng, 4), sprites.skin(rng, darkest=0.75)) for _ in range(MOVERS)]
        for movers, camera in _frames(self._play()):
            canvas = sprites.look(backdrop, camera, height_px, width_px, self._script.aspect)
            for cut, poses in zip(cuts, movers, strict=True):
                sprites.paste(canvas, cut, poses[TICKS // 2 :], self._script.aspect)
            yield _develop(rng, canvas)


def _frames(parts: Iterator[Segment]) -> Iterator[tuple[Path, Path]]:
    """Cut segments into frames: (MOVERS, TICKS, 5) poses and (2,) where the camera looks."""
    movers, camera = np.zeros((MOVERS, 0, 5)), np.zeros((0, 2))
    for part in parts:
        movers = np.concatenate([movers, part.movers], axis=1)
        camera = np.concatenate([camera, part.camera])
        while len(camera) >= TICKS:
            yield movers[:, :TICKS], camera[TICKS - 1]
            movers, camera = movers[:, TICKS:], camera[TICKS:]


def _develop(rng: Rng, canvas: sprites.Canvas) -> Rgb:
    """Turn light into bytes, with a little grain."""
    grain = rng.integers(-2, 3, canvas.shape[:2], np.int8)[..., None]
    return np.asarray(np.clip(canvas * 255 + grain, 0, 255), np.uint8)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    accepted = "WIDTHxHEIGHT, each 16 to 4096 pixels"
    return (
        int(_number("size", width, 16, 4096, accepted, is_whole=True)),
        int(_number("size", height, 16, 4096, accepted, is_whole=True)),
    )


def _classes(text: str) -> tuple[str, ...]:
    asked = tuple(name.strip() for name in text.split(",") if name.strip()) or GESTURES
    if unknown := [name for name in asked if name not in LABELS[1:]]:
        raise UsageError(f"classes names {unknown[0]!r}; accepted, with commas between: {', '.join(LABELS[1:])}")
    return asked


def _number(name: str, text: str, low: float, high: float, accepted: str, *, is_whole: bool = False) -> float:
    try:
        value = float(int(text) if is_whole else text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise UsageError(f"{name} is {text!r}; accepted: {accepted}")
    return value
