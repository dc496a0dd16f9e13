"""Streaming action recognition on the device: frames in, rolling labels and begin/end events out.

    recogniser = stream.load("gestures-a0")
    session = recogniser.session()
    with stream.open_source("synthetic://gestures?seconds=10") as source:
        stream.run(source, session, lambda frame, update: print(update))

`import stream` imports nothing else; each name brings what it needs when it is first used.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ONNX Runtime reads it as it is loaded; see SECURITY.md

if TYPE_CHECKING:
    from stream.cards import Card
    from stream.config import SessionSettings
    from stream.errors import StreamError
    from stream.pipeline import Session, run
    from stream.recogniser import Recogniser, load
    from stream.sources import open_source
    from stream.types import Drops, Frame, Label, LabelEvent, Phase, Update

__all__ = [
    "Card",
    "Drops",
    "Frame",
    "Label",
    "LabelEvent",
    "Phase",
    "Recogniser",
    "Session",
    "SessionSettings",
    "StreamError",
    "Update",
    "load",
    "open_source",
    "run",
]

_HOMES = {
    "cards": ("Card",),
    "config": ("SessionSettings",),
    "errors": ("StreamError",),
    "pipeline": ("Session", "run"),
    "recogniser": ("Recogniser", "load"),
    "sources": ("open_source",),
    "types": ("Drops", "Frame", "Label", "LabelEvent", "Phase", "Update"),
}
"""Module -> the names it gives to the front door."""


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"stream.{home}"), name)
    raise AttributeError(f"module 'stream' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
