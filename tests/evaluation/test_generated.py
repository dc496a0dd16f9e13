"""Measuring: what is counted, and that a model which knows nothing is found out."""

import math
from pathlib import Path

import numpy as np
import pytest

from stream.cards import Card
from stream.errors import UsageError
from stream.evaluation import clips, generated
from stream.evaluation.generated import Minute
from stream.play.gestures import Event
from stream.play.motions import LABELS
from stream.recogniser import Recogniser
from stream.training import plots
from stream.types import Array, State


class Stubborn:
    """Says the same whatever it sees."""

    name = "stubborn 1.0"

    def __init__(self, says: str, labels: tuple[str, ...] = LABELS) -> None:
        self._says = says
        self.card = Card(
            name="stubborn", architecture="none", variant="none", side_px=32, fps=10.0, labels=labels,
            background=labels[:2],
        )  # fmt: skip

    def init_state(self, batch: int = 1) -> State:
        return {"frame_count": np.zeros((batch, 1), np.float32)}

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        logits = np.zeros((len(clip), len(self.card.labels)), np.float32)
        logits[:, self.card.labels.index(self._says)] = 9
        return logits, state


def test_a_model_that_always_says_the_same_is_right_once_in_twelve() -> None:
    rows = list(generated.clips(Recogniser(Stubborn("wave")), 24, 0))
    found = clips.measure(LABELS, [label for label, _ in rows], np.stack([said for _, said in rows]), list("x" * 24))
    assert (found.counts.sum(axis=1) == 2).all()
    assert found.top1.value == pytest.approx(1 / 12)
    assert {label: figure.value for label, figure in found.recall.items()} == {
        label: float(label == "wave") for label in LABELS
    }
    assert np.stack([said for _, said in rows]).sum(axis=1) == pytest.approx(np.ones(24))
    assert found.ece.value == pytest.approx(float(rows[0][1].max()) - 1 / 12, abs=1e-6)


def test_a_model_that_never_says_anything_misses_all_and_raises_no_false_alarm() -> None:
    (minute,) = generated.sessions(Recogniser(Stubborn("no motion")), 1, 0)
    assert len(minute.hits) == len(minute.delays_s) > 5
    found = generated.measure([minute], 0)
    assert found.played == len(minute.hits)
    assert (found.recognised.value, found.soon.value, found.false_per_minute.value) == (0, 0, 0)
    assert found.delay_s.value == math.inf


def test_a_label_that_is_always_on_top_is_there_from_the_begin_of_each_of_its_gestures() -> None:
    (minute,) = generated.sessions(Recogniser(Stubborn("pull")), 1, 0)
    early = [delay for delay in minute.delays_s if math.isfinite(delay)]
    assert 0 < len(early) < len(minute.delays_s)
    assert all(-6 < delay < -0.3 for delay in early)


def test_the_delay_counts_from_the_end_of_the_gesture_and_a_label_that_comes_later_is_none() -> None:
    event = Event("wave", 1.0, 2.0)
    for at, delay in ((0.9, math.inf), (1.5, -0.5), (2.3, 0.3), (3.0, 1.0), (3.1, math.inf)):
        assert generated._delay_s(event, [(0.0, "nod"), (at, "wave")]) == pytest.approx(delay)
    assert generated._delay_s(event, [(1.5, "nod"), (2.2, "wave"), (2.6, "wave")]) == pytest.approx(0.2)


def test_shares_and_delays_of_minutes_are_summed_up_with_intervals_drawn_by_minute() -> None:
    first = Minute((True, True, False, True), (-0.4, 0.6, math.inf, 0.2), 1)
    second = Minute((False, True), (0.7, 0.1), 2)
    found = generated.measure([first, second, second], 0)
    assert (found.minutes, found.played) == (3, 8)
    assert found.recognised.value == pytest.approx(5 / 8)
    assert (found.recognised.low, found.recognised.high) == pytest.approx((0.5, 0.75))
    assert found.soon.value == pytest.approx(5 / 8)
    assert found.delay_s.value == pytest.approx(0.2)
    assert found.late_s.value == math.inf
    assert found.false_per_minute.value == pytest.approx(5 / 3)
    assert found.false_per_minute.low < 1
    assert found.false_per_minute.high > 2


def test_a_model_of_other_labels_is_refused() -> None:
    with pytest.raises(UsageError, match="swipe left"):
        generated.check(Recogniser(Stubborn("a", ("a", "b", "c"))))


@pytest.mark.parametrize("label", LABELS)
def test_a_clip_can_be_made_of_every_class_and_is_the_same_each_time(label: str) -> None:
    first, second = generated.clip(label, (1, 2)), generated.clip(label, (1, 2))
    assert 5 <= len(first) <= generated.CLIP_FRAMES
    assert np.array_equal(first, second)


def test_the_pictures_are_drawn(tmp_path: Path) -> None:
    plots.confusion(np.eye(len(LABELS), dtype=np.int64), LABELS, "title", tmp_path / "confusion.png")
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f'{{"streams": {i}, "loss": {2 / i}, "accuracy": 0.5}}\n' for i in range(1, 40)))
    plots.curve(log, tmp_path / "curve.png")
    for name in ("confusion.png", "curve.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
