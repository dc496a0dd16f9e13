"""How hands move: slow strokes that stay what they are called, and drawings that are none of the gestures."""

import numpy as np
import pytest

from stream.play import handmotions, motions
from stream.play.paths import X, Y

RATE = 40.0


def acts(label: str, count: int = 120) -> list[motions.Action]:
    return [handmotions.act(np.random.default_rng(seed), label, RATE) for seed in range(count)]


@pytest.mark.parametrize("label", motions.TOWARD)
def test_a_slow_swipe_goes_its_way_and_takes_its_time(label: str) -> None:
    paths = [action.path for action in acts(label)]
    for path in paths:
        way = path[-1, [X, Y]] - path[0, [X, Y]]
        angle = np.arctan2(way[1], way[0]) - motions.TOWARD[label]
        assert abs((angle + np.pi) % (2 * np.pi) - np.pi) < np.radians(25)
    paces = [np.hypot(*(path[-1, [X, Y]] - path[0, [X, Y]])) / (len(path) / RATE) for path in paths]
    assert np.quantile(paces, 0.2) < 0.25, "some go a height in four seconds or more"
    assert np.quantile(paces, 0.9) > 0.7, "and some haste"


@pytest.mark.parametrize(("label", "sense"), motions.SENSE.items())
def test_a_slow_circle_turns_its_way_once_and_a_little_more(label: str, sense: float) -> None:
    slow = [action.path for action in acts(label) if len(action.path) > 2.7 * RATE]
    assert len(slow) > 20
    for path in slow:
        step = np.diff(path[:, [X, Y]], axis=0)
        turn = np.diff(np.unwrap(np.arctan2(step[:, 1], step[:, 0])))
        assert 0.7 < sense * turn.sum() / (2 * np.pi) < 2.3


def test_most_drawings_hold_strokes_and_come_to_more_than_one() -> None:
    drawn = [handmotions._drawing(np.random.default_rng(seed), RATE) for seed in range(80)]
    for action in drawn:
        places = action.path[:, [X, Y]]
        length = np.hypot(*np.diff(places, axis=0).T).sum()
        assert length > 1.05 * np.hypot(*(places[-1] - places[0])), "a straight line alone would be a swipe"
        assert 0 < action.known < 1
        assert np.abs(places).max() < 2


def test_what_is_no_stroke_is_as_it_was() -> None:
    for label in ("push", "pull", "nod"):
        assert {action.path.shape[1] for action in acts(label, 10)} == {4}
