"""Files of ranges of time, one a source: written beside their place, and put there whole when the source has ended."""

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from stream.errors import OutputError, UsageError
from stream.pictures import UnseenPicture
from stream.server.news import Gap, Over, Used
from stream.server.outputs.base import Output, OutputSettings, Told
from stream.sinks import open_sink
from stream.sinks.base import Sink
from stream.types import Frame, LabelEvent, Update

FIELDS = {"folder": "a text", "view": "a text"}
PARTIAL = ".part"
UNSEEN = UnseenPicture("is of no interest to these sinks")


class Recording:
    """The ranges of one source, from its first frame to its end."""

    def __init__(self, sink: str, path: Path, **options: Any) -> None:
        """Open the file beside `path`.

        Raises:
            UsageError: it cannot be written.
        """
        self._path, self._partial = path, path.with_name(path.name + PARTIAL)
        self._stack = ExitStack()
        self._sink: Sink = self._stack.enter_context(open_sink(sink, str(self._partial), **options))
        self._last: tuple[Frame, Update] | None = None

    def use(self, update: Update) -> None:
        """Take what a frame gave."""
        self._last = (_frame(update.offset_s), update)
        self._sink.send(*self._last)

    def gap(self, offset_s: float, events: tuple[LabelEvent, ...]) -> None:
        """Take that frames stopped coming, and what that ends."""
        if self._last:
            self._sink.send(_frame(offset_s), replace(self._last[1], offset_s=offset_s, events=events))

    def end(self, over: Over) -> None:
        """Complete the file, and put it in its place; there is none where that cannot be."""
        try:
            self._sink.send(_frame(over.last_s, over.end_s - over.last_s), None)
            if self._last and over.events:
                self._sink.send(self._last[0], replace(self._last[1], events=over.events))
            self._stack.close()
            self._partial.replace(self._path)
        except OSError:
            self._partial.unlink(missing_ok=True)
            raise

    def leave(self) -> None:
        """Close the file where it is."""
        with suppress(OSError):
            self._stack.close()


class Ranges(Output):
    """A file a source."""

    def __init__(self, sink: str, suffix: str, settings: OutputSettings, *, is_named: bool = False) -> None:
        """Prepare to write `folder/SOURCE.suffix`.

        Args:
            sink: the sink of `stream/sinks` that writes.
            suffix: how the files' names end.
            settings: `folder`, which must exist, and `view`, "events" or "labels".
            is_named: the sink wants to know the source's name.

        Raises:
            UsageError: no such folder or view.
        """
        self._sink, self._suffix, self._is_named = sink, suffix, is_named
        self._folder = settings.path("folder")
        if not self._folder.is_dir():
            raise UsageError(f"folder is {self._folder}; accepted: a folder that exists")
        self._options = {"view": settings.values.get("view", "events")}
        open_sink(sink, str(self._folder / "unused"), **self._options)
        self._open = dict[str, Recording]()
        self._lost, self._trouble = Counter[str](), ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for recording in self._open.values():
            recording.leave()
        self._open.clear()

    def take(self, told: Told) -> None:
        """Write the ranges that are over. What a full disk does not take waits in the file's buffer, or goes with it.

        Raises:
            OutputError: a file cannot be begun.
        """
        try:
            self._take(told)
            self._trouble = ""
        except UsageError as error:
            raise OutputError(str(error)) from error
        except OSError as error:
            self._trouble = f"cannot write into {self._folder}: {error.strerror}"
            if isinstance(told.news, Over):
                self._open.pop(told.source).leave()
                self._lost["disk"] += 1

    @property
    def lost(self) -> Mapping[str, int]:
        """Count of files that could not be completed."""
        return self._lost

    @property
    def trouble(self) -> str:
        """What the disk said last."""
        return self._trouble

    def _take(self, told: Told) -> None:
        match told.news:
            case Used():
                self._of(told.source).use(told.news.update)
            case Gap():
                self._of(told.source).gap(told.news.offset_s, told.news.events)
            case Over() if told.source in self._open:  # of what never gave a frame nothing is known
                self._open[told.source].end(told.news)
                del self._open[told.source]

    def _of(self, source: str) -> Recording:
        if source not in self._open:
            options = {"video": source} if self._is_named else {}
            path = self._folder / f"{source}{self._suffix}"
            self._open[source] = Recording(self._sink, path, **self._options, **options)
        return self._open[source]


def _frame(offset_s: float, duration_s: float | None = None) -> Frame:
    return Frame(UNSEEN, offset_s, 0, duration_s)
