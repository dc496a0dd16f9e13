"""Measuring: what is counted, and that a model which knows nothing is found out."""

from pathlib import Path

import numpy as np
import pytest

from stream.cards import Card
from stream.errors import UsageError
from stream.evaluation import generated
from stream.motions import LABELS
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
    tally = list(generated.clips(Recogniser(Stubborn("wave")), 24, 0))[-1]
    assert tally.counts.sum() == 24
    assert tally.accuracy == pytest.approx(1 / 12)
    assert tally.recall == {label: float(label == "wave") for label in LABELS}
    assert (tally.counts.sum(axis=1) == 2).all()


def test_a_model_that_never_says_anything_misses_all_and_raises_no_false_alarm() -> None:
    tally = list(generated.sessions(Recogniser(Stubborn("no motion")), 1, 0))[-1]
    assert tally.played > 5
    assert (tally.hits, tally.false, tally.minutes) == (0, 0, 1)


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
