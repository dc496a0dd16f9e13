"""Decodes clips once, at the size that the network sees, and keeps the bytes: in memory, then on disk, then not at all.

A second at 80 pixels and 10 frames per second is 0.2 MB; decoding two minutes of video takes two seconds of a core, and
is done once, not in every epoch.
"""

import shutil
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stream.cards import Card
from stream.errors import DecodeError, SourceError, UsageError
from stream.preprocess import square
from stream.resampling import Resampler
from stream.sources import open_source
from stream.training.bars import bar
from stream.training.datasets import Sample, overrun
from stream.types import Frame, Rgb

LONGEST_S = 300.0
"""Seconds of a sample that are used; an action is shorter."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What a sample shows."""

    frames: npt.NDArray[np.uint8]
    """(N, S, S, 3) RGB, N >= 1."""
    offsets_s: npt.NDArray[np.float64]
    """(N,) seconds since the first of them, increasing."""


def decode(samples: Sequence[Sample], card: Card, fps: float) -> list[Clip]:
    """Decode the samples of one video in one pass: the frames on a clock of `fps` that begins with each sample.

    Raises:
        SourceError: the video cannot be opened or read, or a sample has no frame in it; names it.
    """
    return [reel.clip() for reel in _film(samples, card, fps)]


def _film(samples: Sequence[Sample], card: Card, fps: float) -> list["_Reel"]:
    reels = [_Reel(sample, fps) for sample in samples]
    last_s, seen = max(reel.end_s for reel in reels), deque[float](maxlen=2)
    with open_source(str(samples[0].path)) as source:
        for packet in source:
            try:
                frames = list(source.decode(packet))
            except DecodeError:
                continue  # what is left of a damaged video may do; none of it is an error below
            for frame in frames:
                _keep(frame, reels, card)
                seen.append(frame.offset_s)
            if frames and frames[-1].offset_s >= last_s:
                return reels
    for reel in reels:
        reel.fault = overrun(reel.sample, list(seen))
    return reels


def _keep(frame: Frame, reels: Sequence["_Reel"], card: Card) -> None:
    """Convert a frame once for all that need it, if any do."""
    if takers := [reel for reel in reels if reel.takes(frame.offset_s)]:
        rgb = square(frame.picture, card.side_px, card.fit)
        for reel in takers:
            reel.add(rgb, frame.offset_s)


class _Reel:
    """The frames of one sample, as they come."""

    def __init__(self, sample: Sample, fps: float) -> None:
        self.sample, self.end_s = sample, min(sample.end_s, sample.start_s + LONGEST_S)
        self._resampler = Resampler(fps)
        self._frames: list[Rgb] = []
        self._offsets_s: list[float] = []
        self._seen_s = -1.0
        self.fault = ""
        """What is wrong with it, in words."""

    def takes(self, offset_s: float) -> bool:
        if not self._seen_s < offset_s:
            return False  # a session drops what is out of order too
        self._seen_s = offset_s
        return self.sample.start_s <= offset_s < self.end_s and self._resampler.takes(offset_s)

    def add(self, rgb: Rgb, offset_s: float) -> None:
        self._frames.append(rgb)
        self._offsets_s.append(offset_s)

    def clip(self) -> Clip:
        if not self._frames:
            raise SourceError(f"{self.sample}: no frame can be read; the video lasts {max(0.0, self._seen_s):.2f} s")
        if self.fault:
            raise SourceError(self.fault)
        offsets_s = np.array(self._offsets_s)
        return Clip(np.stack(self._frames), offsets_s - offsets_s[0])


class Clips:
    """The clips of some samples, by number; decoded when made."""

    def __init__(
        self,
        samples: Sequence[Sample],
        card: Card,
        fps: float,
        *,
        memory_bytes: int = 1 << 30,
        disk_bytes: int = 1 << 34,
        folder: Path | None = None,
        is_lenient: bool = False,
        what: str = "decoding",
    ) -> None:
        """Decode them, with a bar.

        Args:
            samples: in any order.
            card: its side and fit say what a frame is.
            fps: frames per second to keep.
            memory_bytes: how many bytes of frames stay in memory.
            disk_bytes: how many more go into `folder`; what comes after is decoded whenever it is asked for.
            folder: None keeps nothing on disk.
            is_lenient: leave out what cannot be read; else that is an error.
            what: is being done, for the bar.

        Raises:
            UsageError: videos cannot be read; names the first.
        """
        self._card, self._fps, self._folder = card, fps, folder
        self._left = {"memory": memory_bytes, "disk": disk_bytes if folder else 0}
        self._kept: dict[int, Clip] = {}
        self._files: dict[int, tuple[Path, npt.NDArray[np.float64]]] = {}
        self.faults: list[str] = []
        read = self._read(samples, what)
        if self.faults and not is_lenient:
            raise UsageError(
                f"{len(self.faults)} of {len(samples)} samples cannot be read, the first: {self.faults[0]}; accepted: "
                "times within whole videos, or --skip-faulty to do without"
            )
        self.samples = tuple(read)
        """Those that could be read, in the order given."""

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Clip:
        if index in self._kept:
            return self._kept[index]
        if index in self._files:
            path, offsets_s = self._files[index]
            return Clip(np.load(path, mmap_mode="r"), offsets_s)
        return decode([self.samples[index]], self._card, self._fps)[0]

    def close(self) -> None:
        """Remove what lies on disk."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, samples: Sequence[Sample], what: str) -> list[Sample]:
        """Decode every video once; keep what there is room for under its number among those that can be read."""
        videos = defaultdict[Path, list[int]](list)
        for index, sample in enumerate(samples):
            videos[sample.path].append(index)
        clips: dict[int, Clip | None] = {}
        for indices in bar(videos.values(), what):
            clips.update(self._decoded(samples, indices))
        read = [index for index in range(len(samples)) if index in clips]
        self._kept = {place: clip for place, index in enumerate(read) if (clip := clips[index])}
        self._files = {place: self._files[index] for place, index in enumerate(read) if index in self._files}
        return [samples[index] for index in read]

    def _decoded(self, samples: Sequence[Sample], indices: Sequence[int]) -> Iterator[tuple[int, Clip | None]]:
        """Decode a video's samples; yield each with the clip where it stays in memory."""
        try:
            reels = _film([samples[index] for index in indices], self._card, self._fps)
        except SourceError as error:
            self.faults += [str(error)] * len(indices)
            return
        for index, reel in zip(indices, reels, strict=True):
            try:
                yield index, self._store(index, reel.clip())
            except SourceError as error:
                self.faults.append(str(error))

    def _store(self, index: int, clip: Clip) -> Clip | None:
        place = next((name for name, room in self._left.items() if clip.frames.nbytes <= room), None)
        if place:
            self._left[place] -= clip.frames.nbytes
        if place == "disk":
            self._write(index, clip)
        return clip if place == "memory" else None

    def _write(self, index: int, clip: Clip) -> None:
        assert self._folder is not None  # noqa: S101  # else there is no room on it
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{index}.npy"
        np.save(path, clip.frames)
        self._files[index] = path, clip.offsets_s
