"""A small, deterministic model with a memory, and plain pictures to show it: for tests that are not about a network."""

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import numpy as np

from stream.cards import Card
from stream.errors import DecodeError, ShapeError
from stream.types import Array, Frame, Rgb, State

LABELS = ("dark", "red", "green", "blue", "lately red", "lately green", "lately blue")
CARD = Card(
    name="toy",
    architecture="toy",
    variant="toy",
    side_px=32,
    fps=10.0,
    labels=LABELS,
    memory_s=1.0,
    background=("dark",),
    output="sigmoid",
)


class Toy:
    """Says which colour the picture has, and which one the fading mean of all pictures so far has.

    A label's logit is 16 times its colour's amount, less 8; `dark` is as probable as all colours are not.
    """

    name = "toy 1.0"

    def __init__(self, card: Card = CARD) -> None:
        self.card = card

    def init_state(self, batch: int = 1) -> State:
        return {"sum_pool_buffer": np.zeros((batch, 3), np.float32), "frame_count": np.zeros((batch, 1), np.float32)}

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        side_px = self.card.side_px
        if clip.ndim != 5 or (clip.shape[1], *clip.shape[3:]) != (3, side_px, side_px):
            raise ShapeError(f"clip is {clip.shape}, accepted: (B, 3, T, {side_px}, {side_px})")
        keep = np.asarray(self.card.decay if decay is None else decay, np.float32).reshape(-1, 1)
        total, count = state["sum_pool_buffer"], state["frame_count"]
        for colour in np.moveaxis(clip.mean((3, 4)), 2, 0):  # (B, 3)
            total, count = keep * total + colour, keep * count + 1
        dark = 1 - colour.max(1, keepdims=True)
        logits = 16 * np.concatenate([dark, colour, total / count], axis=1) - 8  # (B, 7)
        return logits.astype(np.float32), {"sum_pool_buffer": total, "frame_count": count}


class Plain:
    """A picture of one colour; counts how often it was converted."""

    width_px, height_px = 64, 48

    def __init__(self, red: float = 0.0, green: float = 0.0, blue: float = 0.0) -> None:
        self.colour = np.array([red, green, blue])
        self.conversions = 0

    def rgb(self, width_px: int | None = None, height_px: int | None = None) -> Rgb:
        self.conversions += 1
        size = (height_px or self.height_px, width_px or self.width_px, 3)
        return np.broadcast_to(np.round(255 * self.colour).astype(np.uint8), size).copy()


class Broken(Plain):
    """A picture that cannot be converted."""

    def rgb(self, width_px: int | None = None, height_px: int | None = None) -> Rgb:
        raise DecodeError("a broken picture")


def frames(offsets_s: Sequence[float], **colour: float) -> list[Frame]:
    """Plain frames of one colour at these seconds."""
    return [Frame(Plain(**colour), offset_s, time.monotonic_ns()) for offset_s in offsets_s]


class Shelf:
    """A source that has its frames already."""

    uri, fps, is_live = "shelf://", None, False

    def __init__(self, items: Sequence[Frame], error: Exception | None = None) -> None:
        self._items, self._error = items, error
        self.is_open = False

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_open = False

    def __iter__(self) -> Iterator[Frame]:
        yield from self._items
        if self._error:
            raise self._error

    def decode(self, packet: Frame) -> Iterator[Frame]:
        yield packet
