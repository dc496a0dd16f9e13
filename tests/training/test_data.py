"""What a model learns from, and what it is measured on."""

import numpy as np
import pytest

from stream import motions
from stream.gestures import IGNORE
from stream.training import cutouts, gestures, scenery


def test_a_stream_is_made_from_its_seed_alone() -> None:
    first, second, other = gestures.stream((1, 2), 12), gestures.stream((1, 2), 12), gestures.stream((1, 3), 12)
    assert np.array_equal(first.frames, second.frames)
    assert np.array_equal(first.labels, second.labels)
    assert not np.array_equal(first.frames, other.frames)


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
    for table in (scenery.PICTURES, scenery.VIDEOS, cutouts.SHAPES, cutouts.TEXTURES):
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


def test_what_is_easy_is_calmer_than_what_is_hard() -> None:
    def flutter(difficulty: float) -> float:
        made = [gestures.stream((seed,), 10, difficulty, classes=("push",), pause_s=(3, 4)) for seed in range(12)]
        return float(np.mean([np.abs(np.diff(stream.frames.astype(float), axis=0)).mean() for stream in made]))

    assert flutter(0.0) < 0.5 * flutter(1.0)
