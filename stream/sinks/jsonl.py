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
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self, TextIO

from stream.sinks._text import STDOUT, opened
from stream.types import Frame, LabelEvent, Update


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
        rows = [_event(event) for event in update.events]
        if frame is not self._last:
            rows.insert(0, _update(update))
        self._last = frame
        self._file.writelines(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        self._file.flush()


def _update(update: Update) -> dict[str, Any]:
    labels = [{"name": label.name, "probability": round(label.probability, 4)} for label in update.labels]
    return {
        "kind": "update",
        "offset_s": round(update.offset_s, 6),
        "labels": labels,
        "age_ms": round(update.age_s * 1e3, 2),
        "drops": asdict(update.drops),
        "reset": update.reset,
    }


def _event(event: LabelEvent) -> dict[str, Any]:
    return {
        "kind": "event",
        "label": event.label,
        "phase": event.phase.value,
        "offset_s": round(event.offset_s, 6),
        "begin_s": round(event.begin_s, 6),
        "probability": round(event.probability, 4),
    }
