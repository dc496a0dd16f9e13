"""Somebody who signs: hands that mean none of the gestures."""

import numpy as np
import pytest

from stream.play import motions
from stream.play.gestures import IGNORE
from stream.play.paths import X, Y
from stream.training import gestures, limbs, signing

FPS, TICKS = 10.0, 4
NO_MOTION, OTHER_MOTION = (motions.LABELS.index(label) for label in (motions.NO_MOTION, motions.OTHER_MOTION))
PLAYED = [signing.session(np.random.default_rng(seed), 60, FPS, 1.3, TICKS) for seed in range(12)]


def test_a_session_is_made_from_its_seed_alone() -> None:
    again, _ = signing.session(np.random.default_rng(3), 60, FPS, 1.3, TICKS)
    assert np.array_equal(again.movers, PLAYED[3][0].movers)
    assert np.array_equal(again.labels, PLAYED[3][0].labels)


def test_hands_have_rested_where_the_answer_is_no_motion_and_have_moved_where_it_is_other() -> None:
    said = {NO_MOTION: 0, OTHER_MOTION: 0}
    for session, _ in PLAYED:
        assert session.movers.shape == (4, 60 * TICKS, 5)
        assert session.events == ()
        hands = session.movers[:2, TICKS - 1 :: TICKS, [X, Y]]
        for at in np.flatnonzero(session.labels != IGNORE):
            label, since = int(session.labels[at]), max(0, at - 7)
            assert label in said
            said[label] += 1
            way = np.ptp(hands[:, since : at + 1], axis=1).max()
            assert way < 1e-9 if label == NO_MOTION else way > 0.005
    assert min(said.values()) > 50


def test_both_arms_hang_from_one_body_a_shoulder_apart() -> None:
    for session, looks in PLAYED:
        right, left = looks[:2]
        assert isinstance(right, limbs.Arm)
        assert isinstance(left, limbs.Arm)
        assert right.body is not None
        assert left.body is None
        size = session.movers[0, 0, 2]
        assert right.shoulder[0] - left.shoulder[0] == pytest.approx(2 * limbs.SHOULDERS * size)


def test_some_streams_of_training_show_somebody_who_signs_and_none_of_the_evaluation_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, shown = signing.session, list[int]()
    monkeypatch.setattr(signing, "session", lambda *given: shown.append(1) or real(*given))
    for seed in range(60):
        gestures.stream((8, seed), 4, split="evaluation")
    assert not shown
    for seed in range(100):
        gestures.stream((8, seed), 4)
    assert 3 <= len(shown) <= 16
