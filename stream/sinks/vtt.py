"""WebVTT: what was on as subtitles, for any player that takes a .vtt beside the video.

A cue is one range of time and its label. Each is written as soon as its range is over; cues are in order of their
beginnings. Source: WebVTT, W3C Candidate Recommendation, 4 April 2019.
"""

import contextlib
import heapq
from types import TracebackType
from typing import Self, TextIO

from stream import spans
from stream.sinks._text import STDOUT, opened
from stream.spans import Span, microseconds
from stream.types import Frame, Phase, Update

WAITING_COUNT = 1000
"""Count: ended cues that wait for an earlier one which still goes on; beyond it they are written out of order, which
players mend, so that a long stream takes no more memory."""


def build(target: str = STDOUT, *, view: str = "events") -> "Vtt":
    """Prepare to write the file `target`, anew, or to stdout for "-".

    Args:
        target: a path, or "-".
        view: "events", the actions that were told; or "labels", the label on top at every moment.

    Raises:
        UnknownPart: no such view.
    """
    return Vtt(target, view)


class Vtt:
    """Holds only what still goes on, and what waits for that."""

    def __init__(self, target: str, view: str) -> None:
        self._target, self._view = target, view
        self._spans = spans.view(view)
        self._file: TextIO
        self._resources = contextlib.ExitStack()
        self._ongoing: dict[str, int] = {}
        self._waiting: list[tuple[int, int, str]] = []  # a heap: begin, end, label

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            UsageError: it cannot be written.
        """
        self._file = self._resources.enter_context(opened(self._target))
        self._file.write("WEBVTT\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._resources:
            self._ongoing.clear()
            self._write(self._spans.finish())

    def send(self, frame: Frame, update: Update | None) -> None:
        """Write the cues that are over with this frame."""
        over = self._spans.take(frame, update)
        if update and self._view == "events":
            self._follow(update)
        self._write(over)

    def _follow(self, update: Update) -> None:
        """Remember since when actions go on: cues that began later wait for them."""
        for event in update.events:
            if event.phase is Phase.END:
                self._ongoing.pop(event.label, None)
            else:
                self._ongoing[event.label] = microseconds(event.begin_s)

    def _write(self, over: list[Span]) -> None:
        for span in over:
            heapq.heappush(self._waiting, (span.begin_us, span.end_us, span.label))
        first_us = min(self._ongoing.values(), default=None)
        while self._waiting and (
            first_us is None or self._waiting[0][0] <= first_us or len(self._waiting) > WAITING_COUNT
        ):
            self._file.write(_cue(*heapq.heappop(self._waiting)))
        self._file.flush()


def _cue(begin_us: int, end_us: int, label: str) -> str:
    begin_ms = round(begin_us / 1000)
    end_ms = max(begin_ms + 1, round(end_us / 1000))  # a cue ends after it begins
    text = " ".join(label.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"\n{_clock(begin_ms)} --> {_clock(end_ms)}\n{text}\n"


def _clock(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"
