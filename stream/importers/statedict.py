"""Reads a state dict of our own nets: what `torch.save(net.state_dict(), FILE)` writes."""

from collections.abc import Mapping
from typing import Any

from stream.importers import _named, _pickles
from stream.importers.base import Reading
from stream.nets import _movinet_port

KIND = "a state dict of this project's nets"
PACKAGES = ("torch",)


def recognises(source: str) -> bool:
    """Say whether torch.save may have written it and it is not the port's; see `importers.base.Importer`."""
    return _pickles.is_pickle(source) and not _movinet_port.is_ported(_pickles.names(source))


def read(source: str, given: Mapping[str, Any]) -> Reading:  # noqa: ARG001  # what is missing is asked for later
    """Return the weights; the file does not tell their gate.

    Raises:
        ModelError: it is damaged, holds more than tensors, or names that neither we nor the port give.
    """
    return _named.ours(_pickles.read(source), source)
