"""Keeps one configured source open and stepping, for as long as it is wanted: one decode and one step for all watchers.

source -> decode -> preprocess -> step -> smooth -> event -> sink
a thread of its own  `------ a worker -------'              whoever watches

The session outlives the connection. Its clock goes on by the time that really passed, so a short gap fades the memory
by its length and a long one clears it; what lasted when frames stopped is ended once the gap is longer than
`max_gap_s`, not when the camera comes back, which may be never.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import replace

from stream import allowed, threads
from stream.buffer import frames
from stream.errors import CutShort, DecodeError, SourceError, SourceRefused, StreamError
from stream.lateness import Steps
from stream.pipeline import Session
from stream.recogniser import Recogniser
from stream.server.backoff import Backoff
from stream.server.configuration.settings import SourceSettings
from stream.server.news import Gap, News, Over, Used
from stream.server.operations.metrics import CONFIGURED, Metrics
from stream.server.operations.named import DECODE, SOURCE, STREAM, kept
from stream.server.standing import Standing, State, Tally
from stream.server.turns import Deadlines, Turns
from stream.sources.base import Source
from stream.types import Drops, Frame, LabelEvent, Update

USUAL_FPS = 25.0
"""Frames per second of a source that does not say: how far apart the end of a loop and its next beginning are."""

_log = logging.getLogger(__name__)


class Keeper:
    """One source, from its configuration to its end. `tell` is called from its threads, one at a time."""

    def __init__(
        self,
        settings: SourceSettings,
        recogniser: Recogniser,
        workers: Turns,
        tell: Callable[[News], None],
        metrics: Metrics,
        see: Callable[[Frame], None] = lambda _: None,
    ) -> None:
        """Keep nothing yet; `see` is shown every frame, and must be quick."""
        self.settings, self.recogniser = settings, recogniser
        self._workers, self._tell, self._metrics, self._see = workers, tell, metrics, see
        self._watch = metrics.stopwatch(recogniser, source=settings.name)
        self.policy = settings.policy or "latest"
        """What happens to frames that come too fast, as the source needs it."""
        self._session = Session(recogniser.runtime, settings.session, self._watch)
        self._deadlines = Deadlines(recogniser.card.fps)
        self._steps = Steps(recogniser.card.fps, self._hear)
        self._tally = Tally(settings.name, recogniser.card.name, _told(settings, recogniser))
        self._lock = threading.RLock()
        """Held while the session or the state changes."""
        self._leaving, self._is_over, self._has_gap = threading.Event(), False, True
        self._clock = _Timeline()
        self._heard_s = time.monotonic()
        self._live_s: float | None = None
        """When the first frame of this run came; None before it."""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread = threads.start(f"keep {self.settings.name}", self._keep)

    def standing(self) -> Standing:
        """Say how it is."""
        return self._tally.standing(self._session.drops)

    @property
    def is_over(self) -> bool:
        """Say whether the last word has been said."""
        return self._is_over

    def last_word(self) -> Over:
        """Say it again, to who came too late for it."""
        return self._over(())

    def look(self) -> None:
        """Notice silence; called now and then by whoever started it."""
        if not self._lock.acquire(blocking=False):
            return  # a frame is in work: there is no silence
        try:
            silence_s = time.monotonic() - self._heard_s
            if self._tally.state is State.LIVE and silence_s > self.settings.stall_s:
                self._become(State.STALLED, f"no frame came for {self.settings.stall_s:g} s")
            if silence_s > self.settings.session.max_gap_s and not self._has_gap and not self._is_over:
                self._has_gap = True
                self._tell(Gap(self._clock.offset_s, self._session.finish()))
        finally:
            self._lock.release()

    def stop(self) -> None:
        """Say the last word now; the thread ends with what it is in the midst of, at the source's timeout at most."""
        self._leaving.set()
        with self._lock:
            self._end()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread."""
        if self._thread:
            self._thread.join(timeout_s)

    def _keep(self) -> None:
        STREAM.set(self.settings.name)
        backoff = Backoff(self.settings.max_pause_s)
        self._become(State.CONNECTING)
        while not self._leaving.is_set():
            self._live_s = None
            error = self._try()
            if error is None and self._leaving.is_set():
                return
            if error is None and not self.settings.loop:
                with self._lock:
                    self._become(State.ENDED)
                    self._end()
                return
            if error:
                lived_s = 0.0 if self._live_s is None else self._heard_s - self._live_s
                pause_s = backoff.pause_s(lived_s, isinstance(error, SourceRefused))
                _log.warning("%s: %s; tried again in %.1f s", self.settings.name, error, pause_s, extra=SOURCE)
                self._become(State.FAILED, str(error))
                self._leaving.wait(pause_s)
                self._become(State.CONNECTING)

    def _try(self) -> StreamError | None:
        """Pull the source until its end; return what went wrong, if anything did."""
        count = self._tally.standing(Drops()).frame_count
        try:
            self._pull()
        except CancelledError:
            self._leaving.set()
        except CutShort as error:  # all that is there has been seen: it has come to its end
            _log.warning("%s: %s", self.settings.name, error, extra=SOURCE)
        except StreamError as error:
            return _bare(error)
        except Exception as error:
            if self._leaving.is_set():  # the workers have gone home
                return None
            _log.error("%s: the server failed: %s", self.settings.name, threads.place(error))
            return StreamError(f"the server failed ({type(error).__name__}); its log says how")
        if not self._leaving.is_set() and self._tally.standing(Drops()).frame_count == count:
            return SourceError("it ended without a frame")
        return None

    def _pull(self) -> None:
        with self.settings.source() as source, closing(self._frames(source)) as stream:
            self._clock.begin_run(source, is_loop=self.settings.loop)
            for frame in stream:
                if self._leaving.is_set():
                    return
                self._take(source, self._clock.place(frame))

    def _frames(self, source: Source) -> Generator[Frame, None, None]:
        wanted = self.settings
        self.policy = wanted.policy or ("latest" if source.is_live else "wait")
        age_s, patience_s = wanted.max_age_s, wanted.timeout_s
        return frames(
            source, self.policy, self._drop, wanted.queue, max_age_s=age_s, patience_s=patience_s, tell=self._hear
        )

    def _hear(self, words: str) -> None:
        """Say of a source what the thread that reads it says: it is neither gone nor as it should be."""
        self._become(self._tally.state, words)

    def _take(self, source: Source, frame: Frame) -> None:
        with self._lock:
            if self._is_over:
                return
            self._heard()
            self._see(frame)
            if cause := self._session.skip(frame.offset_s):
                self._metrics.dropped(CONFIGURED, cause)
                return
            try:
                due_s = self._deadlines.next(frame.arrival_ns / 1e9, time.monotonic())
                update = self._workers.submit_by(due_s, kept(self._feed), frame).result()
            except DecodeError as error:
                self._session.drop("decode")
                self._metrics.dropped(CONFIGURED, "decode")
                _log.debug("%s: %s", source.uri, error, extra=DECODE)
                return
            self._heard_s = time.monotonic()
            if update:
                self._metrics.used(CONFIGURED, update.age_s)
                self._steps.gave(update.age_s, self._heard_s)
                news = Used(self._tally.used(), update)
                self._watch.track.done("event")
                self._tell(news)
                self._watch.track.sent()

    def _feed(self, frame: Frame) -> Update | None:
        self._watch.track.begin(frame.arrival_ns, frame.offset_s)
        self._watch.start()
        return self._session.feed(frame)

    def _heard(self) -> None:
        """Note that a frame is here."""
        self._heard_s, self._has_gap = time.monotonic(), False
        self._live_s = self._live_s or self._heard_s
        self._tally.heard()
        if self._tally.state is not State.LIVE:
            if self._tally.state is State.CONNECTING and self._clock.run_count > 1:
                self._tally.reconnected()
            self._become(State.LIVE)

    def _drop(self, cause: str, count: int) -> None:
        with self._lock:
            self._session.drop(cause, count)
            self._metrics.dropped(CONFIGURED, cause, count)
            self._tally.heard(count)
            if cause == "backlog":
                self._steps.lost(count)
            if cause in ("late", "backlog"):
                self._heard_s = time.monotonic()  # late is not absent

    def _become(self, state: State, error: str = "") -> None:
        with self._lock:
            if not self._is_over and self._tally.become(state, error):
                _log.info("%s: %s%s", self.settings.name, state.value, f": {error}" if error else "", extra=SOURCE)
                self._tell(self.standing())

    def _end(self) -> None:
        """Say what the end ends; once."""
        if not self._is_over:
            self._is_over = True
            self._tell(self._over(self._session.finish()))

    def _over(self, events: tuple[LabelEvent, ...]) -> Over:
        return Over(events, self._session.drops, self._clock.offset_s, self._clock.end_s)


class _Timeline:
    """Seconds since a source's first frame, across its runs."""

    def __init__(self) -> None:
        self.offset_s, self.end_s, self.run_count = 0.0, 0.0, 0
        self._epoch_s = self._shift_s = 0.0
        self._interval_s, self._is_loop, self._is_first = 1 / USUAL_FPS, False, True

    def begin_run(self, source: Source, *, is_loop: bool) -> None:
        self._interval_s, self._is_loop, self._is_first = 1 / (source.fps or USUAL_FPS), is_loop, True

    def place(self, frame: Frame) -> Frame:
        """Return a frame with its offset on this clock: in a loop the next beginning follows the end at once."""
        if self._is_first:
            self._shift_s = self._begin_s(frame.arrival_ns / 1e9) - frame.offset_s
            self._is_first, self.run_count = False, self.run_count + 1
        before_s, self.offset_s = self.offset_s, frame.offset_s + self._shift_s
        self.end_s = self.offset_s + (frame.duration_s or self.offset_s - before_s or self._interval_s)
        return replace(frame, offset_s=self.offset_s)

    def _begin_s(self, arrival_s: float) -> float:
        if self.run_count == 0:
            self._epoch_s = arrival_s
            return 0.0
        next_s = self.offset_s + self._interval_s
        return next_s if self._is_loop else max(next_s, arrival_s - self._epoch_s)


def _told(settings: SourceSettings, recogniser: Recogniser) -> tuple[str, ...]:
    """List the labels of which a beginning may be told."""
    return allowed.told(recogniser.labels, recogniser.card.silent_labels, settings.session)


def _bare(error: StreamError) -> StreamError:
    """Take from an error what led to it: the frames it passed hold the source, and that its decoder's threads."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
