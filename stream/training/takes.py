"""Records clips of somebody's own classes from any source: a countdown, a take, the next; whole or not at all.

    OUT/LABEL/session1-01.mp4     a take, at most 240 pixels high and 20 frames per second
    OUT/clips.csv                 path,label,group: one row a take; the group is the recording session

A session that was broken off goes on where it was; a complete one is followed by the next, which is another group.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import av

from stream import cache
from stream.buffer import frames
from stream.errors import SourceError, StreamError, UsageError
from stream.play.motions import NO_MOTION, OTHER_MOTION
from stream.resampling import Resampler
from stream.sinks.video import TICK, Writer, open_writer
from stream.sources.base import Source
from stream.types import Frame

TABLE = "clips.csv"
"""What `stream-train` takes."""
HEADER = ("path", "label", "group")

MOST_PX, MOST_FPS = 240, 20.0
"""Pixels: height of a take at most; frames per second, likewise. Models see 80 to 172 pixels at 5 to 10."""

NEGATIVES = {
    NO_MOTION: "keep still, or leave the picture",
    OTHER_MOTION: "do anything else: scratch your head, drink, wave things about, walk past",
}
"""Classes that mean nothing -> what to do for them."""

LEAST = 5
"""Count: frames of a take at least."""

SESSION = re.compile(r"session(\d+)")
NAME = re.compile(r"[^\\/:*?\"<>|\x00-\x1f.][^\\/:*?\"<>|\x00-\x1f]{0,63}")
"""What a class may be called: it is a folder's name too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to record."""

    out: Path
    """Folder of the takes."""
    labels: tuple[str, ...]
    """The classes, without those that mean nothing."""
    takes: int = 4
    """Count: takes of each class in a session."""
    negatives: int = 4
    """Count: takes of each of `NEGATIVES`; 0 records none."""
    seconds: float = 2.5
    """Seconds of a take."""
    countdown_s: float = 3.0
    """Seconds before each, in which nothing is recorded."""

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise UsageError(f"labels are {', '.join(self.labels) or 'none'}; accepted: one or more, each once")
        if wrong := [label for label in self.labels if not NAME.fullmatch(label)]:
            raise UsageError(
                f"{wrong[0]!r} cannot be a class's folder; accepted: up to 64 characters, none of /\\:*?<>|"
            )
        if set(self.labels) & set(NEGATIVES) and self.negatives:
            raise UsageError(
                f"--negatives records {', '.join(NEGATIVES)} already; accepted: --negatives 0 to name them"
            )

    @property
    def counts(self) -> dict[str, int]:
        """Class -> takes of it in a session."""
        found = dict.fromkeys(self.labels, self.takes)
        return found | (dict.fromkeys(NEGATIVES, self.negatives) if self.negatives else {})


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the person before the camera is to know."""

    label: str
    """The class of the take."""
    number: int
    """Which take of the session it is, from 1."""
    total: int
    """Count: takes of the session."""
    is_recording: bool
    """It is being recorded; else it is counted down to."""
    left_s: float
    """Seconds until that changes."""


Tell = Callable[[Prompt], None]


def record(source: Source, plan: Plan, tell: Tell) -> tuple[str, int]:
    """Record what is missing of the session.

    Args:
        source: an open source.
        plan: what to record.
        tell: called with every frame.

    Returns:
        The session's name, and how many takes were added.

    Raises:
        SourceError: the source ended before all was recorded, or gives too few frames; says how far it came.
        UsageError: the folder's table is not one of takes.
    """
    rows = read(plan.out)
    session, missing = _missing(plan, rows)
    total = sum(plan.counts.values())
    first = total - len(missing)
    with closing(frames(source)) as stream:
        for place, label in enumerate(missing, first):
            path = _free(plan.out, label, session)
            try:
                for _, left_s in _span(stream, plan.countdown_s):
                    tell(Prompt(label, place + 1, total, False, left_s))
                with _written(path) as take:
                    for frame, left_s in _span(stream, plan.seconds):
                        tell(Prompt(label, place + 1, total, True, left_s))
                        take.add(frame)
            except _Ended:
                raise SourceError(
                    f"{source.uri} ended: {place} of {total} takes of {session} are in {plan.out}; the same command "
                    "goes on with the next"
                ) from None
            rows.append((path.relative_to(plan.out).as_posix(), label, session))
            _write(plan.out, rows)
    return session, len(missing)


def read(out: Path) -> list[tuple[str, str, str]]:
    """Read the takes that a folder holds: path, label, group; none where there is no table.

    Raises:
        UsageError: the table is another one.
    """
    path = out / TABLE
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    if tuple(header) != HEADER or any(len(row) != len(HEADER) for row in rows):
        raise UsageError(f"{path} holds no takes: its header is {','.join(header)}; accepted: {','.join(HEADER)}")
    return [(row[0], row[1], row[2]) for row in rows if (out / row[0]).is_file()]


def _missing(plan: Plan, rows: Sequence[tuple[str, str, str]]) -> tuple[str, list[str]]:
    """Return the session to go on with, or the next one, and the classes of the takes it lacks, in turn."""
    numbers = [int(found[1]) for _, _, group in rows if (found := SESSION.fullmatch(group))]
    last = max(numbers, default=0)
    for number in (last, last + 1):
        session = f"session{number}"
        there = Counter(label for _, label, group in rows if group == session)
        left = {label: count - there[label] for label, count in plan.counts.items()}
        turns = [label for turn in range(max(left.values())) for label, count in left.items() if turn < count]
        if number and turns:
            return session, turns
    raise UsageError("nothing to record; accepted: one take of a class or more")


class _Ended(Exception):
    """The source has no more frames."""


def _span(stream: Iterator[Frame], seconds: float) -> Iterator[tuple[Frame, float]]:
    """Yield the frames of so many seconds of the stream's own clock, each with the seconds that are left.

    Raises:
        _Ended: the stream ends before.
    """
    begin_s: float | None = None
    for frame in stream if seconds else ():
        begin_s = frame.offset_s if begin_s is None else begin_s
        if (left_s := begin_s + seconds - frame.offset_s) <= 0:
            return
        yield frame, left_s
    if seconds:
        raise _Ended


class _Take:
    """A clip that is being written."""

    def __init__(self, part: Path) -> None:
        self._part, self._clock = part, Resampler(MOST_FPS)
        self._writer: Writer | None = None
        self._begin_s = 0.0
        self.count = 0

    def add(self, frame: Frame) -> None:
        """Write a frame, unless it is more than `MOST_FPS` need."""
        if not self._clock.takes(frame.offset_s):
            return
        if self._writer is None:
            scale = min(1.0, MOST_PX / frame.picture.height_px)
            size = (max(2, round(end * scale) // 2 * 2) for end in (frame.picture.width_px, frame.picture.height_px))
            self._writer, self._begin_s = open_writer(self._part, *size), frame.offset_s
        video = self._writer.video
        picture = av.VideoFrame.from_ndarray(frame.picture.rgb(video.width, video.height), format="rgb24")
        picture.pts, picture.time_base = round((frame.offset_s - self._begin_s) / TICK), TICK
        self._writer.write(picture)
        self.count += 1

    def close(self, *, is_whole: bool) -> None:
        """Complete the file."""
        if self._writer:
            if is_whole:
                self._writer.write(None)
            self._writer.container.close()


@contextmanager
def _written(path: Path) -> Iterator[_Take]:
    """Give a clip to write to; the file appears when it is whole, and never where something broke it off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part, is_whole = path.with_name(f".{path.name}.part"), False
    take = _Take(part)
    try:
        yield take
        if take.count < LEAST:
            raise SourceError(f"only {take.count} frames came in a take; accepted: {LEAST} or more, see --seconds")
        is_whole = True
    except (av.FFmpegError, OSError) as error:
        if isinstance(error, StreamError):
            raise
        raise StreamError(f"cannot write {path}: {error.strerror}") from error
    finally:
        take.close(is_whole=is_whole)
        part.replace(path) if is_whole else part.unlink(missing_ok=True)


def _free(out: Path, label: str, session: str) -> Path:
    """Return the path of the next take of a class."""
    number = 1
    while (path := out / label / f"{session}-{number:02d}.mp4").exists():
        number += 1
    return path


def _write(out: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    """Write the table, whole."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADER, *rows])
    try:
        cache.write(out / TABLE, text.getvalue().encode())
    except OSError as error:
        raise StreamError(f"cannot write {out / TABLE}: {error.strerror}") from error
