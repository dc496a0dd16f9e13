"""What clients say: wire messages -> our types, checked."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from stream.config import SessionSettings, check
from stream.decode import decode_image, decode_raw
from stream.errors import UsageError
from stream.orientation import Orientation
from stream.pictures import ASPECTS
from stream.server.wire.fields import CODECS, LAYOUTS, MAX_OFFSET_S, PLAIN, POLICIES, offset_s
from stream.types import Picture
from stream.v1 import recognition_pb2 as pb
from stream.words import shown

CONFIG_BYTES = 256 * 1024
"""Bytes of a configuration: labels, and what a container keeps beside its packets."""
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What streams are called."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a stream begins, or goes on."""

    config: pb.Config
    """How it is to be read."""
    stream_id: str
    """Its name."""
    epoch: int = 1
    """Count of the calls that have carried it, this one included."""
    checkpoint: bytes = b""
    """Where it goes on; empty: at its first frame."""


class Video(NamedTuple):
    """What packets are of."""

    codec: str
    """One of `stream.decode.CODECS`."""
    extradata: bytes = b""
    """What their container keeps beside them."""
    orientation: Orientation | None = None
    """How pictures are turned to stand upright; None: as the packets say."""
    aspect: float | None = None
    """Width of a pixel over its height; None: as the packets say."""


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
    is_repeated: bool = False
    """It was used before the stream was resumed, and is to be used again."""
    is_context: bool = False
    """It was answered before the stream was resumed, and is to be decoded only."""

    byte_count: int = 0
    """Bytes that the message holds, whatever is in it; 0 once its picture was given up."""

    @property
    def packet(self) -> bytes:
        """The packet of a video, where it is one; else nothing."""
        return b"" if self.message is None else self.message.packet

    @property
    def is_packet(self) -> bool:
        """Say whether it is a packet of a video, and so must be decoded whether its picture is needed or not."""
        return self.message is not None and self.message.WhichOneof("picture") == "packet"

    def give_up(self) -> "Incoming":
        """Return it without its picture."""
        return replace(self, message=None, byte_count=0)

    def spent(self) -> "Incoming":
        """Return it without its bytes, which a decoder has had."""
        return replace(self, message=pb.Frame(sequence=self.sequence, offset=self.message and self.message.offset))


def opening(message: pb.RecognizeRequest | None, stream_id: str) -> Opening:
    """Take the first message; `stream_id` is what a stream is called that has no name yet.

    Raises:
        UsageError: it is something else, or there is none; or it resumes what cannot be.
    """
    found = message and message.WhichOneof("message")
    if message is None or found not in ("config", "resume"):
        said = "missing" if message is None else found or "empty"
        raise UsageError(f"the first message is {said}; accepted: config, resume")
    resume = message.resume
    if (byte_count := message.ByteSize() - len(resume.checkpoint)) > CONFIG_BYTES:
        raise UsageError(f"the first message has {byte_count} bytes; accepted: {CONFIG_BYTES}, beside a checkpoint")
    if found == "config":
        return Opening(message.config, stream_id)
    if not ID.fullmatch(resume.stream_id):
        raise UsageError(f"stream_id is {shown(resume.stream_id)}; accepted: 1 to 64 of A-Z, a-z, 0-9, _ and -")
    if resume.epoch < 2:
        raise UsageError(f"epoch is {resume.epoch}; accepted: 2 or more")
    return Opening(resume.config, resume.stream_id, resume.epoch, resume.checkpoint)


def video(config: pb.Config) -> Video | None:
    """Read which video's packets are to come, and what its container keeps beside them; None where it is pictures.

    Raises:
        UsageError: no such codec, or pictures cannot be turned or stretched so.
    """
    if not config.HasField("video"):
        return None
    found = config.video
    codec = CODECS[_known("video.codec", found.codec, CODECS, pb.Codec)]
    turns, aspect = found.orientation.quarter_turns, found.pixel_aspect if found.HasField("pixel_aspect") else None
    check("video.orientation.quarter_turns", turns <= 3, turns, "0 to 3")
    is_good = aspect is None or ASPECTS[0] <= aspect <= ASPECTS[1]
    check("video.pixel_aspect", is_good, aspect, f"{ASPECTS[0]:g} to {ASPECTS[1]:g}")
    said = Orientation(turns, found.orientation.is_mirrored) if found.HasField("orientation") else None
    return Video(codec, found.extradata, said, aspect)


def checkpoint_frames(config: pb.Config) -> int:
    """Read after how many updates a checkpoint is wanted; 0: never.

    Raises:
        UsageError: it is 0.
    """
    if config.HasField("checkpoint_frames") and not config.checkpoint_frames:
        raise UsageError("checkpoint_frames is 0; accepted: 1 or more, or nothing")
    return int(config.checkpoint_frames)


def settings(config: pb.Config, label_count: int) -> SessionSettings:
    """Read how the stream is to be read by a model that has so many labels.

    Raises:
        UsageError: a setting is outside its range, or more labels are named than there are.
    """
    for name in ("allow", "deny"):
        if (count := len(getattr(config, name))) > label_count:
            raise UsageError(f"{name} has {count} names; accepted: {label_count}, as many as the model has labels")
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
        raise UsageError(f"a later message is {f'a second {found}' if found else 'empty'}; accepted: frame")
    frame = message.frame
    where = f"frame {frame.sequence}"
    if not frame.HasField("offset"):
        raise UsageError(f"{where} has no offset; accepted: 0 s to {MAX_OFFSET_S:g} s, more than the frame before")
    picture = frame.WhichOneof("picture")
    if picture is None:
        raise UsageError(f"{where} has no picture; accepted: image, raw, packet")
    if picture == "raw":
        _known(f"{where}: pixel_format", frame.raw.pixel_format, LAYOUTS, pb.PixelFormat)
    return Incoming(
        message=frame,
        sequence=frame.sequence,
        offset_s=offset_s(frame.offset),
        arrival_ns=arrival_ns,
        is_repeated=frame.is_repeated,
        is_context=frame.is_context,
        byte_count=message.ByteSize(),  # unknown fields, too
    )


def picture(frame: Incoming, max_pixels: int, least_px: int | None = None) -> Picture:
    """Decode a frame's picture, a JPEG at a quarter of its size where both sides keep `least_px` pixels.

    Raises:
        DecodeError: it is damaged, of a wrong size or too large.
    """
    assert frame.message is not None  # noqa: S101  # one that was given up is never decoded
    if frame.message.WhichOneof("picture") == "image":
        return decode_image(frame.message.image, max_pixels, least_px)
    raw = frame.message.raw
    return decode_raw(raw.data, raw.width_px, raw.height_px, LAYOUTS[raw.pixel_format], max_pixels)


def _known(name: str, found: Any, accepted: Iterable[Any], enum: Any) -> Any:
    if found not in accepted:
        known = ", ".join(enum.Name(value) for value in accepted)
        shown = enum.Name(found) if found in enum.values() else found
        raise UsageError(f"{name} is {shown}; accepted: {known}")
    return found
