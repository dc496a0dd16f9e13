"""What is told of a source, as the desk passes it on."""

from stream.server.news import Gap, News, Over, Used
from stream.server.outputs.base import OutputSettings
from stream.server.standing import Standing, State
from stream.server.watched.desk import Desk
from stream.types import Drops, Label, LabelEvent, Phase, Update

__all__ = ["Gap", "Phase"]


def used(number: int, *events: LabelEvent) -> Used:
    """A frame, a tenth of a second after the one before."""
    return Used(number, Update(number / 10, (Label("wave", 0.5),), events, 0.001))


def event(phase: Phase, offset_s: float = 0.0, begin_s: float = 0.0, label: str = "wave") -> LabelEvent:
    return LabelEvent(label, phase, 0.9, offset_s, begin_s)


def begin(number: int) -> Used:
    return used(number, event(Phase.BEGIN, number / 10, number / 10))


def end(number: int) -> Used:
    return used(number, event(Phase.END, number / 10))


def state(one: State, error: str = "") -> Standing:
    return Standing(name="door", model="toy", state=one, since_s=0.0, error=error)


def over(*events: LabelEvent, last_s: float = 0.0, end_s: float = 0.0) -> Over:
    return Over(events, Drops(), last_s, end_s)


def tell(desk: Desk, *news: News, source: str = "door") -> None:
    for one in news:
        desk.tell(source, one)


def desk(*outputs: OutputSettings) -> Desk:
    """Begin outputs."""
    made = Desk()
    made.apply({one.name: one for one in outputs})
    return made
