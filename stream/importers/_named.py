"""Weights by name, as state dicts hold them: the PyTorch port's names, and our own. Needs numpy only."""

from collections.abc import Mapping
from typing import Any

from stream.errors import ModelError, UsageError
from stream.importers.base import Reading, Weights
from stream.nets import _movinet_port

OURS = "stem.conv.weight"
"""A name that every net of ours has."""


def ported(entries: Weights, source: str, given: Mapping[str, Any]) -> Reading:
    """Return the port's entries as ours; their gate is the port's own.

    Raises:
        UsageError: another gate was asked for.
        ModelError: see `convert_all`.
    """
    kind = "stream" if any(".conv_2." in name for name in entries) else "base"
    weights = convert_all(entries, kind)
    gate = "clip" if kind == "stream" else "sigmoid"
    if (asked := given.get("gate", gate)) != gate:
        raise UsageError(f"{source} is the port's, which computes the gate {gate!r}; {asked!r} was asked for")
    note = f"a state dict alone has nothing to run: not compared; the gate {gate!r} is the one the port computes"
    return Reading(weights, {"kind": kind, "gate": gate, "classifier_activation": "swish"}, note=note)


def ours(entries: Weights, source: str) -> Reading:
    """Return entries by our own names; the file does not tell their gate.

    Raises:
        ModelError: the names are neither ours nor the port's.
    """
    if OURS not in entries:
        some = ", ".join(sorted(entries)[:3]) or "nothing"
        raise ModelError(f"{source} holds {some}: the names of neither this project's nets nor the PyTorch port's")
    note = "a state dict alone has nothing to run: not compared; the gate is the one that was given"
    return Reading(entries, note=note)


def convert_all(entries: Weights, kind: str) -> Weights:
    """Return the port's entries as ours: every one used once.

    Raises:
        ModelError: two give one key, or one is not the port's.
    """
    weights: Weights = {}
    for name, value in entries.items():
        converted = _movinet_port.convert(name, value, kind)
        if twice := sorted(weights.keys() & converted.keys()):
            raise ModelError(f"{name!r} gives {twice[0]!r}, which is set already")
        weights |= converted
    return weights
