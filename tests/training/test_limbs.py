"""Arms with an elbow: what follows the hand, and how."""

from dataclasses import replace

import numpy as np
import pytest

from stream.play.paths import ANGLE, SIZE, Path, X, Y
from stream.training import cutouts, limbs
from stream.training.limbs import FOREARM, UPPER_ARM, WRIST, Arm

SHOULDER = np.array([0.1, 0.2])
REACH = FOREARM + UPPER_ARM


def arm(seed: int = 0, *, has_body: bool = True) -> Arm:
    made = cutouts.arm(np.random.default_rng(seed), "training")
    return replace(made, body=made.hand[0] if has_body else None)


def way(*places: tuple[float, float]) -> Path:
    """A hand of a fifth of the picture's height that goes from place to place, seen from the shoulder, in its sizes."""
    hand = np.zeros((len(places), 5))
    hand[:, [X, Y]] = SHOULDER + 0.2 * np.array(places) - [0, 0.2 * WRIST]
    hand[:, [SIZE, 4]] = 0.2, 1.0
    return hand


def joints(made: Arm, hand: Path) -> tuple[Path, Path, Path]:
    """Measure where shoulder, elbow and wrist are from what is drawn: the ends of the bones."""
    *_, (_, upper), (_, fore), _ = limbs.layers(made, hand)

    def ends(bone: Path) -> tuple[Path, Path]:
        half = 0.35 * bone[:, [SIZE]] * np.stack([-np.sin(bone[:, ANGLE]), np.cos(bone[:, ANGLE])], 1)
        return bone[:, :2] - half, bone[:, :2] + half

    (elbow, shoulder), (wrist, again) = ends(upper), ends(fore)
    assert np.allclose(elbow, again)
    return shoulder, elbow, wrist


@pytest.mark.parametrize("bend", [-1.0, 1.0])
def test_bones_keep_their_length_and_meet_at_the_elbow_while_the_hand_is_in_reach(bend: float) -> None:
    hand = way((0.4, -1.0), (1.0, -1.2), (1.5, -0.5), (0.2, -0.3))
    shoulder, elbow, wrist = joints(replace(arm(), shoulder=SHOULDER, bend=bend), hand)
    assert np.allclose(shoulder, SHOULDER)
    assert np.allclose(wrist, hand[:, :2] + [0, 0.2 * WRIST])
    assert np.allclose(np.hypot(*(elbow - shoulder).T), 0.2 * UPPER_ARM)
    assert np.allclose(np.hypot(*(wrist - elbow).T), 0.2 * FOREARM)


def test_the_elbow_bends_as_the_hand_comes_to_the_shoulder_and_on_its_own_side() -> None:
    hand = way((0.0, -REACH * 0.98), (0.0, -1.5), (0.0, -0.8))
    sides = {}
    for bend in (-1.0, 1.0):
        shoulder, elbow, _ = joints(replace(arm(), shoulder=SHOULDER, bend=bend), hand)
        sides[bend] = (elbow - shoulder)[:, 0]
        assert np.all(np.diff(np.abs(sides[bend])) > 0.01)
    assert np.allclose(sides[1.0], -sides[-1.0])


def test_a_hand_that_goes_too_far_takes_the_body_along() -> None:
    hand = way((0.0, -1.0), (0.0, -5.0))
    shoulder, _, wrist = joints(replace(arm(), shoulder=SHOULDER), hand)
    assert np.allclose(shoulder[0], SHOULDER)
    assert np.hypot(*(shoulder[1] - wrist[1])) == pytest.approx(0.99 * 0.2 * REACH)
    assert shoulder[1, 1] < SHOULDER[1]


def test_a_shoulder_stays_from_when_a_hand_comes_until_it_goes_and_is_elsewhere_when_it_comes_again() -> None:
    hand = way((0.0, 0.0), (0.3, 0.1), (0.0, 0.0), (9.0, 0.0), (9.2, 0.2))
    hand[2, 4] = 0
    shoulder, _, _ = joints(replace(arm(), rest=(0.5, 1.2)), hand)
    assert np.allclose(shoulder[0], shoulder[1])
    assert np.allclose(shoulder[3], shoulder[4])
    assert abs(shoulder[3, 0] - shoulder[0, 0]) > 1


def test_the_hand_is_drawn_last_and_goes_its_own_way() -> None:
    made, hand = arm(), way((0.4, -1.0), (1.0, -1.2))
    found = limbs.layers(made, hand)
    assert len(found) == 4
    assert len(limbs.layers(arm(has_body=False), hand)) == 3
    assert found[-1][0] is made.hand
    assert found[-1][1] is hand
