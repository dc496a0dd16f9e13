"""Watches a source through a server: frames go out as JPEG at the model's size and rate, labels come back in order.

The source is read in the thread that sends; the caller's thread takes replies, so that a label waits for nothing. At
most `in_flight` frames are out at once: with a slow server a live source loses old frames here, and lag stays bounded.
A line that is lost is taken up again, here or at another server, and no frame's label is another for it.
"""

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np

from stream import threads
from stream.cards import Card
from stream.config import SessionSettings
from stream.errors import ServiceError, UnknownPart, Unusable
from stream.pipeline import out_of_order
from stream.server.client import messages, parcels
from stream.server.client.entry import Entry
from stream.server.client.inbox import GoneAway, Inbox, Send
from stream.server.client.lines import Lines
from stream.server.client.outbox import Outbox
from stream.server.client.replies import Replies
from stream.sources.base import EncodedSource, Encoding, Source
from stream.types import Drops
from stream.v1 import recognition_pb2 as pb

OPEN = Entry()
"""Nothing is shown and nothing is encrypted."""
LEAVE_S = 2.0
"""Seconds: how long the sending thread has to let go of the source, and the server to say its last."""
MOST_BYTES_PER_S = 250e3
"""Bytes a second: a source that claims more than this is sent as pictures, unless packets are asked for."""
PACKETS_IN_FLIGHT = 48
"""Count of packets that may be without a reply: a decoder holds back up to 16."""
CHECKPOINT_FRAMES = 256
"""Count of updates after which a checkpoint is asked for: as many frames are kept, and sent again after a loss."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trips:
    """How a watch went."""

    card: Card
    """The model that answered, as the server describes it."""
    sent_count: int
    """Count of frames sent."""
    sent_bytes: int
    """Bytes of the pictures sent."""
    round_trip_ms: tuple[float, ...] = field(repr=False)
    """Milliseconds from a frame's sending to its reply: the last thousand."""
    server_ms: tuple[float, ...] = field(repr=False)
    """Milliseconds of these that the server needed, the wait for its turn among them."""
    length_s: float = 0.0
    """Seconds of the stream until the last frame that was used."""
    resume_count: int = 0
    """Count of times that a lost line was taken up again."""

    def __str__(self) -> str:
        if not self.round_trip_ms:
            return f"{self.sent_count} frames sent, none used"
        trip, inside = (np.percentile(values, (50, 95)) for values in (self.round_trip_ms, self.server_ms))
        kb = self.sent_bytes / 1000
        each, rate = kb / self.sent_count, kb / max(self.length_s, 0.1)
        return (
            f"{self.sent_count} frames sent, {each:.1f} kB each, {rate:.0f} kB/s; "
            f"round trip {trip[0]:.1f} ms (p95 {trip[1]:.1f}), {inside[0]:.1f} ms (p95 {inside[1]:.1f}) in the server"
        )


def watch(
    source: Source,
    target: str,
    send: Send,
    *,
    model: str = "",
    settings: SessionSettings = SessionSettings(),  # noqa: B008  # frozen
    policy: str | None = None,
    stop_s: float = math.inf,
    quality: int = 85,
    in_flight: int = 4,
    timeout_s: float = 5.0,
    patience_s: float = 60.0,
    checkpoint_frames: int = CHECKPOINT_FRAMES,
    needs_pictures: bool = True,
    is_encoded: bool | None = None,
    entry: Entry = OPEN,
) -> Trips:
    """Send a source's frames to a server until it ends, or reaches `stop_s`; the counterpart of `pipeline.run`.

    A picture is sent with its short side at the model's (`Describe` tells it), never enlarged: the model sees no more.
    An update's age counts from the frame's arrival here, and its drops are those of both sides.

    Args:
        source: an open source.
        target: HOST:PORT; with commas between, several: whichever is there when another has gone goes on.
        send: takes each frame and what it gave, in order, in the caller's thread; None for a frame that was not used.
            What still goes on at the end is ended in a last call with the last frame again.
        model: one that the server has loaded; its first by default.
        settings: how the server is to read the stream.
        policy: "wait" or "latest"; None: "latest" for a live source, else "wait".
        stop_s: seconds since the first frame at which to stop; never by default.
        quality: of the JPEGs, 1 to 100.
        in_flight: count of frames that may be without a reply, 1 or more.
        timeout_s: seconds that a server has to answer at first.
        patience_s: seconds, 0 or more, for which a server that was lost is tried again; 0: not at all.
        checkpoint_frames: count, 1 or more: after so many updates the server gives what the stream can be resumed from.
        needs_pictures: whether `send` looks at the frames' pictures. Where it does not, and the source is compressed
            already, its packets can be sent as they are, and nothing is decoded here.
        is_encoded: send packets (True) or pictures (False); None: packets, unless their source says that they are more
            than `MOST_BYTES_PER_S`.
        entry: what is shown to the server, and how the line is encrypted.

    Raises:
        ServiceError: no server can be reached at first, or for `patience_s` later on; or it ended the stream. Carries
            its status and words.
        UsageError: it refused a label or a setting; carries its words, which name what is accepted.
        UnknownPart: it has not loaded that model; lists those it has.
        SourceError: from the source, after the frames that came before it.
        Unusable: the source came to its end, and not one frame could be used.
    """
    lines = Lines(target, entry, timeout_s=timeout_s, patience_s=patience_s)
    with lines.line() as (_, described):
        card = _choose(described, model)
    policy = policy or ("latest" if source.is_live else "wait")
    video = None if needs_pictures else _encoding(source, is_encoded)
    outbox = Outbox(stop_s=stop_s, in_flight=max(in_flight, PACKETS_IN_FLIGHT) if video else in_flight)
    if video:
        outbox.begin(parcels.packets(*video, outbox.drop))
    else:
        outbox.begin(parcels.pictures(source, card, policy, quality, outbox.drop))
    kind = parcels.format_of(video[1]) if video else None
    config = messages.configure(card.name, settings, policy, checkpoint_frames, kind)
    inbox = Inbox(outbox, send, config, is_leaving=patience_s > 0)
    try:
        _converse(lines, outbox, inbox)
    finally:
        outbox.close(LEAVE_S)
    if disorder := out_of_order(inbox.drops, Drops(), inbox.used_count):
        _log.warning("%s: %s", source.uri, disorder)
    if outbox.error:
        raise outbox.error
    if not inbox.used_count and stop_s > 0:
        raise Unusable(_why(source.uri, inbox))
    return Trips(
        card,
        outbox.count,
        outbox.byte_count,
        tuple(inbox.trips_ms),
        tuple(inbox.server_ms),
        inbox.last_s,
        inbox.resume_count,
    )


def describe(target: str, timeout_s: float = 5.0, entry: Entry = OPEN) -> tuple[Card, ...]:
    """List the models of a server, its default first.

    Raises:
        ServiceError: it cannot be reached.
    """
    with Lines(target, entry, timeout_s=timeout_s, patience_s=0).line() as (_, described):
        return tuple(map(messages.card_of, described.models))


def _why(uri: str, inbox: Inbox) -> str:
    """Say why not one frame was used."""
    if not inbox.drops.decode:
        return f"{uri}: it ended without a frame"
    last = f", the last: {inbox.fault}" if inbox.fault else ""
    return f"{uri}: not one frame could be used: {inbox.drops.decode} could not be read{last}"


def _converse(lines: Lines, outbox: Outbox, inbox: Inbox) -> None:
    """Talk until all is said, on as many lines as it takes."""
    while True:
        try:
            with lines.line() as (stub, _):
                _take(stub.Recognize(outbox.requests(inbox.first), metadata=lines.metadata), outbox, inbox)
        except (ServiceError, GoneAway) as error:
            if inbox.was_refused and lines.is_refused(error):
                _log.warning("%s; the stream begins anew there, with nothing remembered", error)
                inbox.begin_anew()
                outbox.begin_anew()
            elif inbox.can_resume and lines.mends(error, inbox.heard_s):
                outbox.begin_again()
            else:
                inbox.finish()
                raise
        else:
            inbox.finish()
            return


def _take(call: Any, outbox: Outbox, inbox: Inbox) -> None:
    """Take one line's replies; after Ctrl-C, what the server still has to say."""
    replies = Replies(call)
    try:
        inbox.take(replies)
    except KeyboardInterrupt:
        outbox.stop()
        threads.start("leave", lambda: _cancel_after(LEAVE_S, call), has_second_life=False)
        with suppress(grpc.RpcError, GoneAway):
            inbox.take(replies)
        inbox.finish()
        raise
    finally:
        call.cancel()


def _cancel_after(seconds: float, call: Any) -> None:
    time.sleep(seconds)
    call.cancel()


def _choose(answer: pb.DescribeResponse, model: str) -> Card:
    cards = {found.name: found for found in map(messages.card_of, answer.models)}
    if not model and cards:
        return next(iter(cards.values()))
    if model not in cards:
        raise UnknownPart("model", model, cards)
    return cards[model]


def _encoding(source: Source, is_encoded: bool | None) -> tuple[EncodedSource, Encoding] | None:
    """Return how a source's packets are compressed; None where pictures are sent."""
    if is_encoded is False or not isinstance(source, EncodedSource) or (encoding := source.encoding) is None:
        return None
    is_small = (encoding.bytes_per_s or 0) <= MOST_BYTES_PER_S
    return (source, encoding) if parcels.format_of(encoding) and (is_small or is_encoded) else None
