"""Updates and events as objects for JSON: what lines, webhooks and messages have in common."""

from dataclasses import asdict
from typing import Any

from stream.types import LabelEvent, Update

Row = dict[str, Any]
"""One object."""


def of_update(update: Update) -> Row:
    """Return what a used frame gave, without its events."""
    labels = [{"name": label.name, "probability": round(label.probability, 4)} for label in update.labels]
    return {
        "kind": "update",
        "offset_s": round(update.offset_s, 6),
        "labels": labels,
        "age_ms": round(update.age_s * 1e3, 2),
        "drops": asdict(update.drops),
        "reset": update.reset,
    }


def of_event(event: LabelEvent) -> Row:
    """Return the begin, the going on or the end of an action."""
    return {
        "kind": "event",
        "label": event.label,
        "phase": event.phase.value,
        "offset_s": round(event.offset_s, 6),
        "begin_s": round(event.begin_s, 6),
        "probability": round(event.probability, 4),
    }
