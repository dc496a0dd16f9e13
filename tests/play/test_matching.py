"""What was said against what was played."""

from stream.play.gestures import Event
from stream.play.matching import SLACK_S, match
from stream.types import LabelEvent, Phase

PLAYED = (Event("wave", 1.0, 3.0), Event("nod", 5.0, 6.0), Event("other motion", 7.0, 8.0))


def said(label: str, offset_s: float, phase: Phase = Phase.BEGIN) -> LabelEvent:
    return LabelEvent(label, phase, 0.9, offset_s, offset_s)


def test_a_label_said_while_it_is_played_or_just_after_is_a_hit() -> None:
    result = match(PLAYED, [said("wave", 2.0), said("nod", 6.0 + SLACK_S)], ("wave", "nod"))
    assert [action.label for action in result.hits] == ["wave", "nod"]
    assert not result.missed
    assert not result.false
    assert str(result) == "2 of 2 recognised, 0 false"


def test_a_label_said_too_early_too_late_or_twice_is_false() -> None:
    events = [said("wave", 0.9), said("wave", 2.0), said("wave", 2.5), said("nod", 7.01)]
    result = match(PLAYED, events, ("wave", "nod"))
    assert [action.label for action in result.missed] == ["nod"]
    assert [event.offset_s for event in result.false] == [0.9, 2.5, 7.01]


def test_only_begins_count() -> None:
    result = match(PLAYED, [said("wave", 2.0, Phase.UPDATE), said("wave", 2.9, Phase.END)], ("wave",))
    assert (len(result.hits), len(result.missed), result.false) == (0, 1, ())
