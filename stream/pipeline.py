"""The way of a frame, written once: what the command line, the service and the benchmark all run.

source -> decode -> preprocess -> step -> smooth -> event -> sink
"""

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import fields, replace

import numpy as np

from stream.buffer import frames
from stream.cards import Card
from stream.checkpoint import Saved, inside, nested, pack, unpack
from stream.config import SessionSettings, Thresholds
from stream.ensemble import Ensemble, remember
from stream.errors import CheckpointError, DecodeError, UnknownPart, Unusable, UsageError
from stream.label_sets import Summing
from stream.lateness import Steps
from stream.memory import Lap
from stream.runtimes.base import Runtime
from stream.smoothing import Smoother, probabilities
from stream.sources.base import Source
from stream.types import Drops, Frame, LabelEvent, Scores, Update

IDENTITY = (
    *("name", "sha256", "architecture", "variant", "side_px", "fps", "labels", "gate", "classifier_activation"),
    *("output", "fit", "lighten", "memory_s", "trained_frames", "background", "experimental"),
    *("label_sets", "rest_label", "label_thresholds"),
)
"""Fields of a card that decide what its model says."""

ORDER_SHARE = 0.2
"""Of the frames: more than these dropped for their order are told, since it is not a damaged file any more."""

_log = logging.getLogger(__name__)


def _no_lap(_stage: str) -> None:
    """Measure nothing."""


class Session:
    """The memory of one stream: no threads, no sockets, no files. One caller at a time; any number share a runtime."""

    def __init__(
        self, runtime: Runtime | Ensemble, settings: SessionSettings | None = None, lap: Lap = _no_lap
    ) -> None:
        """Begin a stream that has seen nothing.

        Args:
            runtime: the model; shared and never changed.
            settings: how to read the stream; the defaults of `SessionSettings` when None.
            lap: called with "preprocess", "step" and "smooth" as each is done.

        Raises:
            UnknownPart: an allowed or denied label is not one of the card's; lists them.
            UsageError: the model is a base net, or an end that is asked for is higher than the card's begin.
        """
        card, settings = runtime.card, settings or SessionSettings()
        if card.kind == "base":
            raise UsageError(f"{card.name} is a base net: it sees a whole clip at once and can follow no stream")
        self._card, self._settings, self._lap = card, settings, lap
        limits = card.thresholds, card.own_thresholds
        self._smoother = Smoother(card.shown_labels, settings, card.silent_labels, *limits)
        self._summed = Summing(card.sets, card.labels)
        self._memory = remember(runtime, settings, lap)
        self._about = _about(runtime, settings)
        self._seen_s = -math.inf
        self._drops = dict.fromkeys((item.name for item in fields(Drops)), 0)

    @property
    def drops(self) -> Drops:
        """Frames that were not used so far, by cause."""
        return Drops(**self._drops)

    @property
    def untold(self) -> tuple[str, ...]:
        """Labels that have reached their begin threshold but may not be events: not allowed, or experimental."""
        quiet = set(self._card.silent_labels) - set(self._card.experimental)
        return tuple(label for label in self._smoother.untold if label not in quiet)

    @property
    def side_px(self) -> int:
        """Pixels: no picture need be larger than this, along either side."""
        return self._card.side_px

    @property
    def thresholds(self) -> Thresholds:
        """When an action begins and ends, of a label without its own: what was asked for, else what the card says."""
        return self._settings.thresholds(self._card.thresholds)

    @property
    def fps(self) -> float:
        """Frames per second: what the model takes at most."""
        return self._card.fps

    @property
    def seen_s(self) -> float:
        """Seconds: offset of the last frame in order, used or not, which the next must exceed; -inf before any."""
        return self._seen_s

    def drop(self, cause: str, count: int = 1) -> None:
        """Count frames that never got here; called by the thread that feeds, so no lock is needed.

        Raises:
            UnknownPart: no such cause; lists those of `Drops`.
        """
        if cause not in self._drops:
            raise UnknownPart("cause of a drop", cause, self._drops)
        self._drops[cause] += count

    def needs(self, offset_s: float) -> bool:
        """Say whether the frame of that offset may be used; once it is not, it never will be. Notes nothing."""
        return self._needless(offset_s) is None

    def skip(self, offset_s: float, lost: str | None = None) -> str | None:
        """Say why the frame of that offset is not used, and count it; None, and nothing noted, when it is to be fed.

        A frame that is known only by its offset need not be decoded to learn this; `feed` asks it of every frame.

        Args:
            offset_s: seconds on the stream's clock.
            lost: why its picture is not to be had any more, "backlog" or "late"; None where it is.

        Returns:
            "order" where the offset is not more than `seen_s`, "rate" where the model's rate does not need it,
            `lost` where it was needed.
        """
        cause = self._needless(offset_s) or lost
        if cause:
            self.drop(cause)
        if cause not in (None, "order"):
            self._seen_s = offset_s
        return cause

    def feed(self, frame: Frame) -> Update | None:
        """Take the next frame; None, and counted, when it is not used: not needed at the model's rate, or out of order.

        Raises:
            DecodeError: the picture could not be converted; the session is as if the frame had not come.
        """
        if self.skip(frame.offset_s):
            return None
        look = self._memory.look(frame)
        self._seen_s = frame.offset_s
        events = self._smoother.reset() if look.reset else ()
        if look.logits is not None:
            found = self._summed(probabilities(look.logits, self._card.output))
            scores = Scores(found, frame.offset_s)
            events += self._smoother.update(scores)
        labels = self._smoother.labels(self._settings.top_k)
        self._lap("smooth")
        age_s = (time.monotonic_ns() - frame.arrival_ns) / 1e9
        return Update(frame.offset_s, labels, events, age_s, self.drops, look.reset)

    def finish(self) -> tuple[LabelEvent, ...]:
        """End what still goes on; the session can be fed again afterwards, from a blank memory."""
        self._memory.forget()
        return self._smoother.reset()

    def checkpoint(self) -> bytes:
        """Return all that decides what is said of the frames to come, drops so far included; see `stream.checkpoint`.

        Of one model and its settings every checkpoint has the same length: that of the state, and some kilobytes.
        """
        return pack(self._saved(), self._about)

    def restore(self, checkpoint: bytes) -> None:
        """Go on from where another session was, of the same model, settings and version, on any machine or engine.

        Args:
            checkpoint: bytes from anywhere: nothing in them is believed that this session could not have written.

        Raises:
            CheckpointError: it is of another model or other settings, or damaged; the session is as it was.
        """
        saved = unpack(checkpoint, self._saved(), self._about)
        seen_s = float(saved["seen_s"])
        clocks = [name for name, value in saved.items() if name.endswith((".used_s", ".offset_s"))]
        if ahead := [name for name in clocks if saved[name] > seen_s]:
            raise CheckpointError(f"the checkpoint's {ahead[0]} is later than its last frame, {seen_s:g} s")
        self._seen_s = seen_s
        self._drops = {name: int(value) for name, value in inside("drops", saved).items()}
        self._smoother.restore(inside("smoother", saved))
        self._memory.restore(inside("memory", saved))

    def _saved(self) -> Saved:
        drops = {name: np.array(count, np.uint64) for name, count in self._drops.items()}
        return {
            "seen_s": np.array(self._seen_s),
            **nested("drops", drops),
            **nested("smoother", self._smoother.saved()),
            **nested("memory", self._memory.saved()),
        }

    def _needless(self, offset_s: float) -> str | None:
        """Name why the frame of that offset is not to be used, if there is a reason."""
        if not self._seen_s < offset_s < math.inf:  # a timestamp that is not a number is out of order too
            return "order"
        return None if self._memory.is_due(offset_s) else "rate"


def _about(runtime: Runtime | Ensemble, settings: SessionSettings) -> str:
    """Say which models and settings a checkpoint is of; how many labels are listed is no matter."""
    members: tuple[Card, ...] = tuple(one.card for one in runtime.members) if isinstance(runtime, Ensemble) else ()
    found = [[getattr(card, name) for name in IDENTITY] for card in (runtime.card, *members)]
    return repr((found, replace(settings.filled(runtime.card.thresholds), top_k=1)))


def run(
    source: Source,
    session: Session,
    send: Callable[[Frame, Update | None], None],
    *,
    policy: str | None = None,
    stop_s: float = math.inf,
    lap: Lap = _no_lap,
) -> None:
    """Pull a source through a session until it ends, or reaches `stop_s`.

    What still goes on is ended however the run ends: in a last call with the last frame again, whose update carries
    the END events.

    Args:
        source: an open source.
        session: the memory of this stream.
        send: takes each frame and what it gave, in order; None for a frame that was not used.
        policy: what happens to frames nobody takes in time; see `stream.buffer.frames`. None: as the source needs.
        stop_s: seconds since the first frame at which to stop; never by default.
        lap: called with "decode" (waiting for the frame included) and "send" as each is done.

    Raises:
        Unusable: the source came to its end, and not one frame could be used; says why.
        CutShort: it ended before the length that it claims; after all that came was sent.
        SourceError: it cannot be read any more.
    """
    last: tuple[Frame, Update] | None = None
    used_count = 0
    faults = deque[str](maxlen=1)  # what is wrong with the last that could not be read
    is_stopped, begun = False, session.drops

    def tell(words: str) -> None:
        _log.warning("%s: %s", source.uri, words)

    steps = Steps(session.fps, tell)

    def drop(cause: str, count: int) -> None:
        session.drop(cause, count)
        if cause == "backlog":
            steps.lost(count)

    try:
        with closing(frames(source, policy, count_drop=drop, note=faults.append, tell=tell)) as stream:
            for frame in stream:
                lap("decode")
                if is_stopped := frame.offset_s >= stop_s:
                    break
                try:
                    update = session.feed(frame)
                except DecodeError as error:
                    session.drop("decode")
                    faults.append(str(error))
                    _log.warning("%s: %s", source.uri, error)
                    continue
                send(frame, update)
                lap("send")
                if update:
                    last = (frame, update)
                    steps.gave(update.age_s, time.monotonic())
                used_count += bool(update)
        if not last and not is_stopped:
            raise Unusable(_why(source.uri, session.drops, begun, faults))
    finally:
        if last and (ends := session.finish()):
            send(last[0], replace(last[1], events=ends, drops=session.drops, reset=None))
        if disorder := out_of_order(session.drops, begun, used_count):
            _log.warning("%s: %s", source.uri, disorder)


def out_of_order(drops: Drops, begun: Drops, used_count: int) -> str:
    """Say that many frames were not used for their timestamps, if so; blank where it is a few.

    Args:
        drops: of a session now.
        begun: of the same session before these frames came.
        used_count: frames that were used.
    """
    count = drops.order - begun.order
    total = count + used_count + drops.rate - begun.rate
    if count <= ORDER_SHARE * total:
        return ""
    return f"{count} of {total} frames were not used: their timestamps do not increase"


def _why(uri: str, drops: Drops, begun: Drops, faults: Sequence[str]) -> str:
    """Say why a source gave no frame that could be used."""
    if count := drops.decode - begun.decode:
        return f"{uri}: not one frame could be used: {count} could not be read, the last: {faults[-1]}"
    return f"{uri}: it ended without a frame"
