"""Somebody seen whole who waves, or only raises an arm."""

import numpy as np
import pytest

from stream.play import motions
from stream.play.gestures import IGNORE
from stream.play.paths import X, Y
from stream.training import gestures, limbs, waving

FPS, TICKS = 10.0, 4
NO_MOTION, OTHER_MOTION, WAVE = (motions.LABELS.index(label) for label in ("no motion", "other motion", "wave"))
PLAYED = [waving.session(np.random.default_rng(seed), 80, FPS, 1.3, TICKS) for seed in range(32)]


def test_a_session_is_made_from_its_seed_alone() -> None:
    again, _ = waving.session(np.random.default_rng(3), 80, FPS, 1.3, TICKS)
    assert np.array_equal(again.movers, PLAYED[3][0].movers)
    assert np.array_equal(again.labels, PLAYED[3][0].labels)


def test_a_wave_is_told_where_a_hand_has_turned_back_twice_and_no_motion_where_both_hang() -> None:
    said = {NO_MOTION: 0, OTHER_MOTION: 0, WAVE: 0}
    for session, _ in PLAYED:
        hands = session.movers[:2, TICKS - 1 :: TICKS, [X, Y]]
        size = session.movers[0, 0, 2]
        for at in np.flatnonzero(session.labels != IGNORE):
            label = int(session.labels[at])
            said[label] += 1
            if label == WAVE and at >= 20:  # sooner only where the stream began amid a slow one
                past = np.diff(hands[:, max(0, at - 30) : at + 1, 0], axis=1)
                assert (np.diff(np.sign(past), axis=1) != 0).sum(1).max() >= 2
            if label == NO_MOTION and at >= 2:
                assert np.ptp(hands[:, at - 2 : at + 1], axis=1).max() < 0.5 * size, "they only sway"
    assert min(said.values()) > 30


def test_both_arms_hang_from_one_body_and_stay_within_reach() -> None:
    for session, looks in PLAYED:
        right, left = looks[:2]
        assert isinstance(right, limbs.Arm)
        assert isinstance(left, limbs.Arm)
        assert (right.body is None, left.body is None) == (False, True)
        size = session.movers[0, 0, 2]
        assert right.shoulder[0] - left.shoulder[0] == pytest.approx(2 * limbs.SHOULDERS * size)
        for arm, way in ((right, session.movers[0]), (left, session.movers[1])):
            assert np.hypot(*(way[:, :2] - arm.shoulder).T).max() < 1.2 * waving.REACH * size


def test_some_streams_of_training_show_somebody_who_waves_and_none_of_the_evaluation_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, shown = waving.session, list[int]()
    monkeypatch.setattr(waving, "session", lambda *given: shown.append(1) or real(*given))
    for seed in range(40):
        gestures.stream((8, seed), 4, split="evaluation")
    assert not shown
    for seed in range(80):
        gestures.stream((8, seed), 4)
    assert 2 <= len(shown) <= 18
