"""A session that goes on from a checkpoint says what the uninterrupted one says, and believes nothing it is told."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream import recogniser
from stream.checkpoint import HEAD_BYTES, MAGIC
from stream.config import SessionSettings
from stream.decode import decode_image
from stream.ensemble import Ensemble
from stream.errors import CheckpointError, NotBuilt
from stream.pipeline import Session
from stream.types import Frame, Update
from tests import toy
from tests.server import live

SETTINGS = SessionSettings(begin_threshold=0.3, end_threshold=0.2, top_k=5)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live.write_model(tmp_path_factory.mktemp("model"))


def film(count: int = 60, fps: float = 12.0) -> list[Frame]:
    """Return frames with pauses short and long, faster than the model needs them, and a few out of order."""
    offsets = [number / fps + 1.1 * (number > 20) + 9 * (number > 45) - 0.2 * (number == 30) for number in range(count)]
    return [Frame(decode_image(jpeg), at_s, 0) for jpeg, at_s in zip(live.jpegs(count), offsets, strict=True)]


def said(session: Session, frames: list[Frame]) -> Iterator[Update | None]:
    for frame in frames:
        update = session.feed(frame)
        yield update and replace(update, age_s=0.0)


def engines(model: Path) -> Iterator[recogniser.Recogniser]:
    for engine in ("onnxruntime", "torch", "fused"):
        try:
            yield recogniser.load(str(model), engine)
        except NotBuilt:
            continue


def test_at_every_frame_a_session_can_be_left_and_gone_on_with_elsewhere(model: Path) -> None:
    for one in engines(model):
        uncut, frames = one.session(SETTINGS), film()
        whole, other = list(said(uncut, frames)), one.session(SETTINGS)
        parts: list[Update | None] = []
        for frame in frames:
            fresh = one.session(SETTINGS)
            fresh.restore(other.checkpoint())
            parts += said(fresh, [frame])
            other = fresh
        assert parts == whole, one.runtime.name
        assert other.finish() == uncut.finish()
        assert {"gap", "cut"} <= {update.reset for update in whole if update}, "the film has what decides labels"
        assert any(update.events for update in whole if update)
        assert uncut.drops.rate > 0
        assert uncut.drops.order > 0


def test_another_engine_goes_on_where_one_left_off(model: Path) -> None:
    one, *others = engines(model)
    frames = film()
    first = one.session(SETTINGS)
    list(said(first, frames[:25]))
    for other in others:
        second = other.session(SETTINGS)
        second.restore(first.checkpoint())
        for ours, theirs in zip(said(second, frames[25:40]), said(_copy(one, first), frames[25:40]), strict=True):
            assert (ours is None) == (theirs is None)
            if ours and theirs:
                np.testing.assert_allclose(
                    [label.probability for label in ours.labels],
                    [label.probability for label in theirs.labels],
                    atol=1e-4,
                )


def _copy(model: recogniser.Recogniser, session: Session) -> Session:
    copy = model.session(SETTINGS)
    copy.restore(session.checkpoint())
    return copy


def test_an_ensemble_goes_on_with_what_each_member_said_last() -> None:
    slow = replace(toy.CARD, name="slow", fps=4.0)
    card = replace(toy.CARD, name="both", architecture="ensemble", members=("toy", "slow"))
    both = Ensemble(card, (toy.Toy(), toy.Toy(slow)))
    frames = toy.frames([i / 10 for i in range(8)], red=0.9) + toy.frames([0.8 + i / 10 for i in range(8)], blue=0.7)
    whole = list(said(Session(both), frames))
    for cut in range(1, 15):
        first, second = Session(both), Session(both)
        parts = list(said(first, frames[:cut]))
        second.restore(first.checkpoint())
        assert parts + list(said(second, frames[cut:])) == whole


def test_its_length_depends_on_nothing_that_was_seen(model: Path) -> None:
    session = recogniser.load(str(model)).session()
    empty = len(session.checkpoint())
    list(said(session, film(30)))
    assert len(session.checkpoint()) == empty < 100_000


@pytest.fixture(scope="module")
def given_session() -> Session:
    session = Session(toy.Toy())
    for frame in toy.frames([i / 10 for i in range(5)], red=1.0):
        session.feed(frame)
    return session


OTHERS = {
    "another model": lambda: Session(toy.Toy(replace(toy.CARD, sha256="0" * 64))),
    "another memory": lambda: Session(toy.Toy(), SessionSettings(memory_s=7.0)),
    "other thresholds": lambda: Session(toy.Toy(), SessionSettings(begin_threshold=0.9)),
    "other labels": lambda: Session(toy.Toy(replace(toy.CARD, labels=tuple(reversed(toy.LABELS))))),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_of_another_model_or_other_settings_is_refused(given_session: Session, other) -> None:
    with pytest.raises(CheckpointError, match="of another model, of other settings"):
        other().restore(given_session.checkpoint())


@given(st.binary(max_size=300))
def test_bytes_that_are_no_checkpoint_are_refused(data: bytes) -> None:
    for tried in (data, MAGIC + data):
        with pytest.raises(CheckpointError):
            Session(toy.Toy()).restore(tried)


@given(st.data())
def test_a_changed_checkpoint_is_refused_or_harmless(data: st.DataObject) -> None:
    session = Session(toy.Toy())
    for frame in toy.frames([0.0, 0.1, 0.2], green=0.8):
        session.feed(frame)
    changed = bytearray(session.checkpoint())
    for _ in range(data.draw(st.integers(1, 20))):
        changed[data.draw(st.integers(HEAD_BYTES, len(changed) - 1))] = data.draw(st.integers(0, 255))
    other = Session(toy.Toy())
    before = other.checkpoint()
    try:
        other.restore(bytes(changed[: data.draw(st.sampled_from([len(changed), len(changed) - 1]))]))
    except CheckpointError:
        assert other.checkpoint() == before
    else:
        with np.errstate(all="ignore"):  # a state of huge numbers gives what is not finite: the memory is cleared then
            update = other.feed(toy.frames([max(other.seen_s, 0) + 1], red=1.0)[0])
        assert all(0 <= label.probability <= 1 for label in (update.labels if update else ()))
        assert all(0 <= event.probability <= 1 for event in other.finish())


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e300, -1e300])
def test_times_that_are_none_are_refused(given_session: Session, number: float) -> None:
    made = bytearray(given_session.checkpoint())
    made[HEAD_BYTES : HEAD_BYTES + 8] = struct.pack("<d", number)
    with pytest.raises(CheckpointError, match="seen_s has numbers that were never written"):
        Session(toy.Toy()).restore(bytes(made))


def test_a_clock_ahead_of_the_last_frame_is_refused(given_session: Session) -> None:
    made = bytearray(given_session.checkpoint())
    made[HEAD_BYTES : HEAD_BYTES + 8] = struct.pack("<d", 0.1)
    with pytest.raises(CheckpointError, match=r"offset_s is later than its last frame, 0\.1 s"):
        Session(toy.Toy()).restore(bytes(made))
