"""Watches a source through a server: frames go out as JPEG at the model's size and rate, labels come back in order.

The source is read in the thread that sends; the caller's thread takes replies, so that a label waits for nothing. At
most `in_flight` frames are out at once: with a slow server a live source loses old frames here, and lag stays bounded.
"""

import logging
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import grpc
import numpy as np

from stream.buffer import frames
from stream.cards import Card
from stream.config import SessionSettings
from stream.decode import encode_jpeg
from stream.errors import ServiceError, UnknownPart, UsageError
from stream.resampling import Resampler
from stream.server import convert
from stream.server.entry import Entry
from stream.sources.base import Source
from stream.types import Drops, Frame, Picture, Update
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc

Send = Callable[[Frame, Update | None], None]

OPEN = Entry()
"""Nothing is shown and nothing is encrypted."""
LEAVE_S = 2.0
"""Seconds: how long the sending thread has to let go of the source, and the server to say its last."""

CALLERS = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
"""What a server says of a configuration that the caller can mend: it names what is accepted."""

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

    def __str__(self) -> str:
        if not self.round_trip_ms:
            return f"{self.sent_count} frames sent, none used"
        trip, inside = (np.percentile(values, (50, 95)) for values in (self.round_trip_ms, self.server_ms))
        return (
            f"{self.sent_count} frames sent, {self.sent_bytes / self.sent_count / 1000:.1f} kB each; "
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
    entry: Entry = OPEN,
) -> Trips:
    """Send a source's frames to a server until it ends, or reaches `stop_s`; the counterpart of `pipeline.run`.

    A picture is sent with its short side at the model's (`Describe` tells it), never enlarged: the model sees no more.
    An update's age counts from the frame's arrival here, and its drops are those of both sides.

    Args:
        source: an open source.
        target: HOST:PORT.
        send: takes each frame and what it gave, in order, in the caller's thread; None for a frame that was not used.
            What still goes on at the end is ended in a last call with the last frame again.
        model: one that the server has loaded; its first by default.
        settings: how the server is to read the stream.
        policy: "wait" or "latest"; None: "latest" for a live source, else "wait".
        stop_s: seconds since the first frame at which to stop; never by default.
        quality: of the JPEGs, 1 to 100.
        in_flight: count of frames that may be without a reply, 1 or more.
        timeout_s: seconds that the server has to answer at first.
        entry: what is shown to the server, and how the line is encrypted.

    Raises:
        ServiceError: the server cannot be reached, or ended the stream; carries its status and words.
        UsageError: it refused a label or a setting; carries its words, which name what is accepted.
        UnknownPart: it has not loaded that model; lists those it has.
        SourceError: from the source, after the frames that came before it.
    """
    with entry.channel(target) as channel, _translated(target):
        stub = rpc.RecognitionServiceStub(channel)  # type: ignore[no-untyped-call]
        card = _choose(stub.Describe(pb.DescribeRequest(), timeout=timeout_s, metadata=entry.metadata), model)
        policy = policy or ("latest" if source.is_live else "wait")
        sender = _Sender(source, card, policy=policy, stop_s=stop_s, quality=quality, in_flight=in_flight)
        replies = _Replies(sender, send)
        requests = sender.requests(convert.config_of(card.name, settings, policy))
        call = stub.Recognize(requests, metadata=entry.metadata)
        try:
            replies.take(call)
        except KeyboardInterrupt:
            sender.stop()
            threading.Timer(LEAVE_S, call.cancel).start()
            replies.take(call)
            raise
        finally:
            sender.stop()
            call.cancel()
            sender.is_done.wait(LEAVE_S)
    if sender.error:
        raise sender.error
    return Trips(card, sender.count, sender.byte_count, tuple(replies.trips_ms), tuple(replies.server_ms))


def describe(target: str, timeout_s: float = 5.0, entry: Entry = OPEN) -> tuple[Card, ...]:
    """List the models of a server, its default first.

    Raises:
        ServiceError: it cannot be reached.
    """
    with entry.channel(target) as channel, _translated(target):
        stub = rpc.RecognitionServiceStub(channel)  # type: ignore[no-untyped-call]
        answer = stub.Describe(pb.DescribeRequest(), timeout=timeout_s, metadata=entry.metadata)
    return tuple(map(convert.card_of, answer.models))


@contextmanager
def _translated(target: str) -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        if error.code() in CALLERS:
            raise UsageError(f"{target}: {error.details()}") from error
        raise ServiceError(f"{target}: {error.code().name}: {error.details()}") from error


def _choose(answer: pb.DescribeResponse, model: str) -> Card:
    cards = {found.name: found for found in map(convert.card_of, answer.models)}
    if not model and cards:
        return next(iter(cards.values()))
    if model not in cards:
        raise UnknownPart("model", model, cards)
    return cards[model]


@dataclass(frozen=True, slots=True)
class _Out:
    """A frame on its way: what is needed when its reply comes."""

    frame: Frame
    sequence: int | None
    """Its number; None where it was not sent, the model not needing it."""
    sent_ns: int
    drops: Drops
    """What was not used until then, on this side."""


class _Sender:
    """Reads the source in gRPC's sending thread; knows what is out."""

    def __init__(self, source: Source, card: Card, *, policy: str, stop_s: float, quality: int, in_flight: int) -> None:
        self._source, self._card, self._policy, self._stop_s, self._quality = source, card, policy, stop_s, quality
        self._room, self._stopping = threading.Semaphore(in_flight), threading.Event()
        self.out: deque[_Out] = deque()
        self._drops: Counter[str] = Counter()
        self.count = self.byte_count = 0
        self.error: BaseException | None = None
        self.is_done = threading.Event()

    def requests(self, config: pb.Config) -> Iterator[pb.RecognizeRequest]:
        """Yield the configuration, then the frames; what goes wrong is kept, for the server to have the last word."""
        try:
            yield pb.RecognizeRequest(config=config)
            yield from self._frames()
        except Exception as error:
            self.error = error
        finally:
            self.is_done.set()

    def stop(self) -> None:
        """Send no more."""
        self._stopping.set()
        self._room.release()

    def answered(self) -> None:
        """Make room for another frame."""
        self._room.release()

    def _frames(self) -> Iterator[pb.RecognizeRequest]:
        resampler = Resampler(self._card.fps)
        with closing(frames(self._source, self._policy, self._drop)) as stream:
            self._room.acquire()  # before a frame is taken, so that none grows old while it waits for room
            for frame in stream:
                if frame.offset_s >= self._stop_s or self._stopping.is_set():
                    return
                if resampler.takes(frame.offset_s):
                    yield self._request(frame)
                    self._room.acquire()
                else:
                    self._drop("rate", 1)
                    self._put(frame, None)

    def _request(self, frame: Frame) -> pb.RecognizeRequest:
        jpeg = encode_jpeg(frame.picture, self._quality, _side_px(frame.picture, self._card.side_px))
        self.count, self.byte_count = self.count + 1, self.byte_count + len(jpeg)
        self._put(frame, self.count)
        return convert.frame_of(self.count, frame.offset_s, jpeg)

    @property
    def drops(self) -> Drops:
        """What was not used so far, on this side."""
        return Drops(**self._drops)

    def _put(self, frame: Frame, sequence: int | None) -> None:
        self.out.append(_Out(frame, sequence, time.monotonic_ns(), self.drops))

    def _drop(self, cause: str, count: int) -> None:
        self._drops[cause] += count


class _Replies:
    """Gives every frame to `send` in its turn, with what came back for it."""

    def __init__(self, sender: _Sender, send: Send) -> None:
        self._sender, self._send = sender, send
        self._last: tuple[Frame, Update] | None = None
        self.trips_ms: deque[float] = deque(maxlen=1000)
        self.server_ms: deque[float] = deque(maxlen=1000)

    def take(self, call: Any) -> None:
        """Take replies until the server ends."""
        for reply in call:
            match reply.WhichOneof("message"):
                case "update":
                    self._update(reply.update)
                case "frame_skipped":
                    self._unused(reply.frame_skipped.sequence)
                case "frame_error":
                    _log.warning("frame %d: %s", reply.frame_error.sequence, reply.frame_error.message)
                    self._unused(reply.frame_error.sequence)
                case "finished":
                    self._finish(reply.finished)

    def _update(self, message: pb.Update) -> None:
        out = self._match(message.sequence)
        now_ns, said = time.monotonic_ns(), convert.update_of(message)
        self.trips_ms.append((now_ns - out.sent_ns) / 1e6)
        self.server_ms.append(said.age_s * 1e3)
        age_s = (now_ns - out.frame.arrival_ns) / 1e9
        update = replace(said, offset_s=out.frame.offset_s, age_s=age_s, drops=_sum(said.drops, out.drops))
        self._last = out.frame, update
        self._send(out.frame, update)

    def _unused(self, sequence: int) -> None:
        self._send(self._match(sequence).frame, None)

    def _finish(self, message: pb.Finished) -> None:
        while self._sender.out:
            self._send(self._sender.out.popleft().frame, None)
        events = convert.events_of(message.events)
        if self._last and events:
            frame, update = self._last
            drops = _sum(convert.drops_of(message.drops), self._sender.drops)
            self._send(frame, replace(update, events=events, drops=drops, reset=None))

    def _match(self, sequence: int) -> _Out:
        """Find the frame of a reply; those before it were never sent."""
        self._sender.answered()
        while self._sender.out:
            out = self._sender.out.popleft()
            if out.sequence == sequence:
                return out
            self._send(out.frame, None)
        raise ServiceError(f"the server answered frame {sequence}, which was not waiting for an answer")


def _sum(one: Drops, other: Drops) -> Drops:
    return Drops(**{cause: count + getattr(other, cause) for cause, count in asdict(one).items()})


def _side_px(picture: Picture, side_px: int) -> int:
    """Return the long side at which the short one is the model's."""
    short, long = sorted((picture.width_px, picture.height_px))
    return math.ceil(side_px * long / short)
