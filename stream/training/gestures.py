"""What the default model learns from: streams of gestures with real textures over real pictures.

Nothing that the evaluation shows is seen in training: shapes, textures and backgrounds are split in the lists of
stream/training/cutouts.py and scenery.py.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.play import gestures, handmotions, motions, sprites
from stream.play.paths import ALPHA, Path
from stream.play.sprites import Canvas, Rng
from stream.training import camera, cutouts, forearms, occluders, reality, scenery, signing, waving

SIDE_PX = 80
"""Pixels: side of the square the model sees."""
FPS = 10.0
"""Frames per second."""
TICKS = 4
"""Count: places of the movers per frame; some of them are the exposure."""
STRIDES = 8
"""Count: phases of a figure that walks its own height."""
MIXTURE = (motions.OTHER_MOTION,) * 4 + ("push", "pull") * 2 + motions.GESTURES
"""What is played: `other motion` is many things, and what comes or goes is learnt last, so these come more often."""
HAND_MIXTURE = (
    *(motions.OTHER_MOTION,) * 4,
    *("swipe up", "swipe down") * 2,
    *motions.TOWARD,
    *motions.SENSE,
    "push",
    "pull",
    "wave",
    *motions.GESTURES,
)
"""What forearms play: strokes come oftener, along most arms oftenest, since most are slow and few fit into a stream."""

REAL_SHARE = 0.06
"""Share of the streams of training that show a real video instead."""
FOOTAGE_SHARE = 0.06
"""Share of the streams of training that show one's own footage, where there is some."""
SIGNING_SHARE = 0.08
"""Share of the streams of training in which somebody signs: hands that move and mean none of the gestures."""
WAVING_SHARE = 0.1
"""Share of the streams of training in which somebody seen whole waves, or only raises an arm."""
BY_HAND_SHARE = 0.5
"""Share of the other streams of training in which a forearm gestures that reaches in from the picture's edge."""
UPRIGHT_SHARE = 0.6
"""Share of the streams of forearms that are not turned: most arms come from below."""
WORN = 0.25
"""Heights: how far a camera shakes that is worn or held in the other hand; one that stands trembles by far less."""
ALIVE_SHARE = 0.1
"""Share of the other streams of training before a real video that goes on: not all that is real is `other motion`."""
BEFORE_FOOTAGE_SHARE = 0.4
"""Share of the other streams of training that are filmed before a picture of one's own footage, where there is some."""
HIDDEN_SHARE = 0.15
"""Share of the streams with something in front, behind which a mover is hidden for a while."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A training sample."""

    frames: npt.NDArray[np.uint8]
    """(T, S, S, 3) RGB."""
    labels: npt.NDArray[np.int64]
    """(T,) indices into `motions.LABELS`, or `gestures.IGNORE`."""
    events: tuple[gestures.Event, ...]
    """What is played."""


def stream(
    seed: tuple[int, ...],
    frames: int,
    difficulty: float = 1.0,
    split: str = "training",
    *,
    is_upright: bool = False,
    footage: Sequence[reality.Video] = (),
    **changes: Any,
) -> Stream:
    """Make one stream; the same seed gives the same stream.

    Args:
        seed: any number of whole numbers.
        frames: count.
        difficulty: in [0, 1]: how likely each of these is: small movers, rich backgrounds, a bad camera.
        split: training or evaluation.
        footage: real videos in which nobody gestures, of which FOOTAGE_SHARE of the streams of training are made;
            others are filmed before its pictures.
        is_upright: show it as it is played, so that the script's classes are its labels; else mirrored and turned.
        changes: to its `gestures.Script`.
    """
    rng = np.random.default_rng(seed)
    kind = rng.random() if split == "training" and not changes else 1.0
    if footage and split == "training" and rng.random() < FOOTAGE_SHARE:
        return _face(rng, _real(rng, frames, footage))
    if kind < REAL_SHARE:
        return _face(rng, _real(rng, frames))
    aspect = float(np.exp(rng.normal(math.log(4 / 3), 0.25)))
    is_by_hand = split == "training" and not changes and rng.random() < BY_HAND_SHARE
    is_small, is_rich, is_shaken, is_bad = rng.random(4) < difficulty * (0.8 if is_by_hand else 1.0)
    size = None if is_small else rng.uniform(0.3, 0.6)
    script = gestures.Script(classes=MIXTURE, pause_s=_pauses(rng), aspect=aspect, size=size)
    is_of_people = kind < REAL_SHARE + SIGNING_SHARE + WAVING_SHARE
    make: cutouts.Make = cutouts.cutout
    looks: tuple[cutouts.Look, ...] = ()
    if is_of_people:
        people = signing if kind < REAL_SHARE + SIGNING_SHARE else waving
        played, looks = people.session(rng, frames, FPS, aspect, TICKS)
    elif is_by_hand:
        script, make = _by_hand(rng, script)
        played = gestures.session(rng, frames, FPS, script, TICKS)
    else:
        played = gestures.session(rng, frames, FPS, replace(script, **changes), TICKS)
    shutter = _Shutter(
        aspect,
        _shake(rng, frames * TICKS, (WORN if is_by_hand else 0.045) * is_shaken),
        _shake(rng, frames * TICKS, 0.006 * is_shaken),
        _moments(rng, frames, is_bad),
        int(rng.integers(1, TICKS + 1)),
        rng.uniform(0, 0.5) * is_bad,
        rng.uniform(0, 0.5) if is_by_hand else 1.0,
    )
    behind = partial(_backdrop, rng, split, is_rich)
    if footage and split == "training" and rng.random() < BEFORE_FOOTAGE_SHARE:
        behind = partial(_footage, rng, footage)
    scenes = _scenes(rng, played, split, is_rich, looks, make, behind)
    labels = played.labels
    if split == "training" and not is_of_people and rng.random() < ALIVE_SHARE * is_rich:
        scenes, labels = [_alive(rng, scenes[0], frames, footage)], _unless_still(labels)
    clip = _film(played, scenes, shutter)
    made = Stream(camera.film(rng, clip) if is_bad else camera.develop(clip), labels, played.events)
    if is_upright:
        return made
    may_turn = not (is_by_hand and rng.random() < UPRIGHT_SHARE) and not (is_of_people and people is waving)
    return _face(rng, made, may_turn=may_turn)


def _by_hand(rng: Rng, script: gestures.Script) -> tuple[gestures.Script, cutouts.Make]:
    """Let a forearm play a script, there from the first frame in half of the streams; return what makes it."""
    lean = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.1, 1.0) if rng.random() < 0.75 else rng.normal(0, 0.2))
    size = script.size or float(np.exp(rng.uniform(math.log(0.3), math.log(0.85))))
    is_present = rng.random() < 0.5
    changed = replace(script, classes=HAND_MIXTURE, act=handmotions.act, size=size, is_present=is_present, edge=lean)
    return changed, lambda rng, split: forearms.forearm(rng, lean, cutouts.WARDROBES[split])


def _real(rng: Rng, frames: int, known: Sequence[reality.Video] = ()) -> Stream:
    clip, labels = reality.clip(rng, frames, FPS, SIDE_PX, known)
    return Stream(camera.film(rng, np.asarray(clip / np.float32(255))), labels, ())


def _pauses(rng: Rng) -> tuple[float, float]:
    return (0.12, 0.4) if rng.random() < 0.7 else (0.2, 1.2)


def _face(rng: Rng, made: Stream, *, may_turn: bool = True) -> Stream:
    """Mirror and turn a stream at random, and its answers with it: what is up for one camera is left for another."""
    frames, names = made.frames, dict(zip(motions.LABELS, motions.LABELS, strict=True))
    if rng.random() < 0.5:
        frames, names = frames[:, :, ::-1], {label: motions.mirrored(name) for label, name in names.items()}
    for _ in range(int(rng.integers(4)) * may_turn):
        frames, names = np.rot90(frames, axes=(1, 2)), {label: motions.turned(name) for label, name in names.items()}
    indices = np.array([motions.LABELS.index(name) for name in names.values()])
    labels = np.where(made.labels == gestures.IGNORE, gestures.IGNORE, indices[made.labels])
    events = tuple(replace(event, label=names[event.label]) for event in made.events)
    return Stream(np.ascontiguousarray(frames), labels, events)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is filmed."""

    begin: int
    """Frame it is first seen in: a later one is a cut."""
    backdrops: Canvas
    """(N, H, W, 3) what lies behind: the same all the time, or a picture for every frame."""
    looks: tuple[cutouts.Look, ...]
    """What the movers look like; () for one that is never there."""
    front: tuple[tuple[sprites.Sprite, Path], ...] = ()
    """What stands in front, and its (5,) pose."""


@dataclass(frozen=True, slots=True)
class _Shutter:
    """How it is filmed."""

    aspect: float
    """Width of the scene over its height, before it is stretched to a square."""
    shake: Path
    """(T * ticks, 2) heights: of the camera."""
    tremor: Path
    """(T * ticks, 2) heights: of the movers."""
    moments: npt.NDArray[np.int64]
    """(T,) tick at which each frame's exposure ends."""
    exposure: int
    """Ticks of each frame during which light falls in."""
    roll: float
    """Of a frame's interval: how much later the last row is read than the first."""
    shaken: float
    """Share of the camera's shaking that the movers show; less where camera and hand are of one body."""


def _scenes(
    rng: Rng,
    played: gestures.Session,
    split: str,
    is_rich: bool,
    looks: tuple[cutouts.Look, ...],
    make: cutouts.Make,
    behind: Callable[[], Canvas],
) -> list[_Scene]:
    """Dress a session, in the looks if there are any; one in ten is cut to another scene while nothing moves."""
    begins = [0]
    still = np.flatnonzero(played.labels == motions.LABELS.index(motions.NO_MOTION))
    if len(still) and not looks and rng.random() < 0.1:
        begins.append(int(rng.choice(still)))
    return [_scene(rng, begin, played, split, is_rich, looks, make, behind) for begin in begins]


def _scene(
    rng: Rng,
    begin: int,
    played: gestures.Session,
    split: str,
    is_rich: bool,
    looks: tuple[cutouts.Look, ...],
    make: cutouts.Make,
    behind: Callable[[], Canvas],
) -> _Scene:
    backdrop = behind()
    colour = backdrop.mean(axis=(0, 1))
    looks = looks or tuple(
        cutouts.contrasting(rng, split, colour, make) if poses[:, ALPHA].any() else () for poses in played.movers
    )
    front = occluders.before(rng, played, split, FPS * TICKS) if rng.random() < HIDDEN_SHARE * is_rich else ()
    return _Scene(begin, backdrop[None], looks, front)


def _alive(rng: Rng, scene: _Scene, frames: int, footage: Sequence[reality.Video]) -> _Scene:
    """Put a real video that goes on behind a scene: in half of the cases one's own, where there is some."""
    known = footage if rng.random() < 0.5 else ()
    clip, _ = reality.clip(rng, frames, FPS, SIDE_PX * 3 // 2, known)
    return replace(scene, backdrops=np.asarray(clip / np.float32(255)))


def _unless_still(labels: gestures.Labels) -> gestures.Labels:
    """Say nothing where all that moves is the background."""
    return np.where(labels == motions.LABELS.index(motions.NO_MOTION), gestures.IGNORE, labels)


def _film(played: gestures.Session, scenes: list[_Scene], shutter: _Shutter) -> Canvas:
    """Draw every frame: (T, S, S, 3) in [0, 1]."""
    movers, camera_path = played.movers.copy(), played.camera + shutter.shake
    movers[:, :, :2] += shutter.tremor - shutter.shaken * shutter.shake
    clip = np.empty((len(played.labels), SIDE_PX, SIDE_PX, 3), np.float32)
    ends = [scene.begin for scene in scenes[1:]] + [len(clip)]
    phases = _phases(played.movers)
    for scene, end in zip(scenes, ends, strict=True):
        drawn = _layers(scene, movers, camera_path, phases)
        for index in range(scene.begin, end):
            last = int(shutter.moments[index])
            span = slice(max(0, last - shutter.exposure), last)
            backdrop, seen = scene.backdrops[index % len(scene.backdrops)], camera_path[span]
            clip[index] = sprites.look(backdrop, seen, SIDE_PX, SIDE_PX, shutter.aspect, _lean(seen, shutter))
            for cut, poses, phase in drawn:
                window = poses[span]
                sprites.paste(clip[index], _bent(cut, phase[last - 1]), window, shutter.aspect, _lean(window, shutter))
    return clip


def _layers(
    scene: _Scene, movers: Path, camera_path: Path, phases: Path
) -> list[tuple[tuple[sprites.Sprite, ...], Path, Path]]:
    """List what is pasted, from the back to the front: phases of a sprite, its poses, and its (N,) phase."""
    found = [
        (cut, poses, phase)
        for look, path, phase in zip(scene.looks, movers, phases, strict=True)
        if look
        for cut, poses in cutouts.layers(look, path)
    ]
    for thing, pose in scene.front:
        poses = np.repeat(pose[None], len(camera_path), 0)
        poses[:, :2] -= camera_path
        found.append(((thing,), poses, np.zeros(len(poses))))
    return found


def _lean(window: Path, shutter: _Shutter) -> Path:
    """Say how far something goes, (2,), while the shutter reads a whole height of the picture."""
    return np.asarray(shutter.roll * TICKS * (window[-1, :2] - window[0, :2]) / max(1, len(window) - 1))


def _moments(rng: Rng, frames: int, is_bad: bool) -> npt.NDArray[np.int64]:
    """Say when each frame is taken; a bad camera is uneven, and shows a frame twice now and then."""
    moments = np.arange(1, frames + 1) * TICKS
    if is_bad and rng.random() < 0.3:
        moments = moments + rng.integers(-1, 1, frames)
        twice = np.flatnonzero(rng.random(frames - 1) < 0.04) + 1
        moments[twice] = moments[twice - 1]
    return moments


def _phases(movers: Path) -> Path:
    """Say how far each mover has gone, (MOVERS, N): who moves strides, who stands stands."""
    change = np.abs(np.diff(movers[:, :, :4], axis=1, prepend=movers[:, :1, :4])) @ np.array([1.0, 1.0, 0.7, 0.15])
    return np.asarray(np.cumsum(np.minimum(change, 0.2), axis=1) * STRIDES)


def _bent(phases: tuple[sprites.Sprite, ...], phase: float) -> sprites.Sprite:
    """Choose a phase: there and back again."""
    turn = round(phase) % max(1, 2 * len(phases) - 2)
    return phases[min(turn, 2 * len(phases) - 2 - turn)]


def _shake(rng: Rng, ticks: int, most: float) -> Path:
    """Tremble or drift a little, on both axes: (N, 2) heights. Half of the cameras stand still."""
    t = np.arange(ticks) / (FPS * TICKS)
    size = rng.exponential(most / 2) * (rng.random() < 0.6)
    rates, phases = np.exp(rng.uniform(math.log(0.05), math.log(3.0), (3, 2))), rng.uniform(0, 2 * math.pi, (3, 2))
    waves = np.sin(2 * math.pi * rates * t[:, None, None] + phases) - np.sin(phases)
    return np.asarray(min(size, 1.5 * most) / 2 * waves.mean(axis=1))


def _backdrop(rng: Rng, split: str, is_rich: bool) -> Canvas:
    """A crop of a picture, half as large again as what is seen; now and then drawn or blurred; pale unless rich."""
    side_px = SIDE_PX * 3 // 2
    crop = scenery.crop(rng, split, side_px, 0.35)
    if split == "training" and rng.random() < 0.2:
        crop = sprites.room(rng, side_px, side_px)
    if rng.random() < 0.3:
        crop = camera.defocus(crop, int(rng.integers(2, 9)))
    contrast, middle = rng.uniform(0.5, 1.1) * (1.0 if is_rich else 0.3), rng.uniform(0.3, 0.6)
    return np.asarray(np.clip((crop - 0.5) * contrast + middle, 0, 1), np.float32)


def _footage(rng: Rng, footage: Sequence[reality.Video]) -> Canvas:
    """A part of a picture of real footage, lit a little otherwise, as large as `_backdrop`."""
    still = reality.still(rng, SIDE_PX * 3 // 2, footage) / np.float32(255)
    return np.asarray(np.clip(still * rng.uniform(0.7, 1.2), 0, 1), np.float32)
