"""Intervals hold what they promise."""

import math

import numpy as np
import pytest

from stream.intervals import Values, bootstrap, rate, shares, wilson


def mean_of(values: list[float]) -> "object":
    def mean(weights: Values) -> Values:
        return np.array([weights @ np.array(values) / weights.sum()])

    return mean


def test_the_interval_of_a_share_is_near_the_binomials() -> None:
    [figure] = bootstrap(mean_of([1.0] * 80 + [0.0] * 20), [str(i) for i in range(100)])
    assert figure.value == pytest.approx(0.8)
    assert (figure.low, figure.high) == pytest.approx((0.8 - 1.96 * 0.04, 0.8 + 1.96 * 0.04), abs=0.02)


def test_nineteen_intervals_in_twenty_hold_the_truth() -> None:
    rng, held = np.random.default_rng(5), 0
    for trial in range(200):
        values = list((rng.random(60) < 0.7).astype(float))
        [figure] = bootstrap(mean_of(values), [str(i) for i in range(60)], resamples=300, seed=trial)
        held += figure.low <= 0.7 <= figure.high
    assert 0.90 <= held / 200 <= 0.98


def test_what_belongs_together_is_drawn_together() -> None:
    """Ten clips of one recording say no more than one clip does."""
    values = [float(group % 2) for group in range(20) for _ in range(10)]
    [by_clip] = bootstrap(mean_of(values), [str(i) for i in range(200)])
    [by_group] = bootstrap(mean_of(values), [str(group) for group in range(20) for _ in range(10)])
    widths = [figure.high - figure.low for figure in (by_clip, by_group)]
    assert widths[1] / widths[0] == pytest.approx(math.sqrt(10), rel=0.15)


def test_the_same_seed_draws_the_same() -> None:
    values, names = [i * i / 400 for i in range(20)], [str(i) for i in range(20)]
    assert bootstrap(mean_of(values), names, seed=3) == bootstrap(mean_of(values), names, seed=3)
    assert bootstrap(mean_of(values), names, seed=3) != bootstrap(mean_of(values), names, seed=4)


def test_one_group_says_nothing_of_how_it_varies() -> None:
    [figure] = bootstrap(mean_of([1.0, 0.0]), ["a", "a"])
    assert figure.value == 0.5
    assert math.isnan(figure.low)
    assert math.isnan(figure.high)


def test_two_groups_say_too_little_of_how_they_vary() -> None:
    assert math.isnan(bootstrap(mean_of([1.0, 0.0]), ["a", "b"])[0].low)
    assert math.isfinite(bootstrap(mean_of([1.0, 0.0, 1.0]), ["a", "b", "c"])[0].low)


def test_a_share_of_few_groups_among_many_has_no_interval() -> None:
    right, groups = np.ones(6, bool), list("abcdef")
    few, many = shares([(right, np.arange(6) < 2), (right, np.arange(6) > 2)], groups)
    assert (few.value, math.isnan(few.low), math.isnan(few.high)) == (1.0, True, True)
    assert (many.low, many.high) == (1.0, 1.0)


def test_a_delay_without_end_stays_one() -> None:
    def worst(weights: Values) -> Values:
        return np.array([np.array([1.0, 2.0, math.inf])[weights > 0].max()])

    [figure] = bootstrap(worst, list("abc"))
    assert (figure.value, figure.high) == (math.inf, math.inf)
    assert math.isfinite(figure.low)


@pytest.mark.parametrize(
    ("right", "count", "low", "high"), [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0)]
)
def test_wilsons_interval_is_the_published_one(right: int, count: int, low: float, high: float) -> None:
    """81 of 263: Newcombe 1998, Statistics in Medicine 17, table I."""
    assert wilson(right, count) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904), (100, 81.3636, 121.6266)]
)
def test_the_interval_of_a_rate_is_garwoods(count: int, low: float, high: float) -> None:
    """Ulm 1990, American Journal of Epidemiology 131, and the quantiles of chi squared."""
    figure = rate(count, 2.0)
    assert figure.value == count / 2
    assert (figure.low, figure.high) == pytest.approx((low / 2, high / 2), abs=1e-3)


def test_a_share_counts_what_is_chosen_and_is_no_number_where_nothing_is() -> None:
    right, none = np.array([True, True, False, False]), np.zeros(4, np.bool_)
    groups = ["one", "one", "two", "three"]
    half, first, empty = shares([(right, ~none), (right, right), (right, none)], groups)
    assert (half.value, first.value, math.isnan(empty.value)) == (0.5, 1.0, True)
    assert half.low < 0.5 < half.high
    assert math.isnan(first.low), "of one group"
