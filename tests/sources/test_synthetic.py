"""Drawn gestures."""

import time
from itertools import islice, pairwise

import numpy as np
import pytest

from stream.errors import UsageError
from stream.play.motions import GESTURES
from stream.sources import open_source
from stream.sources.synthetic import Synthetic, build


def frames(uri: str, count: int | None = None) -> list[np.ndarray]:
    with open_source(uri) as source:
        return [frame.picture.rgb() for packet in islice(source, count) for frame in source.decode(packet)]


def test_the_same_uri_draws_the_same_pictures_and_another_seed_others() -> None:
    uri = "synthetic://gestures?seconds=1&size=80x60"
    first, second, other = frames(uri), frames(uri), frames(uri + "&seed=8")
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_seconds_rate_and_size_are_as_asked() -> None:
    with open_source("synthetic://gestures?seconds=2&fps=10&size=64x48") as source:
        found = [frame for packet in source for frame in source.decode(packet)]
    assert source.fps == 10
    assert [frame.offset_s for frame in found] == pytest.approx(np.arange(20) / 10)
    assert found[0].picture.rgb().shape == (48, 64, 3)


def test_it_lasts_a_minute_unless_asked_otherwise() -> None:
    assert build("synthetic://gestures").truth[-1].end_s < 60
    assert len(build("synthetic://gestures?seconds=600").truth) > 150


def test_every_gesture_is_played_within_a_minute() -> None:
    assert {event.label for event in build("synthetic://gestures").truth} == set(GESTURES)


def test_only_the_classes_asked_for_are_played() -> None:
    truth = build("synthetic://gestures?classes=swipe+left,wave").truth
    assert {event.label for event in truth} == {"swipe left", "wave"}


def test_the_truth_is_when_something_moves() -> None:
    source = build("synthetic://gestures?seconds=20&size=80x60&classes=swipe+left,swipe+down&fps=10")
    pictures = [frame.picture.rgb().astype(float) for frame in source]
    change = np.array([np.abs(b - a).mean() for a, b in pairwise(pictures)])
    is_moving = np.zeros(len(change), bool)
    for event in source.truth:
        begin, end = round(event.begin_s * 10), round(event.end_s * 10)
        is_moving[begin:end] = True
        assert change[begin:end].max() > 2 * np.median(change)
    assert change[is_moving].mean() > 1.5 * change[~is_moving].mean()


def test_an_endless_one_goes_on_and_has_no_truth() -> None:
    uri = "synthetic://gestures?seconds=inf&size=32x24"
    assert len(frames(uri, 100)) == 100
    with pytest.raises(UsageError, match="no end"):
        _ = build(uri).truth


@pytest.mark.parametrize("make", [lambda uri: build(uri + "&realtime=1"), lambda uri: build(uri, realtime=True)])
def test_in_real_time_frames_come_at_their_times(make: "type[Synthetic]") -> None:
    source = make("synthetic://gestures?seconds=0.4&fps=20&size=32x24")
    begin_s = time.monotonic()
    arrivals = [frame.arrival_ns / 1e9 - begin_s for frame in source]
    assert source.is_live
    assert all(arrival >= index / 20 - 1e-3 for index, arrival in enumerate(arrivals))


@pytest.mark.parametrize(
    ("uri", "accepted"),
    [
        ("synthetic://shapes", "synthetic://gestures"),
        ("synthetic://gestures/more", "synthetic://gestures"),
        ("synthetic://gestures?colour=red", "seconds=60"),
        ("synthetic://gestures?seconds=0", "more than 0"),
        ("synthetic://gestures?seconds=nan", "more than 0"),
        ("synthetic://gestures?seed=-1", "whole number"),
        ("synthetic://gestures?seed=1.5", "whole number"),
        ("synthetic://gestures?fps=1000", "1 to 240"),
        ("synthetic://gestures?size=320", "WIDTHxHEIGHT"),
        ("synthetic://gestures?size=8x8", "16 to 4096"),
        ("synthetic://gestures?classes=clap", "swipe left"),
        ("synthetic://gestures?realtime=yes", "0 or 1"),
    ],
)
def test_what_is_not_accepted_is_named_with_what_is(uri: str, accepted: str) -> None:
    with pytest.raises(UsageError, match=accepted):
        build(uri)
