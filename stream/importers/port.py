"""Reads a state dict of the PyTorch port, github.com/Atze00/MoViNet-pytorch."""

from collections.abc import Mapping
from typing import Any

from stream.errors import ModelError, UsageError
from stream.importers import _pickles
from stream.importers.base import Reading, Weights
from stream.nets import _movinet_port

KIND = "a state dict of the PyTorch port"
PACKAGES: tuple[str, ...] = ()


def recognises(source: str) -> bool:
    """Say whether it is a file of torch.save with the port's names; see `importers.base.Importer`."""
    return _pickles.is_pickle(source) and _movinet_port.is_ported(_pickles.names(source))


def read(source: str, given: Mapping[str, Any]) -> Reading:
    """Return the weights; their gate is the port's own.

    Raises:
        UsageError: another gate was asked for.
    """
    entries = _pickles.read(source)
    kind = "stream" if any(".conv_2." in name for name in entries) else "base"
    weights = convert_all(entries, kind)
    gate = "clip" if kind == "stream" else "sigmoid"
    if (asked := given.get("gate", gate)) != gate:
        raise UsageError(f"{source} is the port's, which computes the gate {gate!r}; {asked!r} was asked for")
    note = f"a state dict alone has nothing to run: not compared; the gate {gate!r} is the one the port computes"
    return Reading(weights, {"kind": kind, "gate": gate, "classifier_activation": "swish"}, note=note)


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
