"""Things in front: what they hide, and for how long at most."""

import numpy as np
import pytest

from stream.play import gestures, sprites
from stream.play.gestures import Script
from stream.training import gestures as films
from stream.training import occluders

RATE = 40.0
POST = sprites.sprite(sprites.soft(sprites.capsule(0, -0.8, 0, 0.8, 0.15)), np.ones((64, 64, 3), np.float32))


def played(seed: int) -> gestures.Session:
    script = Script(classes=("swipe left", "swipe right"), pause_s=(0.2, 0.4))
    return gestures.session(np.random.default_rng(seed), 40, 10.0, script)


def crossing() -> gestures.Session:
    """Something that goes from the left to the right at an even pace in a second."""
    movers = np.zeros((4, 40, 5))
    movers[0, :, 0], movers[0, :, 2], movers[0, :, 4] = np.linspace(-0.5, 0.5, 40), 0.2, 1
    return gestures.Session(movers, np.zeros((40, 2)), np.zeros(10, int), (gestures.Event("swipe right", 0.0, 1.0),))


@pytest.mark.parametrize(("size", "angle", "share"), [(1.0, 0.0, 0.15), (0.5, 0.0, 0.075), (1.0, np.pi / 2, 0.92)])
def test_a_mover_is_hidden_while_its_middle_is_behind_the_thing(size: float, angle: float, share: float) -> None:
    (found,) = occluders.hidden(POST, np.array([0.0, 0.0, size, angle, 1.0]), crossing(), RATE)
    assert found == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("split", ["training", "evaluation"])
def test_what_is_put_in_front_hides_some_mover_and_none_for_too_long(split: str) -> None:
    placed = 0
    for seed in range(30):
        session = played(seed)
        for thing, pose in occluders.before(np.random.default_rng(seed), session, split, RATE):
            shares = occluders.hidden(thing, pose, session, RATE)
            assert 0 < max(shares) <= occluders.MOST_HIDDEN
            placed += 1
    assert placed >= 10


def test_nothing_is_put_before_a_stream_in_which_nothing_is_played() -> None:
    nothing = gestures.Session(np.zeros((4, 40, 5)), np.zeros((40, 2)), np.zeros(10, int), ())
    assert occluders.before(np.random.default_rng(0), nothing, "training", RATE) == ()


def test_a_thing_in_front_covers_the_mover_in_the_picture_and_changes_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    white = sprites.sprite(np.ones((64, 64), np.float32), np.ones((64, 64, 3), np.float32))
    made = []
    for front in ((), ((white, np.array([0, 0, 3.0, 0, 1.0])),)):
        monkeypatch.setattr(occluders, "before", lambda *_, front=front: front)
        monkeypatch.setattr(films, "HIDDEN_SHARE", 1.0)
        made.append(films.stream((4,), 12, 1.0, "evaluation", is_upright=True, classes=("wave",)))
    plain, covered = made
    assert np.array_equal(plain.labels, covered.labels)
    assert covered.frames.std() < 0.7 * plain.frames.std()
