"""model.json: what a host without Python needs to know of an exported file; docs/phone.md has loops that read it."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stream import steps
from stream.cards import Card
from stream.config import SessionSettings

NAME = "model.json"
TIMES = ("smoothing_s", "max_gap_s")
"""Settings beside the card's thresholds that a host needs."""


def dump(card: Card, target: str, states: Mapping[str, Any]) -> str:
    """Return the text for a file that was written; an endless memory is null.

    Args:
        card: names the file.
        target: its format, a file of `stream/exporters`.
        states: name -> the array or tensor of one stream's first state, in the order of the file's inputs.
    """
    shapes = {name: list(value.shape) for name, value in states.items()}
    single, pairs = [1, 1, 1, 1], steps.sources(shapes)
    fresh = {source: shapes[name] for name, source in pairs.items() if source not in shapes}
    values: dict[str, Any] = {
        "format": steps.FORMAT,
        "name": card.name,
        "target": target,
        "file": card.weights,
        "sha256": card.sha256,
        "inputs": {steps.IMAGE: [1, 3, card.side_px, card.side_px], steps.DECAY: single} | shapes,
        "outputs": {steps.LOGITS: [1, len(card.labels)]} | fresh,
        "state": pairs,
        "side_px": card.side_px,
        "fit": card.fit,
        "lighten": card.lighten,
        "fps": card.fps,
        "memory_s": card.memory_s if math.isfinite(card.memory_s) else None,
        "decay": card.decay,
        "output": card.output,
        "labels": card.labels,
        "label_sets": card.sets.places(card.labels),
        "rest_label": card.rest_label if card.label_sets else None,
        "background": card.background,
        "experimental": card.experimental,
        "thresholds": asdict(card.thresholds) | {name: getattr(SessionSettings(), name) for name in TIMES},
        "label_thresholds": {label: asdict(found) for label, found in card.own_thresholds.items()},
        "licence": card.licence,
        "source": card.source,
    }
    lines = (f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
