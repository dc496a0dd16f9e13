"""What a model learns from, and what it is measured on."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch

from stream.play import motions
from stream.play.gestures import IGNORE
from stream.play.sprites import Sprite
from stream.training import camera, cutouts, gestures, limbs, people, reality, scenery
from stream.training.streams import FitSettings, batches


def test_a_stream_is_made_from_its_seed_alone() -> None:
    first, second, other = gestures.stream((1, 2), 12), gestures.stream((1, 2), 12), gestures.stream((1, 3), 12)
    assert np.array_equal(first.frames, second.frames)
    assert np.array_equal(first.labels, second.labels)
    assert not np.array_equal(first.frames, other.frames)


def test_two_processes_make_the_batches_that_one_makes() -> None:
    made = [
        list(batches(gestures.stream, FitSettings(streams=6, batch=2, frames=4, parts=1, workers=workers), done=1))
        for workers in (0, 2)
    ]
    assert len(made[0]) == len(made[1]) == 2
    for one, other in zip(*made, strict=True):
        assert all(torch.equal(first, second) for first, second in zip(one, other, strict=True))


@pytest.mark.parametrize("split", ["training", "evaluation"])
@pytest.mark.parametrize("difficulty", [0.0, 1.0])
def test_a_stream_has_pictures_and_answers_for_its_frames(split: str, difficulty: float) -> None:
    made = gestures.stream((7,), 15, difficulty, split)
    assert made.frames.shape == (15, gestures.SIDE_PX, gestures.SIDE_PX, 3)
    assert made.frames.dtype == np.uint8
    assert made.frames.std() > 2
    assert made.labels.shape == (15,)
    assert ((made.labels >= IGNORE) & (made.labels < len(motions.LABELS))).all()


def test_the_evaluation_shares_no_picture_shape_or_texture_with_training() -> None:
    worn = {split: (wardrobe.skin, wardrobe.cloth) for split, wardrobe in cutouts.WARDROBES.items()}
    for table in (scenery.PICTURES, scenery.VIDEOS, cutouts.SHAPES, cutouts.TEXTURES, worn):
        assert set(table) == {"training", "evaluation"}
        assert table["training"]
        assert table["evaluation"]
        assert not set(table["training"]) & set(table["evaluation"])


def test_no_picture_of_one_split_is_a_copy_of_one_of_the_other() -> None:
    def small(split: str) -> np.ndarray:
        return np.stack(
            [picture[:: picture.shape[0] // 8, :: picture.shape[1] // 8][:8, :8] for picture in scenery.pictures(split)]
        )

    training, evaluation = small("training").astype(float), small("evaluation").astype(float)
    distances = np.abs(training[:, None] - evaluation[None]).mean(axis=(2, 3, 4))
    assert distances.min() > 5


def test_a_texture_of_the_evaluation_is_cut_from_its_own_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()
    real = scenery.pictures
    monkeypatch.setattr(scenery, "pictures", lambda split: asked.append(split) or real(split))
    for seed in range(30):
        cutouts.cutout(np.random.default_rng(seed), "evaluation")
    assert set(asked) == {"evaluation"}


def test_a_stream_turned_or_mirrored_has_its_answers_turned_or_mirrored_with_it() -> None:
    """Where a lone swipe goes is measured in its pictures, and must be what its label says."""
    checked = 0
    for seed in range(60):
        made = gestures.stream((seed,), 30, 0.0, classes=("swipe right",), pause_s=(0.6, 0.8))
        frames = made.frames.astype(float)
        for event in made.events[:1]:
            begin, end = round(event.begin_s * 10), round(event.end_s * 10)
            first, last = (np.abs(frames[at] - frames[at - 1]).sum(2) for at in (begin + 1, end - 1))
            if min(first.max(), last.max()) < 60:
                continue
            x, y = centre(last) - centre(first)
            way = ("right" if x > 0 else "left") if abs(x) > abs(y) else ("down" if y > 0 else "up")
            checked += f"swipe {way}" == event.label
    assert checked >= 20


def test_an_upright_stream_shows_the_classes_it_was_asked_for() -> None:
    for seed in range(12):
        made = gestures.stream((seed,), 40, is_upright=True, classes=("swipe left",))
        assert {event.label for event in made.events} <= {"swipe left"}


def centre(weight: np.ndarray) -> np.ndarray:
    """Centre of mass of an (S, S) picture: x and y."""
    rows, columns = np.indices(weight.shape)
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


def test_a_figure_strides_while_it_moves_and_not_while_it_stands() -> None:
    path = np.zeros((1, 20, 5))
    path[0, :10, 0] = np.linspace(0, 0.5, 10)
    path[0, 10:, 0] = 0.5
    phases = gestures._phases(path)
    assert phases[0, 9] > 3
    assert np.ptp(phases[0, 10:]) == 0


@pytest.mark.parametrize("make", [people.person, people.arm])
def test_every_phase_of_a_figure_differs_from_the_next(
    make: Callable[[np.random.Generator], tuple[Sprite, ...]],
) -> None:
    for seed in range(5):
        phases = make(np.random.default_rng(seed))
        assert len(phases) == people.PHASE_COUNT
        for one, other in itertools.pairwise(phases):
            assert np.abs(one.levels[0] - other.levels[0]).mean() > 1e-3


@pytest.mark.parametrize("split", ["training", "evaluation"])
def test_people_and_arms_are_in_both_splits_and_look_otherwise(split: str) -> None:
    looks = [cutouts.cutout(np.random.default_rng(seed), split) for seed in range(80)]
    assert sum(isinstance(look, limbs.Arm) for look in looks) >= 6
    assert sum(len(look) == people.PHASE_COUNT for look in looks if isinstance(look, tuple)) >= 12
    mine, other = (cutouts.WARDROBES[name] for name in (split, {"training": "evaluation"}.get(split, "training")))
    one, two = (people.person(np.random.default_rng(5), wardrobe)[0].levels[0] for wardrobe in (mine, other))
    assert np.abs(one - two).mean() > 0.01


def test_a_stream_before_a_real_video_says_nothing_while_only_the_video_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gestures, "ALIVE_SHARE", 1.0)
    made = [gestures.stream((seed,), 20, 1.0, classes=("push",), pause_s=(0.6, 0.8)) for seed in range(6)]
    quiet = motions.LABELS.index(motions.NO_MOTION)
    assert all((stream.labels != quiet).all() for stream in made)
    assert all(np.abs(np.diff(stream.frames[:5].astype(float), axis=0)).mean() > 0.3 for stream in made)


def test_a_bad_camera_changes_pictures_but_neither_their_number_nor_their_size() -> None:
    rng, clip = np.random.default_rng(0), np.random.default_rng(1).random((6, 80, 80, 3), np.float32)
    for _ in range(20):
        assert camera.film(rng, clip).shape == clip.shape


def test_a_codec_gives_every_frame_back_in_its_place() -> None:
    ramp = np.stack([np.full((80, 80, 3), 20 * index, np.uint8) for index in range(12)])
    again = camera._h264(ramp, 20)
    assert np.abs(again.astype(int) - ramp).max() < 12


def test_what_is_easy_is_calmer_than_what_is_hard() -> None:
    def flutter(difficulty: float) -> float:
        made = [gestures.stream((seed,), 10, difficulty, classes=("push",), pause_s=(3, 4)) for seed in range(12)]
        return float(np.mean([np.abs(np.diff(stream.frames.astype(float), axis=0)).mean() for stream in made]))

    assert flutter(0.0) < 0.5 * flutter(1.0)


def test_some_streams_of_training_show_a_real_video_and_none_of_the_evaluation_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, shown = reality.clip, list[int]()
    monkeypatch.setattr(gestures, "ALIVE_SHARE", 0)
    monkeypatch.setattr(reality, "clip", lambda rng, *rest: shown.append(1) or real(rng, *rest))
    for seed in range(60):
        gestures.stream((8, seed), 4, split="evaluation")
        gestures.stream((8, seed), 4, classes=("push",))
    assert not shown
    for seed in range(100):
        gestures.stream((8, seed), 4)
    assert 2 <= len(shown) <= 14
