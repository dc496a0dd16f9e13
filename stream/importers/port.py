"""Reads a state dict of the PyTorch port, github.com/Atze00/MoViNet-pytorch."""

from collections.abc import Mapping
from typing import Any

from stream.importers import _named, _pickles
from stream.importers.base import Reading
from stream.nets import _movinet_port

KIND = "a state dict of the PyTorch port"
PACKAGES = ("torch",)


def recognises(source: str) -> bool:
    """Say whether it is a file of torch.save with the port's names; see `importers.base.Importer`."""
    return _pickles.is_pickle(source) and _movinet_port.is_ported(_pickles.names(source))


def read(source: str, given: Mapping[str, Any]) -> Reading:
    """Return the weights; their gate is the port's own.

    Raises:
        UsageError: another gate was asked for.
    """
    return _named.ported(_pickles.read(source), source, given)
