"""Several models as one: their logits are averaged, each at its own rate and side."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import stream
from stream import cache, cards, ensemble
from stream.config import SessionSettings
from stream.ensemble import Ensemble
from stream.errors import ModelError, UsageError
from stream.pipeline import Session
from stream.types import Array, Frame, Rgb, State
from tests import tiny
from tests.toy import CARD, Plain, Toy, frames

RAW = SessionSettings(smoothing_s=0, min_duration_s=0, top_k=7, is_cut_aware=False)
SLOW = replace(CARD, name="slow", fps=5.0, side_px=48)


class Seen(Toy):
    """The toy, and what it was shown and said."""

    def __init__(self, card: cards.Card) -> None:
        super().__init__(card)
        self.sides: list[int] = []
        self.said: list[Array] = []

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        logits, state = super().step(clip, state, decay)
        self.sides.append(clip.shape[-1])
        self.said.append(logits[0])
        return logits, state


def both(**changes: object) -> tuple[Ensemble, Seen, Seen]:
    quick, slow = Seen(CARD), Seen(replace(SLOW, **changes))
    names = (CARD.name, SLOW.name)
    card = replace(CARD, name="both", architecture="ensemble", members=names, memory_s=float("inf"))
    return Ensemble(card, (quick, slow)), quick, slow


def test_every_member_has_its_own_clock_and_side() -> None:
    models, quick, slow = both()
    session = Session(models, RAW)
    updates = [session.feed(frame) for frame in frames([i / 20 for i in range(40)], red=0.6)]
    assert (len(quick.said), len(slow.said)) == (20, 10)
    assert (set(quick.sides), set(slow.sides)) == ({CARD.side_px}, {48})
    assert sum(update is not None for update in updates) == 20
    assert session.drops.rate == 20, "a frame counts as not needed when nobody needed it"


def test_the_logits_are_the_mean_of_what_each_said_last() -> None:
    models, quick, slow = both()
    session = Session(models, RAW)
    for index, frame in enumerate(frames([i / 10 for i in range(8)], red=0.5)):
        update = session.feed(replace(frame, picture=frames([0], red=0.1 * index)[0].picture))
        mean = (quick.said[-1] + slow.said[-1]) / 2
        told = {label.name: label.probability for label in update.labels}
        expected = dict(zip(CARD.labels, 1 / (1 + np.exp(-mean.astype(np.float64))), strict=True))
        assert told == pytest.approx(expected, abs=1e-5)


def test_an_ensemble_of_one_model_twice_says_what_the_model_says() -> None:
    card = replace(CARD, name="twice", architecture="ensemble", members=("toy", "toy2"))
    twice = Session(Ensemble(card, (Toy(), Toy(replace(CARD, name="toy2")))), RAW)
    once = Session(Toy(), RAW)
    for frame in frames([i / 10 for i in range(6)], green=0.7):
        assert [(x.name, x.probability) for x in twice.feed(frame).labels] == [
            (x.name, x.probability) for x in once.feed(frame).labels
        ]


def test_a_gap_clears_all_members_and_is_told_once() -> None:
    models, quick, slow = both(fps=4.0)
    session = Session(models, replace(RAW, max_gap_s=1.0))
    for frame in frames([0, 0.1, 0.2, 0.3], red=1.0):
        session.feed(frame)
    after = [session.feed(frame) for frame in frames([5.0, 5.1, 5.2, 5.3, 5.4], blue=1.0)]
    assert [update.reset for update in after if update] == ["gap", None, None, None, None]
    lately_red = CARD.labels.index("lately red")
    assert slow.said[-1][lately_red] == pytest.approx(-8), "nothing of before is left"
    assert quick.said[-1][lately_red] == pytest.approx(-8)


class Halves(Plain):
    """A scene: one half bright in its colour, the other dark."""

    def __init__(self, is_left: bool, **colour: float) -> None:
        super().__init__(**colour)
        self.is_left = is_left

    def rgb(self, width_px: int | None = None, height_px: int | None = None) -> Rgb:
        picture = super().rgb(width_px, height_px)
        middle = picture.shape[1] // 2
        picture[:, middle:] //= 1 + 9 * self.is_left
        picture[:, :middle] //= 10 - 9 * self.is_left
        return picture


def test_a_cut_that_only_the_quicker_member_sees_clears_both_and_is_told_once() -> None:
    models, _, slow = both()
    session = Session(models, replace(RAW, is_cut_aware=True))
    scenes = [Halves(True, red=1.0)] * 5 + [Halves(False, blue=1.0)] * 5
    film = [Frame(picture, index / 10, time.monotonic_ns()) for index, picture in enumerate(scenes)]
    assert [session.feed(frame).reset for frame in film[:5]] == [None] * 5
    seen = len(slow.said)
    assert session.feed(film[5]).reset == "cut"
    assert len(slow.said) == seen, "the slower one had no frame there"
    assert [session.feed(frame).reset for frame in film[6:]] == [None] * 4
    assert slow.said[-1][CARD.labels.index("lately red")] == pytest.approx(-8), "nothing of before is left"


def test_an_ensemble_has_no_step_of_its_own() -> None:
    models, _, _ = both()
    with pytest.raises(ModelError, match=r"'both' is an ensemble and has no step of its own.*toy, slow"):
        models.init_state()


def test_members_with_other_labels_are_refused() -> None:
    card = replace(CARD, name="odd", architecture="ensemble", members=("toy", "other"))
    with pytest.raises(ModelError, match="its member 'other' has other labels"):
        Ensemble(card, (Toy(), Toy(replace(CARD, name="other", labels=("a", "b"), background=()))))


def test_a_card_with_members_is_an_ensemble_and_only_that() -> None:
    for changes in ({"members": ("a", "b")}, {"architecture": "ensemble"}):
        with pytest.raises(ModelError, match="members are needed by the architecture 'ensemble', and only by it"):
            replace(CARD, **changes)


def test_joined_models_are_loaded_by_the_ensembles_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_HOME", str(tmp_path))
    for which in ("relu6", "clip"):
        card = tiny.write(tmp_path / "made", which)
        cache.replace_model(which, cards.dump(card), tmp_path / "made" / card.weights, card.weights)
    card = ensemble.join("mean", [cards.load("relu6"), cards.load("clip")])
    assert (card.side_px, card.fps, card.members) == (33, 5, ("relu6", "clip"))
    recogniser = stream.load("mean")
    assert [member.card.name for member in recogniser.members] == ["relu6", "clip"]
    update = recogniser.session(top_k=5).feed(frames([0.0], red=1.0)[0])
    assert {label.name for label in update.labels} == set(tiny.LABELS)
    for name, members in (("relu6", ["relu6", "clip"]), ("twice", ["clip", "clip"])):
        with pytest.raises(UsageError, match="is named twice"):
            ensemble.join(name, [cards.load(member) for member in members])
    with pytest.raises(UsageError, match="'mean' is here already"):
        ensemble.join("mean", [cards.load("clip"), cards.load("relu6")])
    assert cards.load("relu6").read_weights()
    with pytest.raises(UsageError, match="two members or more"):
        ensemble.join("alone", [cards.load("relu6")])
    with pytest.raises(UsageError, match="mean cannot be a member"):
        ensemble.join("deep", [cards.load("relu6"), cards.load("mean")])
