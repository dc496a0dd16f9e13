"""Forearms that reach in from the picture's edge: what is drawn where."""

from dataclasses import replace

import numpy as np
import pytest

from stream.play.paths import ANGLE, SIZE, Path, X, Y
from stream.training import cutouts, forearms, gestures
from stream.training.forearms import LENGTH, Forearm


def made(lean: float, seed: int = 0, **changes: float) -> Forearm:
    return replace(forearms.forearm(np.random.default_rng(seed), lean, cutouts.WARDROBES["training"]), **changes)


def way(*places: tuple[float, float], size: float = 0.4) -> Path:
    poses = np.zeros((len(places), 5))
    poses[:, [X, Y]] = places
    poses[:, [SIZE, 4]] = size, 1.0
    return poses


def ends(arm: Path) -> tuple[Path, Path]:
    """Say where the drawn arm begins and ends."""
    half = 0.5 * arm[:, [SIZE]] * np.stack([-np.sin(arm[:, ANGLE]), np.cos(arm[:, ANGLE])], 1)
    return arm[:, :2] - half, arm[:, :2] + half


@pytest.mark.parametrize("lean", [-1.0, -0.3, 0.0, 0.5, 1.0])
def test_the_arm_begins_at_the_wrist_and_leaves_the_picture_below_on_the_side_that_it_leans_to(lean: float) -> None:
    places = [(0.0, -0.45), (0.0, 0.0), (0.2, 0.3), (-0.3, 0.1)]
    (_, arm), (_, hand) = forearms.layers(made(lean, follow=1.0, turn=1.0, far=1.3), way(*places))
    wrist, end = ends(arm)
    assert np.allclose(np.hypot(*(wrist - hand[:, :2]).T), forearms.WRIST * 0.4)
    assert (end[:, 1] > 0.5).all()
    assert np.allclose(arm[:, SIZE], LENGTH)
    if abs(lean) > 0.2:
        assert (np.sign(end[:, 0] - wrist[:, 0]) == np.sign(lean)).all()


def test_a_far_end_that_follows_keeps_the_arm_s_direction_and_one_that_does_not_turns_it() -> None:
    places = way(*[(x, -0.1) for x in np.linspace(-0.4, 0.4, 9)])
    turns = {}
    for follow in (0.0, 1.0):
        (_, arm), _ = forearms.layers(made(0.0, follow=follow, turn=0.0, far=1.0), places)
        turns[follow] = float(np.ptp(arm[:, ANGLE]))
    assert turns[1.0] == pytest.approx(0, abs=1e-6)
    assert turns[0.0] > 0.5


def test_a_larger_hand_has_a_thicker_arm() -> None:
    def girth(size: float) -> float:
        (phases, _), _ = forearms.layers(made(0.0), way((0, 0), size=size))
        return float(phases[0].levels[0][64, :, 3].sum())

    assert girth(0.6) == pytest.approx(2 * girth(0.3), rel=0.1)


def test_many_streams_of_training_show_forearms_and_none_of_the_evaluation_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, shown = forearms.forearm, list[int]()
    monkeypatch.setattr(forearms, "forearm", lambda *given: shown.append(1) or real(*given))
    for seed in range(30):
        gestures.stream((8, seed), 4, split="evaluation")
        gestures.stream((8, seed), 4, classes=("push",))
    assert not shown
    for seed in range(30):
        gestures.stream((8, seed), 4)
    assert len(shown) >= 8
