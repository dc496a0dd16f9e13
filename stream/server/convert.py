"""Wire messages <-> our types; nothing else knows what the wire looks like.

Offsets become seconds here, at the wire's own resolution of a microsecond, and go back unchanged.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from google.protobuf import message

from stream.cards import Card
from stream.config import SessionSettings
from stream.decode import Layout, decode_image, decode_raw
from stream.errors import UsageError
from stream.recogniser import Recogniser
from stream.types import Drops, Label, LabelEvent, Phase, Picture, Update
from stream.v1 import recognition_pb2 as pb

Unreadable = message.DecodeError
"""What bytes raise that are no message."""

MAX_OFFSET_S = 1e9
"""Seconds: up to here a float keeps microseconds apart."""

PLAIN = (
    "top_k",
    "memory_s",
    "begin_threshold",
    "end_threshold",
    "min_duration_s",
    "smoothing_s",
    "max_gap_s",
    "is_cut_aware",
)
"""Settings that have the same name and kind on both sides."""

POLICIES = {
    pb.DROP_POLICY_UNSPECIFIED: "wait",
    pb.DROP_POLICY_WAIT: "wait",
    pb.DROP_POLICY_LATEST: "latest",
    pb.DROP_POLICY_EVERY: "every",
}
LAYOUTS: dict[Any, Layout] = {
    pb.PIXEL_FORMAT_RGB24: "rgb24",
    pb.PIXEL_FORMAT_I420: "i420",
    pb.PIXEL_FORMAT_NV12: "nv12",
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A frame as it came over the wire, its picture not decoded yet."""

    message: pb.Frame | None
    """What came; None once the picture was given up, so that its bytes can go."""
    sequence: int
    """The client's number."""
    offset_s: float
    """Seconds on the client's clock; not a number where it was out of range."""
    arrival_ns: int
    """When it reached us: `time.monotonic_ns()`."""

    @property
    def byte_count(self) -> int:
        """Bytes of the picture; 0 once it was given up."""
        return 0 if self.message is None else len(self.message.image) + len(self.message.raw.data)

    def give_up(self) -> "Incoming":
        """Return it without its picture."""
        return Incoming(None, self.sequence, self.offset_s, self.arrival_ns)


# From the client


def config(message: pb.RecognizeRequest | None) -> pb.Config:
    """Take the first message's configuration.

    Raises:
        UsageError: it is something else, or there is none.
    """
    found = message and message.WhichOneof("message")
    if message is None or found != "config":
        raise UsageError(f"the first message is {'missing' if message is None else found or 'empty'}; accepted: config")
    return message.config


def settings(config: pb.Config) -> SessionSettings:
    """Read how the stream is to be read.

    Raises:
        UsageError: a setting is outside its range.
    """
    values: dict[str, Any] = {name: getattr(config, name) for name in PLAIN if config.HasField(name)}
    return SessionSettings(**values, allow=tuple(config.allow) or None, deny=tuple(config.deny) or None)


def policy(config: pb.Config) -> str:
    """Read what happens to frames nobody takes in time: "wait", "latest" or "every".

    Raises:
        UsageError: no such policy.
    """
    return POLICIES[_known("drop_policy", config.drop_policy, POLICIES, pb.DropPolicy)]


def max_age_s(config: pb.Config) -> float:
    """Read how old a frame may be.

    Raises:
        UsageError: it is not more than 0.
    """
    found: float = config.max_age_s if config.HasField("max_age_s") else math.inf
    if not found > 0:
        raise UsageError(f"max_age_s is {found:g}; accepted: more than 0 s, or inf")
    return found


def incoming(message: pb.RecognizeRequest, arrival_ns: int) -> Incoming:
    """Take a frame.

    Raises:
        UsageError: the message is not a frame, or one without an offset, a picture or a known pixel format.
    """
    found = message.WhichOneof("message")
    if found != "frame":
        raise UsageError(f"a later message is {'a second config' if found else 'empty'}; accepted: frame")
    frame = message.frame
    where = f"frame {frame.sequence}"
    if not frame.HasField("offset"):
        raise UsageError(f"{where} has no offset; accepted: 0 s to {MAX_OFFSET_S:g} s, more than the frame before")
    picture = frame.WhichOneof("picture")
    if picture is None:
        raise UsageError(f"{where} has no picture; accepted: image, raw")
    if picture == "raw":
        _known(f"{where}: pixel_format", frame.raw.pixel_format, LAYOUTS, pb.PixelFormat)
    return Incoming(frame, frame.sequence, _offset_s(frame.offset), arrival_ns)


def picture(frame: Incoming, max_pixels: int) -> Picture:
    """Decode a frame's picture.

    Raises:
        DecodeError: it is damaged, of a wrong size or too large.
    """
    assert frame.message is not None  # noqa: S101  # one that was given up is never decoded
    if frame.message.WhichOneof("picture") == "image":
        return decode_image(frame.message.image, max_pixels)
    raw = frame.message.raw
    return decode_raw(raw.data, raw.width_px, raw.height_px, LAYOUTS[raw.pixel_format], max_pixels)


def _known(name: str, found: Any, accepted: Iterable[Any], enum: Any) -> Any:
    if found not in accepted:
        known = ", ".join(enum.Name(value) for value in accepted)
        shown = enum.Name(found) if found in enum.values() else found
        raise UsageError(f"{name} is {shown}; accepted: {known}")
    return found


def _offset_s(duration: Any) -> float:
    offset_s: float = (duration.seconds * 1_000_000 + duration.nanos // 1000) / 1e6
    return offset_s if 0 <= offset_s <= MAX_OFFSET_S and 0 <= duration.nanos < 1_000_000_000 else math.nan


# From the server


def configured(recogniser: Recogniser, config: pb.Config, stream_id: str) -> pb.RecognizeResponse:
    """Say how the configuration was understood."""
    return pb.RecognizeResponse(
        configured=pb.Configured(model=model(recogniser), config=config, stream_id=stream_id),
    )


def filled(card: Card, settings: SessionSettings, policy: str, max_age_s: float) -> pb.Config:
    """Write a configuration down with everything filled in."""
    full = config_of(card.name, settings, policy)
    full.memory_s = card.memory_s if settings.memory_s is None else settings.memory_s
    full.max_age_s = max_age_s
    return full


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
        labels=card.labels,
        background=card.background,
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


def fill(duration: Any, seconds: float) -> None:
    """Write seconds into a Duration, to the microsecond."""
    duration.FromMicroseconds(round(seconds * 1e6))


# For the client


def config_of(model: str, settings: SessionSettings, policy: str) -> pb.Config:
    """Write settings down; `None` stays absent."""
    values = {name: value for name in PLAIN if (value := getattr(settings, name)) is not None}
    drop_policy = getattr(pb, f"DROP_POLICY_{policy.upper()}")
    return pb.Config(
        model=model, drop_policy=drop_policy, allow=settings.allow or (), deny=settings.deny or (), **values
    )


def frame_of(sequence: int, offset_s: float, image: bytes) -> pb.RecognizeRequest:
    """Send a JPEG or PNG."""
    message = pb.Frame(sequence=sequence, image=image)
    fill(message.offset, offset_s)
    return pb.RecognizeRequest(frame=message)


def update_of(message: pb.Update) -> Update:
    """Read what a frame gave; `age_s` is the server's."""
    return Update(
        offset_s=_offset_s(message.offset),
        labels=tuple(Label(label.name, label.probability) for label in message.labels),
        events=events_of(message.events),
        age_s=_offset_s(message.age),
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
            offset_s=_offset_s(message.offset),
            begin_s=_offset_s(message.begin_offset),
        )
        for message in messages
    )


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
        memory_s=model.memory_s,
        licence=model.licence,
        source=model.source,
        sha256=model.sha256,
    )
