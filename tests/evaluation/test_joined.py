"""The memory study on real clips: the same clips after pasts of different length."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stream import recogniser
from stream.config import SessionSettings
from stream.evaluation import joined, plots, pooled, streams
from stream.evaluation.joined import Row
from stream.exporters import publish
from stream.intervals import Figure
from stream.recogniser import Recogniser
from stream.training.datasets import Sample
from tests import films, tiny
from tests.toy import CARD, Toy

TOY = Recogniser(Toy(replace(CARD, begin_threshold=0.9, end_threshold=0.9, min_duration_s=0.0)))
"""Its "lately" labels are the fading mean of all it saw: after much that is dark, an endless one never says them."""


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    folder = tmp_path_factory.mktemp("clips")
    shown = {"lately red": "red", "lately green": "green", "dark": "dark", "a bird": "blue"}
    return [
        Sample(films.write(folder / f"{i}.mp4", (colour, 10)), label)
        for i, (label, colour) in enumerate(list(shown.items()) * 2)
    ]


@pytest.fixture(scope="module")
def rows(samples: list[Sample]) -> dict[tuple[float, float], Row]:
    groups = [str(i % 4) for i in range(len(samples))]
    found = joined.study(TOY, samples, groups, (0.2, math.inf), seed=1)
    return {(row.memory_s, row.age_s): row for row in found}


def test_every_memory_is_judged_at_every_age(rows: dict[tuple[float, float], Row]) -> None:
    assert sorted(rows) == [(memory_s, age_s) for memory_s in (0.2, math.inf) for age_s in joined.AGES_S]


def test_a_memory_that_ends_knows_after_an_hour_what_it_knew_and_an_endless_one_does_not(
    rows: dict[tuple[float, float], Row],
) -> None:
    young, *older = (rows[0.2, age_s] for age_s in joined.AGES_S)
    assert young.told.value > 0.5
    assert [row.told for row in older] == [young.told] * 2
    assert rows[math.inf, 3600.0].told.value == 0
    assert rows[math.inf, 3600.0].delay_s.value == math.inf


def test_an_event_on_what_the_model_does_not_know_is_false(rows: dict[tuple[float, float], Row]) -> None:
    """Of a bird it says blue, by its picture, however old it is; the dark gives no event."""
    for row in rows.values():
        assert 0.3 < row.false.value < 0.8


def test_the_last_seconds_of_the_past_are_the_same_at_every_age(samples: list[Sample]) -> None:
    watcher = joined._Watcher(TOY, samples, 1)
    short, long = (list(watcher._history(count)) for count in (13, 200))
    assert (len(short), len(long)) == (13, 200)
    np.testing.assert_array_equal(np.concatenate(short), np.concatenate(long[-13:]))


def test_what_is_said_is_what_a_session_says(samples: list[Sample]) -> None:
    """Right seconds of a blank beginning, beside those of one real session over the same clips."""
    watched = joined._Watcher(TOY, samples, 1).watch((CARD.memory_s,), 0.0)[CARD.memory_s]
    places = streams.order([sample.label for sample in samples], 1)
    pieces = list(streams.play(TOY, samples, places, SessionSettings(is_cut_aware=False)))
    assert [one.place for one in watched] == [piece.place for piece in pieces]
    for one, piece in zip(watched, pieces, strict=True):
        assert (one.right_s, one.told_s, one.false_s) == pytest.approx(
            (piece.right_s, piece.told_s, piece.false_s), abs=0.11
        )


def test_where_only_the_head_remembers_running_the_rest_once_gives_the_same(
    samples: list[Sample], tmp_path: Path
) -> None:
    card = replace(tiny.card("plain"), memory_s=2.0, begin_threshold=0.3, end_threshold=0.2, min_duration_s=0.0)
    net = tiny.net(card)
    with torch.no_grad():  # so that the answers vary
        net.classifier.weight.mul_(4)
    real = recogniser.load(str(publish(net, card, tmp_path)[0].path))
    assert pooled.can_share(real)
    labelled = [replace(sample, label=card.labels[i % 5]) for i, sample in enumerate(samples)]
    whole, shared = (kind(real, labelled, 1) for kind in (joined._Watcher, joined._PooledWatcher))
    for memory_s, age_s in ((0.5, 3.0), (4.0, 0.0), (math.inf, 3.0)):
        theirs, ours = (watcher.watch((memory_s,), age_s)[memory_s] for watcher in (whole, shared))
        assert ours == theirs
        assert any(one.right_s for one in ours) or memory_s == math.inf


def test_the_picture_is_drawn_even_where_a_delay_has_no_end(tmp_path: Path) -> None:
    half, never = Figure(0.5, 0.4, 0.6), Figure(math.inf, 1.0, math.inf)
    shown = [Row(memory_s, 10.0, half, half, half, delay) for memory_s, delay in ((1.0, half), (math.inf, never))]
    plots.joined_memory(shown, "title", tmp_path / "memory.png")
    assert (tmp_path / "memory.png").read_bytes().startswith(b"\x89PNG")
