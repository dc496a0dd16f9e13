"""How a source is said to be."""

import time

import pytest

from stream.server.standing import WINDOW_S, Pace, State, Tally
from stream.types import Drops


def test_a_rate_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    pace = Pace()
    for _ in range(100):
        now_s += 0.04
        pace.tick()
    assert pace.count == 100
    assert pace.fps == pytest.approx(25, rel=0.01)
    now_s += WINDOW_S
    assert pace.fps == 0


def test_a_rate_is_known_where_what_comes_is_counted_seldom_and_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    pace = Pace()
    for _ in range(5):
        now_s += WINDOW_S + 1  # a step takes so long
        pace.tick(90)
    now_s += 0.5
    assert pace.fps == pytest.approx(90 / (WINDOW_S + 1.5))


def test_since_moves_with_the_state_and_the_last_error_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(time, "time", lambda: now_s)
    tally = Tally("door", "toy")
    now_s = 101.0
    assert tally.become(State.FAILED, "no cable")
    now_s = 102.0
    assert not tally.become(State.FAILED, "no cable")
    assert tally.become(State.FAILED, "no power")
    assert (tally.standing(Drops()).since_s, tally.standing(Drops()).error) == (101.0, "no power")
    assert tally.become(State.LIVE)
    assert (tally.standing(Drops()).since_s, tally.standing(Drops()).error) == (102.0, "no power")
