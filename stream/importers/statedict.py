"""Reads a state dict of our own nets: what `torch.save(net.state_dict(), FILE)` writes."""

from collections.abc import Mapping
from typing import Any

from stream.errors import ModelError
from stream.importers import _pickles
from stream.importers.base import Reading
from stream.nets import _movinet_port

KIND = "a state dict of this project's nets"
PACKAGES: tuple[str, ...] = ()
OURS = "stem.conv.weight"
"""A name that every net of ours has."""


def recognises(source: str) -> bool:
    """Say whether torch.save may have written it and it is not the port's; see `importers.base.Importer`."""
    return _pickles.is_pickle(source) and not _movinet_port.is_ported(_pickles.names(source))


def read(source: str, given: Mapping[str, Any]) -> Reading:  # noqa: ARG001  # what is missing is asked for later
    """Return the weights; the file does not tell their gate.

    Raises:
        ModelError: it is damaged, holds more than tensors, or names that neither we nor the port give.
    """
    weights = _pickles.read(source)
    if OURS not in weights:
        some = ", ".join(sorted(weights)[:3]) or "nothing"
        raise ModelError(f"{source} holds {some}: the names of neither this project's nets nor the PyTorch port's")
    note = "a state dict alone has nothing to run: not compared; the gate is the one that was given"
    return Reading(weights, note=note)
