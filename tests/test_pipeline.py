"""One session is the memory of one stream; `run` pulls a source through it."""

import math
import time
from contextlib import suppress
from dataclasses import replace
from itertools import zip_longest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream import cards
from stream.config import SessionSettings, Thresholds
from stream.errors import DecodeError, SourceError, UnknownPart, UsageError
from stream.pipeline import Session, run
from stream.types import Array, Drops, Frame, LabelEvent, Phase, State, Update
from tests.toy import CARD, Broken, Plain, Shelf, Toy, frames

RAW = SessionSettings(smoothing_s=0, min_duration_s=0, top_k=7, is_cut_aware=False)


def evenly(count: int, fps: float = 10.0, begin_s: float = 0.0) -> list[float]:
    return [begin_s + i / fps for i in range(count)]


def feed(session: Session, items: list[Frame]) -> list[Update]:
    return [update for frame in items if (update := session.feed(frame))]


def events(updates: list[Update]) -> list[tuple[str, Phase]]:
    return [(event.label, event.phase) for update in updates for event in update.events]


def probability(update: Update, name: str) -> float:
    return next(label.probability for label in update.labels if label.name == name)


def test_a_session_takes_the_thresholds_it_is_asked_for_and_else_those_of_the_card() -> None:
    toy = Toy(replace(CARD, begin_threshold=0.9, end_threshold=0.8, min_duration_s=0.4))
    assert Session(toy).thresholds == Thresholds(0.9, 0.8, 0.4)
    assert Session(toy, SessionSettings(begin_threshold=0.6)).thresholds == Thresholds(0.6, 0.6, 0.4)
    assert Session(toy, SessionSettings(0.5, 3, 0.5, 0.3, 0.1)).thresholds == Thresholds(0.5, 0.3, 0.1)
    assert Session(Toy()).thresholds == Thresholds()
    with pytest.raises(UsageError, match=r"end_threshold is 0.95; accepted: in \(0, begin_threshold = 0.9\]"):
        Session(toy, SessionSettings(end_threshold=0.95))


def test_what_a_card_says_of_thresholds_decides_what_is_an_event() -> None:
    def begun(**thresholds: float) -> list[str]:
        film = frames(evenly(20), red=0.55)
        said = events(feed(Session(Toy(replace(CARD, **thresholds))), film))
        return [label for label, phase in said if phase is Phase.BEGIN]

    assert begun() == ["red", "lately red"]
    assert begun(begin_threshold=0.75) == []
    assert begun(min_duration_s=3.0) == []


class Recorder(Toy):
    """The toy, and the decay of each step it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.decays: list[float] = []

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        assert isinstance(decay, float)
        self.decays.append(decay)
        return super().step(clip, state, decay)


class Faulty(Toy):
    """The toy with a fault: a picture that is fully blue makes everything not a number, its memory included."""

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        logits, state = super().step(clip, state, decay)
        factor = np.float32(math.nan if clip[0, 2].min() == 1 else 1)
        return logits * factor, {name: value * factor for name, value in state.items()}


def test_frames_the_rate_does_not_need_are_dropped_before_they_are_converted() -> None:
    session, items = Session(Toy(), RAW), frames(evenly(90, 30.0), red=1.0)
    assert len(feed(session, items)) == 30
    assert session.drops == Drops(rate=60)
    assert sum(frame.picture.conversions for frame in items if isinstance(frame.picture, Plain)) == 30


def test_timestamps_that_do_not_increase_are_dropped_and_counted() -> None:
    session = Session(Toy(), RAW)
    updates = feed(session, frames([0.0, 0.1, 0.1, 0.05, math.nan, 0.2]))
    assert [update.offset_s for update in updates] == [0.0, 0.1, 0.2]
    assert updates[-1].drops == Drops(order=3)


def test_drops_told_from_outside_are_reported_by_cause() -> None:
    session = Session(Toy(), RAW)
    session.drop("backlog", 3)
    session.drop("decode")
    assert feed(session, frames([0.0]))[0].drops == Drops(backlog=3, decode=1)
    with pytest.raises(UnknownPart, match="known: backlog, decode, late, order, rate"):
        session.drop("weather")


@settings(deadline=None, max_examples=25)
@given(order=st.lists(st.booleans(), max_size=60))
def test_two_sessions_share_a_runtime_without_meeting(order: list[bool]) -> None:
    toy = Toy()
    red, blue = frames(evenly(60), red=1.0), frames(evenly(60), blue=0.9, green=0.2)
    alone = [told(feed(Session(toy, RAW), items)) for items in (red, blue)]
    sessions, queues, together = [Session(toy, RAW), Session(toy, RAW)], [iter(red), iter(blue)], ([], [])
    for which in [*map(int, order), *[0, 1] * 60]:
        if (frame := next(queues[which], None)) and (update := sessions[which].feed(frame)):
            together[which].append(update)
    assert [told(updates) for updates in together] == alone


def told(updates: list[Update]) -> list[tuple[object, ...]]:
    return [(update.offset_s, update.labels, update.events, update.drops, update.reset) for update in updates]


def test_a_long_gap_clears_the_memory_and_ends_what_went_on() -> None:
    session = Session(Toy(), replace(RAW, memory_s=math.inf))
    feed(session, frames(evenly(20), red=1.0))
    update = feed(session, frames([10.0], green=1.0))[0]
    assert update.reset == "gap"
    assert ("red", Phase.END) in events([update])
    assert ("lately red", Phase.END) in events([update])
    assert all(event.offset_s <= 1.9 for event in update.events if event.phase is Phase.END)
    assert probability(update, "lately red") < 0.001, "the pool was cleared, not only faded"


def test_a_short_gap_fades_the_memory_by_its_length() -> None:
    toy = Recorder()
    session = Session(toy, replace(RAW, memory_s=2.0))
    updates = feed(session, frames([0.0, 0.1, 0.2, 1.7], red=1.0))
    assert [update.reset for update in updates] == [None] * 4
    assert toy.decays == pytest.approx([cards.decay(s, 2.0) for s in (0.1, 0.1, 0.1, 1.5)])


def test_slightly_uneven_timestamps_give_the_very_numbers_of_an_even_stream() -> None:
    toy = Recorder()
    feed(Session(toy, RAW), frames([0.0, 0.101, 0.199, 0.302, 0.4]))
    assert toy.decays == [CARD.decay] * 5


def test_an_infinite_memory_never_fades() -> None:
    toy = Recorder()
    feed(Session(toy, replace(RAW, memory_s=math.inf)), frames([0.0, 0.1, 0.4, 2.9]))
    assert toy.decays == [1.0] * 4


def test_the_same_time_forgets_the_same_at_any_rate_of_the_source() -> None:
    left = []
    for fps in (10.0, 12.5, 25.0, 30.0):
        toy = Recorder()
        feed(Session(toy, replace(RAW, memory_s=1.0)), frames(evenly(round(60 * fps) + 1, fps)))
        left.append(sum(map(math.log, toy.decays[1:])))
    assert left == pytest.approx([-60.0] * 4, abs=0.5)


def test_a_cut_clears_the_memory_unless_told_not_to() -> None:
    for is_cut_aware, expected in ((True, "cut"), (False, None)):
        session = Session(Toy(), replace(RAW, is_cut_aware=is_cut_aware))
        feed(session, scenes(0, 20))
        update = feed(session, scenes(1, 1, begin_s=2.0))[0]
        assert update.reset == expected


def scenes(which: int, count: int, begin_s: float = 0.0) -> list[Frame]:
    """Frames of one of two scenes that share neither places nor colours."""
    from stream.pictures import RgbPicture

    is_left = np.arange(64)[None, :, None] < 32
    colours = np.array([[250, 40, 40], [20, 60, 120]] if which == 0 else [[40, 90, 200], [90, 240, 60]], np.uint8)
    picture = np.broadcast_to(np.where(is_left, colours[0], colours[1]), (48, 64, 3)).copy()
    return [Frame(RgbPicture(picture), s, 0) for s in evenly(count, begin_s=begin_s)]


def test_numbers_that_are_not_finite_clear_the_memory_and_the_stream_goes_on() -> None:
    session = Session(Faulty(), RAW)
    feed(session, frames(evenly(10), red=1.0))
    bad = feed(session, frames([1.0], blue=1.0))[0]
    assert (bad.reset, bad.labels) == ("nan", ())
    assert ("red", Phase.END) in events([bad])
    good = feed(session, frames([1.1], green=1.0))[0]
    assert good.reset is None
    assert good.labels[0].name in ("green", "lately green")
    assert all(math.isfinite(label.probability) for label in good.labels)


def test_an_update_says_how_old_its_frame_is() -> None:
    frame = replace(frames([0.0])[0], arrival_ns=time.monotonic_ns() - 2_000_000_000)
    update = Session(Toy(), RAW).feed(frame)
    assert update
    assert 2.0 <= update.age_s < 3.0


def test_a_stopwatch_hears_each_stage_of_each_used_frame() -> None:
    laps: list[str] = []
    feed(Session(Toy(), RAW, laps.append), frames(evenly(6, 30.0)))
    assert laps == ["preprocess", "step", "smooth"] * 2


def test_a_label_the_card_does_not_have_is_refused_before_the_first_frame() -> None:
    with pytest.raises(UnknownPart, match="'jump'"):
        Session(Toy(), SessionSettings(allow=("jump",)))


def test_run_sends_every_frame_in_order_and_at_last_the_ends() -> None:
    sent: list[tuple[Frame, Update | None]] = []
    items = frames(evenly(30, 30.0), red=1.0)
    run(Shelf(items), Session(Toy(), RAW), lambda frame, update: sent.append((frame, update)))
    assert [frame for frame, _ in sent[:-1]] == items
    assert [update is not None for _, update in sent[:4]] == [True, False, False, True]
    frame, update = sent[-1]
    assert frame is items[27], "the last used frame again"
    assert update
    assert {event.phase for event in update.events} == {Phase.END}
    assert update.drops == Drops(rate=20)


def test_run_stops_when_told() -> None:
    sent: list[Frame] = []
    run(Shelf(frames(evenly(30))), Session(Toy(), RAW), lambda frame, _: sent.append(frame), stop_s=1.0)
    assert [frame.offset_s for frame in sent] == evenly(10)


def test_what_began_ends_even_when_the_source_fails() -> None:
    told: list[LabelEvent] = []
    source = Shelf(frames(evenly(5), red=1.0), SourceError("the cable was pulled"))
    with pytest.raises(SourceError, match="cable"):
        run(source, Session(Toy(), RAW), lambda _, update: told.extend(update.events if update else ()))
    assert [event.phase for event in told].count(Phase.END) == 2


def test_a_picture_that_cannot_be_converted_is_counted_and_the_stream_goes_on() -> None:
    items, sent = frames(evenly(5), red=1.0), list[Update | None]()
    items[2] = replace(items[2], picture=Broken())
    run(Shelf(items), Session(Toy(), RAW), lambda _, update: sent.append(update))
    assert [update.offset_s for update in sent if update] == [0.0, 0.1, 0.3, 0.4, 0.4]
    assert sent[-1]
    assert sent[-1].drops == Drops(decode=1)


@settings(deadline=None, max_examples=25)
@given(broken=st.lists(st.floats(0, 4), max_size=30))
def test_pictures_that_cannot_be_converted_leave_a_session_as_if_they_had_not_come(broken: list[float]) -> None:
    good, session, said = frames(evenly(100, 25.0), red=0.8, green=0.3), Session(Toy()), list[Update]()
    bad = [replace(frame, picture=Broken()) for frame in frames(broken)]
    for frame in sorted([*good, *bad], key=lambda frame: frame.offset_s):
        with suppress(DecodeError):
            said += filter(None, [session.feed(frame)])
    expected = feed(Session(Toy()), good)
    assert [(update.offset_s, update.labels, update.events) for update in said] == [
        (update.offset_s, update.labels, update.events) for update in expected
    ]


def test_a_frame_may_be_skipped_by_its_offset_alone() -> None:
    session = Session(Toy(), RAW)
    assert session.seen_s == -math.inf
    for offset_s, cause in ((0.0, None), (0.03, "rate"), (0.03, "order"), (math.nan, "order"), (0.1, None)):
        assert session.skip(offset_s) == cause
        if cause is None:
            assert session.skip(offset_s) is None, "asking changes nothing"
            assert feed(session, frames([offset_s]))
    assert (session.seen_s, session.drops) == (0.1, Drops(rate=1, order=2))


def test_a_lost_frame_counts_as_backlog_where_it_was_needed_and_its_place_is_for_the_next() -> None:
    session = Session(Toy(), RAW)
    feed(session, frames([0.0]))
    assert [session.skip(offset_s, lost="backlog") for offset_s in (0.05, 0.1, 0.1)] == ["rate", "backlog", "order"]
    assert session.skip(0.14) is None, "what was lost was not used"
    assert session.drops == Drops(rate=1, backlog=1, order=1)


def test_two_runs_of_the_same_frames_say_the_same() -> None:
    items = frames([s + 0.004 * math.sin(40 * s) for s in evenly(200, 25.0)], red=0.8, blue=0.3)
    first, second = (told(feed(Session(Toy()), items)) for _ in range(2))
    assert all(a == b for a, b in zip_longest(first, second))
