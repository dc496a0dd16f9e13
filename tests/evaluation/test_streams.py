"""The stream protocol: what a viewer sees of clips that follow each other."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stream.config import SessionSettings
from stream.evaluation import reading, streams
from stream.evaluation.streams import Piece
from stream.recogniser import Recogniser
from stream.sources import open_source
from stream.training.datasets import Sample
from tests import films
from tests.toy import Toy

TOY = Recogniser(Toy())
RAW = SessionSettings(smoothing_s=0, is_cut_aware=False, deny=("lately red", "lately green", "lately blue"))


def played(samples: list[Sample], settings: SessionSettings = RAW) -> list[Piece]:
    return list(streams.play(TOY, samples, range(len(samples)), settings))


def test_the_delay_counts_from_the_change_to_the_label(tmp_path: Path) -> None:
    first = films.write(tmp_path / "a.mp4", ("red", 10))
    second = films.write(tmp_path / "b.mp4", ("red", 3), ("green", 7))
    red, green = played([Sample(first, "red"), Sample(second, "green")])
    assert (red.is_change, green.is_change) == (False, True)
    assert red.delay_s == 0
    assert green.delay_s == pytest.approx(0.3, abs=1e-3)
    assert (red.right_s, red.length_s) == pytest.approx((1.0, 1.0), abs=1e-3)
    assert (green.right_s, green.length_s) == pytest.approx((0.7, 1.0), abs=1e-3)


def test_what_was_on_before_a_change_stays_on_until_the_next_used_frame(tmp_path: Path) -> None:
    """At 30 frames a second every third is used: the second clip begins between two of them."""
    first = films.write(tmp_path / "a.mp4", ("red", 31), fps=30)
    second = films.write(tmp_path / "b.mp4", ("green", 30), fps=30)
    _, green = played([Sample(first, "red"), Sample(second, "green")])
    assert green.delay_s == pytest.approx(2 / 30, abs=2e-3)
    assert green.right_s == pytest.approx(28 / 30, abs=2e-3)


def test_a_label_that_never_comes_has_no_end_to_its_delay(tmp_path: Path) -> None:
    path = films.write(tmp_path / "a.mp4", ("red", 5))
    _, blue = played([Sample(path, "red"), Sample(path, "blue")])
    assert (blue.delay_s, blue.right_s) == (math.inf, 0)


def test_one_session_remembers_across_clips_unless_cuts_clear_it(tmp_path: Path) -> None:
    """The toy says "lately red" while its fading mean is red, which a cleared memory is not."""
    red = films.write(tmp_path / "a.mp4", ("red", 20))
    dark = films.write(tmp_path / "b.mp4", ("dark", 3))
    samples = [Sample(red, "red"), Sample(dark, "lately red")]
    watch = {"smoothing_s": 0.0, "allow": ("red", "lately red")}
    assert played(samples, SessionSettings(is_cut_aware=False, **watch))[1].right_s > 0.2
    rest = played(samples, SessionSettings(is_cut_aware=False, memory_s=0.01, **watch))[1]
    assert rest.right_s < 0.2


def test_the_order_changes_the_label_wherever_it_can() -> None:
    labels = ["a"] * 5 + ["b"] * 5 + ["c"] * 4
    found = streams.order(labels, 1)
    assert sorted(found) == list(range(14))
    assert all(labels[first] != labels[second] for first, second in pairwise(found))
    assert found != streams.order(labels, 2)
    assert sorted(streams.order(["a"] * 3, 0)) == [0, 1, 2]


def piece(place: int, delay_s: float, *, is_change: bool = True) -> Piece:
    return Piece(place, 2.0, 2.0 - min(delay_s, 2.0), delay_s, is_change)


def test_delays_are_summed_up_over_changes_and_what_is_never_found_is_not_forgotten() -> None:
    pieces = [
        piece(0, 0.0, is_change=False),
        *[piece(i, i / 10) for i in range(1, 8)],
        *[piece(i, math.inf) for i in range(8, 11)],
    ]
    found = streams.measure(pieces, [str(i) for i in range(11)])
    assert (found.changes, found.length_s) == (10, 22.0)
    assert found.found.value == pytest.approx(0.7)
    assert found.delay_s.value == 0.5
    assert found.late_s.value == math.inf
    assert found.right.value == pytest.approx((2.0 + sum(2 - i / 10 for i in range(1, 8))) / 22)
    assert found.delay_s.low <= 0.5 <= found.delay_s.high


def test_without_a_change_there_is_no_delay_to_measure() -> None:
    found = streams.measure([piece(0, 0.1, is_change=False), piece(1, 0.1, is_change=False)], ["a", "b"])
    assert math.isnan(found.found.value)
    assert math.isnan(found.delay_s.value)


def test_a_weighted_quantile_is_that_of_the_repeated_values() -> None:
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])
    repeated = np.sort(values.repeat(weights.astype(int)))
    for share in (0.1, 0.34, 0.5, 0.9, 1.0):
        expected = repeated[max(0, math.ceil(share * 6) - 1)]
        assert streams.quantile(values, weights, share) == expected


def test_every_event_on_background_is_false(tmp_path: Path) -> None:
    films.write(tmp_path / "a.mp4", ("dark", 20), ("red", 5), ("dark", 5), ("red", 5), ("green", 5))
    films.write(tmp_path / "b.mp4", ("dark", 20))
    sources = [open_source(str(tmp_path / name)) for name in ("a.mp4", "b.mp4")]
    *_, found = streams.alarms(TOY, sources, SessionSettings(smoothing_s=0, allow=("red", "green")))
    assert found.events == {"red": 2, "green": 1}
    assert (found.videos, found.hours) == (2, pytest.approx(6.0 / 3600, abs=1e-6))
    assert found.per_hour.value == pytest.approx(3 / 6.0 * 3600)
    assert found.per_hour.low < found.per_hour.value < found.per_hour.high


def test_samples_may_be_spans_of_one_video(tmp_path: Path) -> None:
    path = films.write(tmp_path / "a.mp4", ("red", 10), ("green", 10))
    found = played([Sample(path, "red", 0.0, 1.0), Sample(path, "green", 1.0, 2.0)])
    assert [piece.length_s for piece in found] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert [piece.right_s for piece in found] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert len(list(reading.film(Sample(path, "red")))) == 20
