"""What a frozen network makes of single frames of a video, each as it is and a little changed."""

import bisect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from stream.cards import Card
from stream.errors import DecodeError, UsageError
from stream.preprocess import square
from stream.sources import open_source
from stream.training import mixing
from stream.training.probe.trunk import LAST, Trunk
from stream.types import Array, Frame, Rgb

CHUNK = 64
"""Count: frames that wait to be stepped together."""

ZOOM, LIGHT = 0.25, 0.15
"""How much a changed frame is cropped and lit otherwise; see `mixing.MixSettings`."""

Rng = np.random.Generator


def of_frames(
    trunk: Trunk, video: Path, wanted: Sequence[int], *, layer: str = LAST, views: int = 1, seed: int = 0
) -> dict[int, Array]:
    """Return what a layer is given at each wanted frame: number of the frame -> (V, C) float32, or maps (V, C, H, W).

    Args:
        trunk: the network, folded to see single frames.
        video: a file.
        wanted: numbers of frames, from 0, sorted.
        layer: whose input is meant: `project`, `dense` or `classifier`.
        views: V, 1 or more: the frame as it is, then mirrored, cropped and lit otherwise by chance.
        seed: decides these.

    Raises:
        SourceError: the video cannot be read.
        UsageError: it has fewer frames; says how many.
    """
    found, waiting = dict[int, Array](), dict[int, Rgb]()
    shown = _shown(video, wanted, trunk.card)
    console = Console(stderr=True)
    for index, picture in track(shown, f"frames for {trunk.card.name}", len(wanted), console=console, transient=True):
        waiting[index] = picture
        if len(waiting) == CHUNK:
            found |= _step(trunk, waiting, layer, views, seed)
            waiting.clear()
    return found | (_step(trunk, waiting, layer, views, seed) if waiting else {})


def _shown(video: Path, wanted: Sequence[int], card: Card) -> Iterator[tuple[int, Rgb]]:
    """Yield the wanted frames at the card's side."""
    count = 0
    with open_source(str(video)) as source:
        for count, frame in enumerate(_frames(source), 1):
            place = bisect.bisect_left(wanted, count - 1)
            if place == len(wanted):
                return
            if wanted[place] == count - 1:
                yield count - 1, square(frame.picture, card.side_px, card.fit)
    if count <= wanted[-1]:
        raise UsageError(f"{video} has {count} frames; frame {wanted[-1]} is labelled, the first is number 0")


def _frames(source: Any) -> Iterator[Frame]:
    for packet in source:
        try:
            yield from source.decode(packet)
        except DecodeError:
            continue


def _step(trunk: Trunk, pictures: dict[int, Rgb], layer: str, views: int, seed: int) -> dict[int, Array]:
    shown = [view[None] for index, picture in pictures.items() for view in _views(picture, views, (seed, index))]
    rows = np.concatenate(trunk.features(shown, layer))  # (N * V, ...)
    return dict(zip(pictures, rows.reshape(len(pictures), views, *rows.shape[1:]), strict=True))


def _views(picture: Rgb, count: int, seed: tuple[int, ...]) -> list[npt.NDArray[np.uint8]]:
    """Return a picture as it is, and changed."""
    rng, found = np.random.default_rng(seed), [np.ascontiguousarray(picture)]
    for _ in range(count - 1):
        turned = picture[:, ::-1] if rng.random() < 0.5 else picture
        lit = mixing.lit(rng, np.ascontiguousarray(turned)[None], LIGHT)
        found.append(mixing.framed(rng, lit, ZOOM)[0])
    return found
