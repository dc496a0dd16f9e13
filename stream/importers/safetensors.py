"""Reads a .safetensors file of weights by name: this project's nets', or the PyTorch port's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load_file

from stream.errors import ModelError, UsageError
from stream.importers import _named
from stream.importers._pickles import COUNTED
from stream.importers.base import Reading, Weights, floats
from stream.nets import _movinet_port

KIND = "a .safetensors file of this project's nets, or of the PyTorch port's"
PACKAGES: tuple[str, ...] = ()
LENGTH_BYTES = 8
"""At the beginning: how long the JSON after it is."""


def recognises(source: str) -> bool:
    """Say whether its name ends with .safetensors, or a JSON object follows a length; see `importers.base.Importer`."""
    file = Path(source)
    if not file.is_file():
        return False
    if file.suffix == ".safetensors":
        return True
    with file.open("rb") as content:
        head = content.read(LENGTH_BYTES + 1)
        length = int.from_bytes(head[:LENGTH_BYTES], "little")
        return head[LENGTH_BYTES:] == b"{" and 2 <= length <= file.stat().st_size - LENGTH_BYTES


def read(source: str, given: Mapping[str, Any]) -> Reading:
    """Return the weights; those of the port tell their gate, ours do not.

    Raises:
        ModelError: it is damaged, or holds names that neither we nor the port give.
    """
    entries = _entries(source)
    if _movinet_port.is_ported(set(entries)):
        return _named.ported(entries, source, given)
    return _named.ours(entries, source)


def _entries(source: str) -> Weights:
    try:
        found = load_file(source)
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror or error}") from error
    except (SafetensorError, ValueError, TypeError, KeyError, json.JSONDecodeError) as error:
        raise ModelError(f"{source} is damaged, or no .safetensors file of float32 or float16: {error}") from error
    return {name: floats(name, value) for name, value in found.items() if not name.endswith(COUNTED)}
