"""Compares what was said with what was played: hits, misses and false alarms."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stream.play.gestures import Event
from stream.types import LabelEvent, Phase

SLACK_S = 1.0
"""Seconds after an action has ended during which its BEGIN still counts: a viewer needs its end to tell."""


@dataclass(frozen=True, slots=True)
class Match:
    """How well the events of a stream fit what was played."""

    hits: tuple[Event, ...]
    """Played, and said in time."""
    missed: tuple[Event, ...]
    """Played, and not said in time."""
    false: tuple[LabelEvent, ...]
    """BEGIN events that fit nothing played."""

    def __str__(self) -> str:
        return f"{len(self.hits)} of {len(self.hits) + len(self.missed)} recognised, {len(self.false)} false"


def match(played: Sequence[Event], said: Iterable[LabelEvent], labels: Iterable[str]) -> Match:
    """Pair each played action with the first BEGIN of its label from its begin to `SLACK_S` after its end.

    Args:
        played: what was shown, in order.
        said: events of any phase; only BEGINs are compared.
        labels: which labels count; others, the background, are passed over.
    """
    wanted = set(labels)
    begins = [event for event in said if event.phase is Phase.BEGIN]
    hits, missed = list[Event](), list[Event]()
    for action in (action for action in played if action.label in wanted):
        found = next((event for event in begins if _fits(event, action)), None)
        (hits if found else missed).append(action)
        if found:
            begins.remove(found)
    return Match(tuple(hits), tuple(missed), tuple(begins))


def _fits(event: LabelEvent, action: Event) -> bool:
    return event.label == action.label and action.begin_s <= event.offset_s <= action.end_s + SLACK_S
