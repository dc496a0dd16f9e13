"""Reads a state dict of our own nets: what `torch.save(net.state_dict(), FILE)` writes."""

from collections.abc import Mapping
from typing import Any

from stream.importers import _pickles
from stream.importers.base import Reading

KIND = "a state dict of this project's nets"


def recognises(source: str) -> bool:
    """Say whether it is a file of torch.save with our names; see `importers.base.Importer`."""
    return _pickles.is_pickle(source) and "stem.conv.weight" in _pickles.names(source)


def read(source: str, given: Mapping[str, Any]) -> Reading:  # noqa: ARG001  # what is missing is asked for later
    """Return the weights; the file does not tell their gate."""
    note = "a state dict alone has nothing to run: not compared; the gate is the one that was given"
    return Reading(_pickles.read(source), note=note)
