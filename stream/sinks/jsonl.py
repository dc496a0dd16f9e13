"""One JSON object a line, for programs: what each used frame gave, and each event.

{"kind": "update", ...}
    offset_s        seconds since the first frame of the stream
    labels          the most probable, best first: [{"name", "probability" in [0, 1]}]
    age_ms          milliseconds from the frame's arrival until its labels were ready
    drops           counts of frames not used so far: {"rate", "backlog", "decode", "order", "late"}
    reset           why the memory was cleared: "gap", "cut" or "nan"; null when it was not
{"kind": "event", ...}, after the update of the frame that brought it
    label           one of the model's labels
    phase           "begin", "update" or "end"
    offset_s        seconds since the first frame: with begin when it began, with end when it ended
    begin_s         seconds since the first frame at which it began
    probability     smoothed, in [0, 1]: with update as it is now, with begin and end the highest since it began
"""

import contextlib
import json
from types import TracebackType
from typing import Self, TextIO

from stream import rows
from stream.sinks._text import STDOUT, opened
from stream.types import Frame, Update


def build(target: str = STDOUT) -> "Jsonl":
    """Prepare to write to the file `target`, anew, or to stdout for "-"."""
    return Jsonl(target)


class Jsonl:
    """Every line is complete and flushed when `send` returns."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._file: TextIO
        self._resources = contextlib.ExitStack()
        self._last: Frame | None = None

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            UsageError: it cannot be written.
        """
        self._file = self._resources.enter_context(opened(self._target))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def send(self, frame: Frame, update: Update | None) -> None:
        """Write a line for the update, if there is one and its frame is new, and one for each of its events."""
        if update is None:
            return
        said = [rows.of_event(event) for event in update.events]
        if frame is not self._last:
            said.insert(0, rows.of_update(update))
        self._last = frame
        self._file.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in said)
        self._file.flush()
