"""Reads an ONNX file that `stream-export` wrote: it carries its card and runs by itself."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from stream import cards, weights
from stream.cards import Card
from stream.errors import ModelError, UsageError
from stream.importers.base import Reading, Reference, Trace, floats
from stream.runtimes.onnxruntime import OnnxRuntime
from stream.types import Array

KIND = "an ONNX file that stream-export wrote"
OWN = ("name", "path", "weights", "sha256", "measured", "dtype")
"""Fields of a card that are about the file, or about another name."""


def recognises(source: str) -> bool:
    """Say whether its name ends with .onnx; see `importers.base.Importer`."""
    return source.endswith(".onnx") and Path(source).is_file()


def read(source: str, given: Mapping[str, Any]) -> Reading:  # noqa: ARG001  # the file tells everything
    """Return the weights, all that its card says, and the file itself as the reference."""
    try:
        content = Path(source).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}") from error
    card = _card(source, content)
    facts = {item.name: getattr(card, item.name) for item in fields(Card) if item.name not in OWN}
    found = {name: floats(name, value.numpy()) for name, value in weights.read_state_dict(content).items()}
    if card.kind == "base":
        return Reading(found, facts, note="a file of weights alone has nothing to run: not compared")
    engine = OnnxRuntime(card, content)
    return Reading(found, facts, Reference(f"the file itself in {engine.name}", lambda clip: _run(engine, clip)))


def _card(source: str, content: bytes) -> Card:
    try:
        model = onnx.load_model_from_string(content)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        return cards.parse(tomllib.loads(metadata["card"]))
    except (DecodeError, KeyError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{source} carries no card: only what stream-export wrote can be imported") from error


def _run(engine: OnnxRuntime, clip: Array) -> Trace:
    state, rows = engine.init_state(), []
    for index in range(clip.shape[2]):
        logits, state = engine.step(clip[:, :, index : index + 1], state, 1.0)
        rows.append(logits[0])
    return {"logits": np.stack(rows), **{name: value[0] for name, value in state.items()}}
