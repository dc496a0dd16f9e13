"""Makes the streams that a model learns real clips from: clip after clip, as a camera would see them, a little changed.

A stream begins blank, with a still picture, or in the middle of another clip, and the state is carried through all of
it, so that its middle looks like the middle of a stream. A clip's frames count from when it can be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from stream.cards import Card
from stream.play.gestures import IGNORE
from stream.preprocess import lightened
from stream.resampling import Resampler
from stream.training import mirror
from stream.training.clips import Clip
from stream.training.datasets import Sample
from stream.training.gestures import Stream

Rng = np.random.Generator
Frames = npt.NDArray[np.uint8]
"""(N, S, S, 3) RGB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixSettings:
    """How clips become streams. Each amount may be 0: then that is not done."""

    zoom: float = 0.2
    """In [0, 0.9]: a crop keeps at least 1 less this of either side."""
    light: float = 0.25
    """Standard deviation of the logarithms of brightness, contrast and gamma."""
    speed: float = 0.12
    """Standard deviation of the logarithm of the speed; never beyond two thirds or one and a half."""
    mirror: float = 0.5
    """Share of the clips that are mirrored, among those whose label allows it."""
    alone: float = 0.5
    """Share of the streams that begin blank; of the others, half begin with a still picture, half with another clip."""
    settle_s: float = 0.8
    """Seconds of a clip, but at most two fifths of it, that are not learned: nobody can tell yet."""


class Shown(Protocol):
    """Clips by number, such as `clips.Clips`."""

    @property
    def samples(self) -> Sequence[Sample]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Clip: ...


class Mixer:
    """Makes streams of clips; in every round of as many streams as there are clips, each of them has its turn."""

    def __init__(self, clips: Shown, card: Card, settings: MixSettings) -> None:
        self._clips, self._card, self._settings = clips, card, settings
        self._labels = np.array([card.labels.index(sample.label) for sample in clips.samples])
        self._swaps = mirror.swaps(card)

    def stream(self, seed: tuple[int, ...], frames: int, _difficulty: float = 1.0) -> Stream:
        """Make one stream; the same seed gives the same.

        Args:
            seed: the run's, and the number of the stream.
            frames: count.

        Returns:
            (T, S, S, 3) frames and (T,) labels, some of them `gestures.IGNORE`.
        """
        *run, number = seed
        rng = np.random.default_rng(seed)
        turn, place = divmod(number, len(self._clips))
        target = int(np.random.default_rng((*run, turn)).permutation(len(self._clips))[place])
        parts = [*self._beginning(rng, target, frames), self._piece(rng, target, frames)]
        while sum(len(labels) for _, labels in parts) < frames:
            parts.append(self._piece(rng, int(rng.integers(len(self._clips))), frames))
        pictures, labels = (np.concatenate(column)[:frames] for column in zip(*parts, strict=True))
        return Stream(pictures, labels, ())

    def _beginning(self, rng: Rng, target: int, frames: int) -> list[tuple[Frames, npt.NDArray[np.int64]]]:
        """Return what comes before the clip that counts: at most a third of the stream."""
        if rng.random() < self._settings.alone:
            return []
        count = int(rng.integers(1, max(2, frames // 3)))
        if rng.random() < 0.5:
            first = self._shown(self._clips[target].frames[:1])
            return [(np.repeat(first, count, 0), np.full(count, IGNORE))]
        pictures, labels = self._piece(rng, int(rng.integers(len(self._clips))), frames)
        return [(pictures[-count:], labels[-count:])]

    def _piece(self, rng: Rng, index: int, frames: int) -> tuple[Frames, npt.NDArray[np.int64]]:
        """Return a clip as it is seen this time, at most `frames` of it."""
        settings, label = self._settings, int(self._labels[index])
        pictures = played(self._clips[index], self._card.fps, _speed(rng, settings.speed), rng, frames)
        pictures = framed(rng, lit(rng, self._shown(pictures), settings.light), settings.zoom)
        if rng.random() < settings.mirror and self._swaps[label] >= 0:
            pictures, label = np.ascontiguousarray(pictures[:, :, ::-1]), int(self._swaps[label])
        labels = np.full(len(pictures), label)
        labels[: min(round(settings.settle_s * self._card.fps), 2 * len(labels) // 5)] = IGNORE
        return pictures, labels

    def _shown(self, pictures: Frames) -> Frames:
        """Lighten as the card says, each picture by itself."""
        if not self._card.lighten:
            return pictures
        return np.stack([_bytes(lightened(picture, self._card.lighten)) for picture in pictures])


def played(clip: Clip, fps: float, speed: float, rng: Rng | None = None, most: int | None = None) -> Frames:
    """Take the frames that a session at `fps` would use if the clip ran at `speed`.

    Args:
        clip: at any rate.
        fps: frames per second.
        speed: 2 is twice as fast.
        rng: chooses the beginning: within a frame's interval, or anywhere in a clip longer than `most`; None takes the
            first frame.
        most: count of frames to return at most.
    """
    first = 0
    if rng is not None:
        room_s = clip.offsets_s[-1] - ((most or 1) - 1) * speed / fps + 1e-6
        first = int(rng.integers(np.searchsorted(clip.offsets_s, max(room_s, 0.99 * speed / fps), "right") or 1))
        first = min(first, len(clip.frames) - 1)
    resampler = Resampler(fps)
    taken = [index for index in range(first, len(clip.frames)) if resampler.takes(float(clip.offsets_s[index]) / speed)]
    return np.asarray(clip.frames[taken[:most]])


def framed(rng: Rng, pictures: Frames, zoom: float) -> Frames:
    """Crop all pictures alike, width and height each by itself, and scale back: (N, S, S, 3)."""
    side_px = pictures.shape[1]
    width, height = side_px * (1 - rng.uniform(0, zoom, 2))
    left, top = rng.uniform(0, side_px - width), rng.uniform(0, side_px - height)
    if zoom == 0:
        return pictures
    box = (left, top, left + width, top + height)
    return np.stack(
        [
            np.asarray(Image.fromarray(picture).resize((side_px, side_px), Image.Resampling.BILINEAR, box))
            for picture in pictures
        ]
    )


def lit(rng: Rng, pictures: Frames, amount: float) -> Frames:
    """Change gamma, contrast and brightness of all pictures alike, through one table."""
    gamma, contrast, gain = np.exp(rng.normal(0, amount, 3))
    value = np.linspace(0, 1, 256) ** gamma
    middle = value[int(pictures.mean())]
    return _bytes(gain * (middle + contrast * (value - middle)))[pictures]


def _speed(rng: Rng, amount: float) -> float:
    return float(np.clip(np.exp(rng.normal(0, amount)), 2 / 3, 3 / 2))


def _bytes(values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(np.round(values * 255), 0, 255).astype(np.uint8))
