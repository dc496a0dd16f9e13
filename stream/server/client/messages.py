"""Wire messages <-> our types on the side of a client: what it says, and what it is told."""

from collections.abc import Iterable
from dataclasses import asdict

from stream.cards import Card
from stream.config import USUAL, SessionSettings
from stream.server.wire.fields import fill, offset_s
from stream.server.wire.told import config_of
from stream.types import Drops, Label, LabelEvent, Phase, Update
from stream.v1 import recognition_pb2 as pb

LIMITS = tuple(asdict(USUAL))
"""Fields of `Thresholds`."""


def configure(
    model: str, settings: SessionSettings, policy: str, checkpoint_frames: int | None, video: pb.VideoFormat | None
) -> pb.Config:
    """Write down how a stream is to be read, what packets are, and after how many updates a checkpoint is to come."""
    config = config_of(model, settings, policy)
    if checkpoint_frames is not None:
        config.checkpoint_frames = checkpoint_frames
    if video:
        config.video.CopyFrom(video)
    return config


def frame_of(offset_s: float, *, image: bytes | None = None, packet: bytes | None = None) -> pb.RecognizeRequest:
    """Send a JPEG or PNG, or a packet of a video; its number comes later."""
    message = pb.Frame(image=image, packet=packet)
    fill(message.offset, offset_s)
    return pb.RecognizeRequest(frame=message)


def update_of(message: pb.Update) -> Update:
    """Read what a frame gave; `age_s` is the server's."""
    return Update(
        offset_s=offset_s(message.offset),
        labels=tuple(Label(label.name, label.probability) for label in message.labels),
        events=events_of(message.events),
        age_s=offset_s(message.age),
        drops=drops_of(message.drops),
        reset=pb.ResetCause.Name(message.reset_cause).removeprefix("RESET_CAUSE_").lower()
        if message.reset_cause
        else None,
    )


def events_of(messages: Iterable[pb.LabelEvent]) -> tuple[LabelEvent, ...]:
    """Read what began, goes on or ended."""
    return tuple(
        LabelEvent(
            label=message.label,
            phase=Phase[pb.Phase.Name(message.phase).removeprefix("PHASE_")],
            probability=message.probability,
            offset_s=offset_s(message.offset),
            begin_s=offset_s(message.begin_offset),
        )
        for message in messages
    )


def cause_of(cause: int) -> str:
    """Read why a frame was not used."""
    name: str = pb.DropCause.Name(cause)
    return name.removeprefix("DROP_CAUSE_").lower()


def drops_of(message: pb.Drops) -> Drops:
    """Read what was not used."""
    return Drops(
        rate=message.rate, backlog=message.backlog, decode=message.decode, order=message.order, late=message.late
    )


def card_of(model: pb.Model) -> Card:
    """Read what the server says of a model."""
    architecture, _, variant = model.architecture.partition(" ")
    return Card(
        name=model.name,
        architecture=architecture,
        variant=variant,
        side_px=model.side_px,
        fps=model.fps,
        labels=tuple(model.labels),
        background=tuple(model.background),
        experimental=tuple(model.experimental),
        label_thresholds={one.label: {name: getattr(one, name) for name in LIMITS} for one in model.thresholds},
        memory_s=model.memory_s,
        licence=model.licence,
        source=model.source,
        sha256=model.sha256,
    )
