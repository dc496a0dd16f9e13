"""Pauses before a source is tried again."""

import pytest

from stream.server.backoff import FIRST_S, REFUSED_S, STEADY_S, Backoff

LONGEST_S = 30.0


def test_pauses_grow_up_to_a_limit() -> None:
    backoff = Backoff(LONGEST_S, seed=1)
    pauses = [backoff.pause_s(0.0) for _ in range(20)]
    assert 0.75 * FIRST_S <= pauses[0] <= 1.25 * FIRST_S
    assert all(pause <= 1.25 * LONGEST_S for pause in pauses)
    assert min(pauses[10:]) >= 0.75 * LONGEST_S


def test_two_sources_do_not_keep_in_step() -> None:
    assert Backoff(LONGEST_S, seed=1).pause_s(0.0) != Backoff(LONGEST_S, seed=2).pause_s(0.0)


@pytest.mark.parametrize(("lived_s", "is_short"), [(STEADY_S, True), (STEADY_S / 2, False)])
def test_only_a_source_that_lived_for_a_while_is_tried_again_soon(lived_s: float, is_short: bool) -> None:
    backoff = Backoff(LONGEST_S, seed=1)
    for _ in range(20):
        backoff.pause_s(0.0)
    assert (backoff.pause_s(lived_s) < 1.0) is is_short


def test_a_refused_login_is_not_tried_again_for_a_minute_or_so() -> None:
    assert Backoff(LONGEST_S, seed=1).pause_s(0.0, is_refused=True) >= 0.75 * REFUSED_S
