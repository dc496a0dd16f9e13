"""A session of gestures: actions of twelve classes with pauses between them, and the right answer for every frame.

Numbers only, no pictures. Places are in picture heights from the middle of the picture; see stream/play/paths.py.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stream.play import motions
from stream.play.motions import LABELS, NO_MOTION
from stream.play.paths import ALPHA, ANGLE, MOVERS, SIZE, Action, Path, Rng, X, Y, count, smooth

IGNORE = -1
"""In a list of labels per frame: nobody could tell yet."""

TAIL_S = 0.5
"""Seconds for which an action still is the answer after it has ended."""
QUIET_S = 0.8
"""Seconds after an action from which the answer is `no motion`."""

Labels = npt.NDArray[np.int64]
"""(T,) indices into LABELS, or IGNORE."""


@dataclass(frozen=True, slots=True)
class Event:
    """What was played and when."""

    label: str
    """One of LABELS but `no motion`."""
    begin_s: float
    """Seconds since the first frame."""
    end_s: float
    """Seconds since the first frame."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time with one meaning."""

    label: str | None
    """One of LABELS; None while something comes, goes or moves back."""
    movers: Path
    """(MOVERS, N, 5) poses."""
    camera: Path
    """(N, 2) where the camera looks: lengths from where it began; the poses are in what it sees."""
    known: int = 0
    """Ticks after which a viewer could tell."""

    @property
    def ticks(self) -> int:
        """How long it takes."""
        return int(self.movers.shape[1])


@dataclass(frozen=True, slots=True)
class Session:
    """A stream of actions with pauses between them."""

    movers: Path
    """(MOVERS, T * ticks, 5) poses in what the camera sees."""
    camera: Path
    """(T * ticks, 2) lengths."""
    labels: Labels
    """(T,) the right answer for each frame, or IGNORE."""
    events: tuple[Event, ...]
    """What is played to its end, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What to play."""

    classes: tuple[str, ...] = LABELS[1:]
    """Each comes as often as the others; one that is named twice comes twice as often."""
    is_dealt: bool = False
    """Like cards: every class comes once before any comes again."""
    pause_s: tuple[float, float] = (0.5, 1.3)
    """Seconds: shortest and longest pause before, and after, an action."""
    aspect: float = 4 / 3
    """Width of the picture over its height."""
    size: float | None = None
    """Picture heights: the mover's size at rest; random when None."""
    act: Callable[[Rng, str, float], Action] = motions.act
    """Does something of a class, at a rate in ticks per second."""
    is_present: bool = False
    """The mover is there from the first frame."""
    edge: float | None = None
    """Radians from straight down towards the left: the way along which the mover leaves the picture and comes again, as
    an arm does, and may be half out of the picture; None fades it."""


def session(rng: Rng, frames: int, fps: float, script: Script, ticks: int = 4) -> Session:
    """Play a script for a number of frames, `ticks` ticks each."""
    needed, parts, stage = frames * ticks, list[Segment](), play(rng, fps * ticks, script)
    while sum(part.ticks for part in parts) < needed:
        parts.append(next(stage))
    labels = _answers(parts, fps * ticks)[ticks - 1 : needed : ticks]
    movers = np.concatenate([part.movers for part in parts], axis=1)[:, :needed]
    camera = np.concatenate([part.camera for part in parts])[:needed]
    whole = tuple(event for event in events(parts, fps * ticks) if event.end_s <= frames / fps)
    return Session(movers, camera, labels, whole)


def events(parts: Sequence[Segment], rate: float) -> tuple[Event, ...]:
    """List what is played in `parts`, pauses left out; `rate` is in ticks per second."""
    found, end = [], 0
    for part in parts:
        begin, end = end, end + part.ticks
        if part.label is not None and part.label != NO_MOTION:
            found.append(Event(part.label, begin / rate, end / rate))
    return tuple(found)


def play(rng: Rng, rate: float, script: Script) -> Iterator[Segment]:
    """Play a script for ever, at `rate` ticks per second; `rng` decides everything."""
    mover = script.size or float(np.exp(rng.uniform(math.log(0.14), math.log(1.2))))
    pose, camera, is_first = _absent(mover), np.zeros(2), True
    if not script.is_present:
        yield _rest(rng, pose, camera, rate, script)
    for label in _labels(rng, script):
        action = script.act(rng, label, rate)
        is_absent = action.camera is not None and rng.random() < 0.5
        start = _absent(mover) if is_absent else _start(rng, pose, action, mover, script)
        if not (is_first and script.is_present):
            yield from (_slide if script.edge is not None else _come)(rng, pose, start, camera, rate, script)
        is_first = False
        yield _rest(rng, start, camera, rate, script)
        stage, turn = _act(rng, action, start, rate)
        part = Segment(label, stage, camera + turn, math.ceil(action.known * len(turn)))
        yield part
        pose, camera = part.movers[0, -1], part.camera[-1]
        yield _rest(rng, pose, camera, rate, script)


def _labels(rng: Rng, script: Script) -> Iterator[str]:
    while True:
        if script.is_dealt:
            yield from (script.classes[index] for index in rng.permutation(len(script.classes)))
        else:
            yield script.classes[int(rng.integers(len(script.classes)))]


def _act(rng: Rng, action: Action, start: Path, rate: float) -> tuple[Path, Path]:
    """Put an action on the stage; where the camera turns, what stands still moves in the picture."""
    stage = _cast(_absolute(start, action.path))
    for row, path in enumerate(action.others, 1):
        place = _beside(rng, start[SIZE])
        stage[row] = _fade(_absolute(place, path), rate)
        stage[row, :, [X, Y]] += np.outer(place[:2], path[:, SIZE] - 1)  # what comes nearer spreads
    turn = np.zeros((stage.shape[1], 2)) if action.camera is None else action.camera
    stage[:, :, [X, Y]] -= turn
    return stage, turn


# --- from relative paths to a stage ---


def _start(rng: Rng, pose: Path, act: Action, mover: float, script: Script) -> Path:
    """Go on from where the mover is when the action then stays in the picture; else choose a place where it does."""
    aspect = script.aspect
    if act.start is not None:
        return act.start
    action = act.path
    if pose[ALPHA] > 0 and rng.random() < 0.7 and _fits(_absolute(pose, action), aspect):
        return pose
    largest = float(action[:, SIZE].max())
    size = min(mover, rng.uniform(0.7, 1.3) / largest) * (1 if action[-1, SIZE] > 0.7 else rng.uniform(1.2, 2.0))
    size = min(size, 1.3 / largest)
    middle = (action[:, :2].max(axis=0) + action[:, :2].min(axis=0)) / 2
    margin = 0.5 * size if script.edge is None else 0.0
    spread = np.maximum(np.array([aspect, 1.0]) - np.ptp(action[:, :2], axis=0) - margin, 0.1) / 2
    place = rng.uniform(-1, 1, 2) * np.minimum(spread, 0.45) - middle
    if script.edge is not None:
        place[Y] += rng.uniform(-0.05, 0.2)
    travel = action[-1, :2] - action[0, :2]
    if np.abs(travel).max() > 0.6 and rng.random() < 0.4:
        place = _through_the_edge(rng, place, travel, np.array([aspect, 1.0]) / 2 + size / 2)
    return np.array([place[0], place[1], size, rng.normal(0, 0.25), 1.0])


def _through_the_edge(rng: Rng, place: Path, travel: Path, edge: Path) -> Path:
    """Let a long way begin or end outside the picture."""
    axis = int(np.abs(travel).argmax())
    sense = np.sign(travel[axis])
    place[axis] = -sense * edge[axis] if rng.random() < 0.5 else sense * edge[axis] - travel[axis]
    return place


def _fits(path: Path, aspect: float) -> bool:
    inside = (np.abs(path[:, X]) < aspect / 2 + 0.05) & (np.abs(path[:, Y]) < 0.55)
    return bool(inside.all() and path[:, SIZE].max() < 1.4 and path[:, SIZE].min() > 0.08)


def _come(rng: Rng, old: Path, new: Path, camera: Path, rate: float, _script: Script) -> Iterator[Segment]:
    """Bring the mover from where it was to where it begins: by going and coming again, or slowly in the background."""
    if np.array_equal(old, new):
        return
    if old[ALPHA] > 0 and new[ALPHA] > 0 and rng.random() < 0.3:
        u = smooth(np.linspace(0, 1, count(rng.uniform(0.8, 1.6), rate)))[:, None]
        path = old + (new - old) * u
        path[:, SIZE] *= 1 - 0.3 * np.sin(math.pi * u[:, 0])
        path[:, Y] += rng.uniform(0.05, 0.15) * np.sin(math.pi * u[:, 0])
        yield Segment(None, _cast(path), np.repeat(camera[None], len(path), 0))
        return
    for pose, ends in ((old, (1.0, 0.0)), (new, (0.0, 1.0))):
        if pose[ALPHA] > 0:
            path = np.repeat(pose[None], count(rng.uniform(0.05, 0.25), rate), 0)
            path[:, ALPHA] *= np.linspace(*ends, len(path))
            yield Segment(None, _cast(path), np.repeat(camera[None], len(path), 0))
        if ends[0] and rng.random() < 0.2:
            yield _hold(_absent(old[SIZE]), camera, count(rng.uniform(0.2, 1.2), rate))


def _slide(rng: Rng, old: Path, new: Path, camera: Path, rate: float, script: Script) -> Iterator[Segment]:
    """Bring an arm from where it was to where it begins: straight, or out over the picture's edge and in again."""
    if np.array_equal(old, new):
        return
    if old[ALPHA] > 0 and new[ALPHA] > 0 and rng.random() < 0.5:
        yield _way(old, new, camera, count(rng.uniform(0.5, 1.4), rate))
        return
    if old[ALPHA] > 0:
        yield _way(old, _outside(rng, old, script), camera, count(rng.uniform(0.2, 0.8), rate))
    if rng.random() < 0.3:
        yield _hold(_absent(old[SIZE]), camera, count(rng.uniform(0.2, 1.2), rate))
    if new[ALPHA] > 0:
        yield _way(_outside(rng, new, script), new, camera, count(rng.uniform(0.2, 0.8), rate))


def _outside(rng: Rng, pose: Path, script: Script) -> Path:
    """Say where an arm is when it has just left the picture."""
    beyond = pose.copy()
    drop = 0.5 + 0.6 * pose[SIZE] - pose[Y]
    beyond[Y] += drop
    beyond[X] -= drop * math.tan(float(np.clip(script.edge or 0.0, -0.9, 0.9))) * rng.uniform(0, 1.2)
    return beyond


def _way(old: Path, new: Path, camera: Path, ticks: int) -> Segment:
    """Move from one pose to another as a hand does."""
    path = old + (new - old) * smooth(np.linspace(0, 1, ticks))[:, None]
    return Segment(None, _cast(path), np.repeat(camera[None], ticks, 0))


def _rest(rng: Rng, pose: Path, camera: Path, rate: float, script: Script) -> Segment:
    """Stand still for a pause."""
    return _hold(pose, camera, count(rng.uniform(*script.pause_s), rate))


def _hold(pose: Path, camera: Path, ticks: int) -> Segment:
    return Segment(NO_MOTION, _cast(np.repeat(pose[None], ticks, 0)), np.repeat(camera[None], ticks, 0))


def _beside(rng: Rng, mover: float) -> Path:
    place = rng.uniform(-0.5, 0.5, 2)
    return np.array([place[0], place[1], min(mover * rng.uniform(0.6, 1.4), 1.0), rng.normal(0, 0.3), 1.0])


def _fade(path: Path, rate: float) -> Path:
    """Come and go softly."""
    ramp = np.arange(1, len(path) + 1) / count(0.15, rate)
    path[:, ALPHA] *= np.minimum(1, np.minimum(ramp, ramp[::-1]))
    return path


def _absolute(start: Path, relative: Path) -> Path:
    path = np.repeat(start[None], len(relative), 0)
    path[:, [X, Y, ANGLE]] += relative[:, [X, Y, ANGLE]]
    path[:, SIZE] *= relative[:, SIZE]
    if relative.shape[1] > ALPHA:
        path[:, ALPHA] *= relative[:, ALPHA]
    return path


def _cast(path: Path) -> Path:
    """Give the first mover a path; the others are not there."""
    stage = np.zeros((MOVERS, len(path), 5))
    stage[0] = path
    return stage


def _answers(parts: Sequence[Segment], rate: float) -> Labels:
    """Say for every tick what the right answer is."""
    answers = np.full(sum(part.ticks for part in parts) + count(TAIL_S, rate), IGNORE)
    begin, quiet = 0, 0
    for part in parts:
        end = begin + part.ticks
        if part.label == NO_MOTION:
            answers[max(begin, quiet) : end] = LABELS.index(NO_MOTION)
        elif part.label is None:
            quiet = end + count(TAIL_S, rate)
        else:
            answers[begin : begin + part.known] = IGNORE
            answers[begin + part.known : end + count(TAIL_S, rate)] = LABELS.index(part.label)
            quiet = end + count(QUIET_S, rate)
        begin = end
    return answers[:begin]


def _absent(size: float) -> Path:
    return np.array([0.0, 0.0, size, 0.0, 0.0])
