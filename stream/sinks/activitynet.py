"""ActivityNet JSON: detected ranges of one video, as the tools of temporal action localisation read them.

{"version": "VERSION 1.3",
 "results": {VIDEO: [{"label", "score" in [0, 1], "segment": [begin, end] in seconds}]},
 "external_data": {"used": true, "details": ...}}

The layout is that of a submission to the ActivityNet challenge, task detection (Heilbron et al. 2015).
"""

import contextlib
import json
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from stream import spans
from stream.sinks._text import STDOUT, opened
from stream.spans import Span
from stream.types import Frame, Update
from stream.words import of_file

VERSION = "VERSION 1.3"


def build(target: str = STDOUT, *, view: str = "events", video: str = "") -> "ActivityNet":
    """Prepare to write the file `target`, anew, or to stdout for "-".

    Args:
        target: a path, or "-".
        view: "events", the actions that were told; or "labels", the label on top at every moment.
        video: the video's name in the results; the name of `target` without its endings when blank.

    Raises:
        UnknownPart: no such view.
    """
    return ActivityNet(target, view, of_file(video or Path(target).name.split(".")[0]))


class ActivityNet:
    """Writes each range as soon as it is over; the file is whole JSON when the `with` ends."""

    def __init__(self, target: str, view: str, video: str) -> None:
        self._target, self._video = target, video
        self._spans = spans.view(view)
        self._file: TextIO
        self._resources = contextlib.ExitStack()
        self._separator = "\n"

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            UsageError: it cannot be written.
        """
        self._file = self._resources.enter_context(opened(self._target))
        self._file.write(f'{{"version": "{VERSION}", "results": {{{json.dumps(self._video)}: [')
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._resources:
            self._write(self._spans.finish())
            external = json.dumps({"used": True, "details": "MoViNet stream"})
            self._file.write(f'\n]}}, "external_data": {external}}}\n')

    def send(self, frame: Frame, update: Update | None) -> None:
        """Write the ranges that are over with this frame."""
        self._write(self._spans.take(frame, update))

    def _write(self, over: list[Span]) -> None:
        for span in over:
            segment = [span.begin_us / 1e6, span.end_us / 1e6]
            row = {"label": span.label, "score": round(span.probability, 4), "segment": segment}
            self._file.write(self._separator + json.dumps(row, ensure_ascii=False))
            self._separator = ",\n"
        self._file.flush()
