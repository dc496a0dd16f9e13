"""What clients are told: our types -> wire messages."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from stream.cards import Card
from stream.config import SessionSettings
from stream.recogniser import Recogniser
from stream.server.wire.fields import PLAIN, fill
from stream.server.wire.heard import Incoming, Opening
from stream.types import Drops, LabelEvent, Update
from stream.v1 import recognition_pb2 as pb


def configured(recogniser: Recogniser, config: pb.Config, opening: Opening) -> pb.RecognizeResponse:
    """Say how the configuration was understood, and which stream it is."""
    message = pb.Configured(model=model(recogniser), config=config, stream_id=opening.stream_id, epoch=opening.epoch)
    return pb.RecognizeResponse(configured=message)


def checkpoint(sequence: int, seen_s: float, data: bytes) -> pb.Checkpoint:
    """Say what the stream can be resumed from."""
    message = pb.Checkpoint(sequence=sequence, data=data)
    fill(message.offset, seen_s)
    return message


def go_away(checkpoint: pb.Checkpoint | None, grace_s: float) -> pb.RecognizeResponse:
    """Say that the server is about to shut down."""
    message = pb.GoAway(checkpoint=checkpoint)
    fill(message.grace, grace_s)
    return pb.RecognizeResponse(go_away=message)


def filled(card: Card, settings: SessionSettings, policy: str, max_age_s: float) -> pb.Config:
    """Write a configuration down with everything filled in."""
    full = config_of(card.name, settings.filled(card.thresholds), policy)
    full.memory_s = card.memory_s if settings.memory_s is None else settings.memory_s
    full.max_age_s = max_age_s
    return full


def config_of(model: str, settings: SessionSettings, policy: str) -> pb.Config:
    """Write settings down; `None` stays absent."""
    values = {name: value for name in PLAIN if (value := getattr(settings, name)) is not None}
    drop_policy = getattr(pb, f"DROP_POLICY_{policy.upper()}")
    return pb.Config(
        model=model, drop_policy=drop_policy, allow=settings.allow or (), deny=settings.deny or (), **values
    )


def update(sequence: int, update: Update) -> pb.Update:
    """Say what a frame gave."""
    message = pb.Update(
        sequence=sequence,
        labels=[pb.Label(name=label.name, probability=label.probability) for label in update.labels],
        events=map(event, update.events),
        drops=pb.Drops(**asdict(update.drops)),
        reset_cause=getattr(pb, f"RESET_CAUSE_{(update.reset or 'unspecified').upper()}"),
    )
    fill(message.offset, update.offset_s)
    fill(message.age, update.age_s)
    return message


def skipped(frame: Incoming, cause: str) -> pb.RecognizeResponse:
    """Say that a frame was not needed ("rate"), came too fast ("backlog") or too late ("late")."""
    message = pb.FrameSkipped(sequence=frame.sequence, cause=_cause(cause))
    fill(message.offset, frame.offset_s)
    return pb.RecognizeResponse(frame_skipped=message)


def fault(frame: Incoming, cause: str, words: str) -> pb.RecognizeResponse:
    """Say that a frame could not be used ("decode" or "order"), and why."""
    message = pb.FrameError(sequence=frame.sequence, cause=_cause(cause), message=words)
    if frame.message is not None:
        message.offset.CopyFrom(frame.message.offset)
    return pb.RecognizeResponse(frame_error=message)


def finished(events: Iterable[LabelEvent], drops: Drops) -> pb.Finished:
    """Say which actions the end of the stream ends."""
    return pb.Finished(events=map(event, events), drops=pb.Drops(**asdict(drops)))


def model(recogniser: Recogniser) -> pb.Model:
    """Describe a loaded model."""
    card = recogniser.card
    return pb.Model(
        name=card.name,
        architecture=f"{card.architecture} {card.variant}",
        labels=card.shown_labels,
        background=[label for label in card.silent_labels if label not in card.experimental],
        experimental=card.experimental,
        thresholds=[pb.LabelThresholds(label=label, **asdict(found)) for label, found in card.own_thresholds.items()],
        side_px=card.side_px,
        fps=card.fps,
        memory_s=card.memory_s,
        licence=card.licence,
        source=card.source,
        engine=recogniser.runtime.name,
        sha256=card.sha256,
    )


def _cause(cause: str) -> Any:
    return getattr(pb, f"DROP_CAUSE_{cause.upper()}")


def event(event: LabelEvent) -> pb.LabelEvent:
    """Say that an action began, goes on or ended."""
    phase = getattr(pb, f"PHASE_{event.phase.name}")
    message = pb.LabelEvent(label=event.label, phase=phase, probability=event.probability)
    fill(message.offset, event.offset_s)
    fill(message.begin_offset, event.begin_s)
    return message
