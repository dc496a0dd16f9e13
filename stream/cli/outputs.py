"""Where the updates of a watch go: a table or JSON lines, a video, a plot; and what is to be said at its end."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from stream.config import EVERY_LABEL, SessionSettings, Thresholds
from stream.sinks import open_sink
from stream.sinks.base import Sink
from stream.types import Frame, Update
from stream.words import of_file

Send = Callable[[Frame, Update | None], None]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is wanted of a watch."""

    settings: SessionSettings
    """How the stream is to be read, and how many labels people want to see of it."""
    is_json: bool = False
    """JSON lines on stdout instead of a table."""
    video: Path | None = None
    """The overlaid video, an .mp4."""
    plot: Path | None = None
    """The timeline, a .png: of all labels, however few are listed elsewhere."""
    vtt: Path | None = None
    """What happened as subtitles, a .vtt."""
    activitynet: Path | None = None
    """What happened as detected ranges, a .json."""

    @property
    def asked(self) -> SessionSettings:
        """What to ask of the session, so that everything wanted can be made of its updates."""
        return replace(self.settings, top_k=EVERY_LABEL) if self.plot else self.settings

    @contextmanager
    def opened(
        self, title: str, limits: Thresholds | None = None, untold: Callable[[], Sequence[str]] = tuple
    ) -> Iterator[Send]:
        """Open the sinks; give the function that sends to all of them.

        A watch without an event is said at its end.

        Args:
            title: what is watched, and by what.
            limits: what no action reached then; None: each label has its own, or only a server knows.
            untold: asked at the end which labels did, but may not be told.
        """
        title = of_file(title)
        split = _Split(self.settings.top_k, self._listing(title), self._whole(title))
        try:
            with ExitStack() as stack:
                for sink in split.sinks:
                    stack.enter_context(sink)
                yield split.send
        except KeyboardInterrupt:
            self._sum_up(split, limits, untold)
            raise
        self._sum_up(split, limits, untold)

    def _listing(self, title: str) -> list[Sink]:
        """Prepare the sinks for people and programs, which list the best labels."""
        wanted = {"video": self.video, "vtt": self.vtt, "activitynet": self.activitynet}
        files = [open_sink(name, str(path)) for name, path in wanted.items() if path]
        if self.is_json:
            return [*files, open_sink("jsonl", "-")]
        return [*files, open_sink("table", "-", title=title)]

    def _whole(self, title: str) -> list[Sink]:
        return [open_sink("plot", str(self.plot), title=title)] if self.plot else []

    def _sum_up(self, split: "_Split", limits: Thresholds | None, untold: Callable[[], Sequence[str]]) -> None:
        if split.has_event:
            return
        wanted = f"{limits.begin_threshold:g} and held for {limits.min_duration_s:g} s" if limits else "its threshold"
        seen = f"{split.count} frames used, {split.length_s:.1f} s"
        among = " of the labels allowed" if self.settings.allow or self.settings.deny else ""
        others = f"; labels that were not allowed reached theirs: {', '.join(found)}" if (found := untold()) else ""
        sys.stderr.write(f"no event: {seen}; no action{among} reached {wanted}{others}\n")


class _Split:
    """Sends the best labels of an update to some sinks and all of them to others; keeps count."""

    def __init__(self, top_k: int, listing: list[Sink], whole: list[Sink]) -> None:
        self._top_k, self._listing, self._whole = top_k, listing, whole
        self.count, self.length_s, self.has_event = 0, 0.0, False
        self._begin_s: float | None = None
        self._last: Frame | None = None

    @property
    def sinks(self) -> list[Sink]:
        """All of them, in the order of their opening: a live table is closed before files are completed."""
        return [*self._whole, *self._listing]

    def send(self, frame: Frame, update: Update | None) -> None:
        """Send what a frame gave to every sink."""
        if update:
            self._note(frame, update)
        for sink in self._listing:
            sink.send(frame, update and replace(update, labels=update.labels[: self._top_k]))
        for sink in self._whole:
            sink.send(frame, update)

    def _note(self, frame: Frame, update: Update) -> None:
        self.count += frame is not self._last  # the last one comes again with what it ends
        self._last = frame
        self._begin_s = update.offset_s if self._begin_s is None else self._begin_s
        self.length_s = update.offset_s - self._begin_s  # a source that a server keeps open has begun long before
        self.has_event = self.has_event or bool(update.events)
