"""The threshold that balances two labels, and the card that holds it."""

import numpy as np
import pytest

from stream.config import Thresholds
from stream.training.balance import balance
from tests import tiny

RNG = np.random.default_rng(0)


def said(shy: float) -> tuple[np.ndarray, np.ndarray]:
    """Two hundred clips; the network says `fight` less often than it is."""
    truth = np.repeat([0, 1], 100)
    logits = np.where(truth == 0, 1.0, -1.0) + RNG.normal(0, 1, 200) - shy
    fight = 1 / (1 + np.exp(-logits))
    return np.stack([fight, 1 - fight], 1).astype(np.float32), truth


@pytest.mark.parametrize("shy", [0.0, 1.0, -1.5])
def test_as_many_of_either_are_right_at_the_threshold(shy: float) -> None:
    probabilities, truth = said(shy)
    card = tiny.card("relu6", labels=("fight", "none"), background=("none",))
    found = balance(card, probabilities, truth, [str(place // 4) for place in range(200)])
    assert found
    assert abs(found.recall.value - found.specificity.value) <= 0.02
    assert found.recall.value > 0.75
    assert found.recall.low < found.recall.value < found.recall.high
    right = (probabilities[:, 0] >= found.threshold) == (truth == 0)
    assert right[truth == 0].mean() == pytest.approx(found.recall.value)
    if shy:
        assert abs(found.usual[0] - found.usual[1]) > 0.2, "one half is far from balanced"
        assert (found.threshold < 0.5) == (shy > 0)


def test_the_card_begins_either_label_where_the_other_ends() -> None:
    card = tiny.card("relu6", labels=("fight", "none"))
    found = balance(card, *said(1.0), [str(place) for place in range(200)])
    assert found
    own = tiny.card("relu6", labels=("fight", "none"), label_thresholds=found.thresholds()).own_thresholds
    assert own["fight"].begin_threshold == found.threshold
    assert own["none"].begin_threshold == pytest.approx(1 - found.threshold, abs=1e-4)
    assert all(isinstance(limits, Thresholds) for limits in own.values())


def test_the_label_that_means_something_is_the_one_that_is_compared() -> None:
    probabilities, truth = said(0.0)
    card = tiny.card("relu6", labels=("calm", "fight"), background=("calm",))
    found = balance(card, probabilities[:, ::-1], 1 - truth, [str(place) for place in range(200)])
    assert found
    assert (found.label, found.other) == ("fight", "calm")
    assert "'fight' from probability" in str(found)


def test_other_models_and_clips_of_one_label_have_no_threshold() -> None:
    two, three = tiny.card("relu6", labels=("a", "b")), tiny.card("relu6", labels=("a", "b", "c"))
    probabilities, truth = said(0.0)
    groups = [str(place) for place in range(200)]
    assert balance(two, probabilities[:100], truth[:100], groups[:100]) is None
    assert balance(three, probabilities, truth, groups) is None
