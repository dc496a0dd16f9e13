"""Real videos as what is no gesture."""

import numpy as np

from stream.play import motions
from stream.play.gestures import IGNORE
from stream.training import reality

NO_MOTION, OTHER_MOTION = (motions.LABELS.index(label) for label in (motions.NO_MOTION, motions.OTHER_MOTION))
CLIPS = [reality.clip(np.random.default_rng(seed), 60, 10.0, 80) for seed in range(12)]


def change(frames: reality.Frames, at: int, back: int) -> float:
    return float(np.abs(frames[at].astype(float) - frames[at - back]).mean())


def test_a_clip_is_made_from_its_seed_alone() -> None:
    frames, labels = reality.clip(np.random.default_rng(3), 60, 10.0, 80)
    assert frames.shape == (60, 80, 80, 3)
    assert np.array_equal(frames, CLIPS[3][0])
    assert np.array_equal(labels, CLIPS[3][1])


def test_no_motion_is_said_of_pictures_that_have_stood_and_other_motion_of_those_that_moved() -> None:
    said = {NO_MOTION: 0, OTHER_MOTION: 0}
    for frames, labels in CLIPS:
        assert set(labels) <= {IGNORE, NO_MOTION, OTHER_MOTION}
        for at in np.flatnonzero(labels != IGNORE):
            said[int(labels[at])] += 1
            assert (change(frames, at, 5) > reality.LEAST_MOTION) == (labels[at] == OTHER_MOTION)
            if labels[at] == NO_MOTION:
                assert change(frames, at, 1) == 0
    assert min(said.values()) > 20


def test_nothing_is_said_before_a_viewer_could_tell() -> None:
    assert all((labels[: reality.SETTLE] == IGNORE).all() for _, labels in CLIPS)
