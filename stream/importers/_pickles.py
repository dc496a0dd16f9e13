"""Opens what torch.save wrote, without running anything that lies in it."""

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stream import rooms
from stream.errors import ModelError, UsageError
from stream.importers.base import floats
from stream.words import cut

if TYPE_CHECKING:
    import torch

MAGIC = (b"PK\x03\x04", b"\x80\x02")
"""How a file of torch.save begins: since 2020 a zip, before that a pickle."""

MOST_NUMBERS = 1 << 28
"""Count of numbers of one file, whatever its shapes say: a gigabyte of float32."""
COUNTED = ".num_batches_tracked"
"""End of the entries that count training steps; nothing needs them."""


def is_pickle(source: str) -> bool:
    """Say whether a file may be one of torch.save's."""
    file = Path(source)
    if not file.is_file():
        return False
    with file.open("rb") as content:
        return content.read(4).startswith(MAGIC)


def names(source: str) -> set[str]:
    """Return the names of a state dict, none where the file is no such thing."""
    try:
        return set(read(source))
    except ModelError:
        return set()


def read(source: str) -> dict[str, npt.NDArray[np.float32]]:
    """Return a state dict; one that lies under "state_dict" is found there.

    Raises:
        MissingDependency: PyTorch is not installed, which alone reads such files.
        ModelError: the file holds anything but tensors by name: it is not opened further.
        UsageError: it cannot be read.
    """
    with rooms.needing("a file that torch.save wrote", "torch"):
        import torch  # noqa: PLC0415  # the base install has none
    try:
        found = torch.load(source, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}") from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{source} is not a file of weights alone, or damaged: refused, as what else it holds could run code"
        ) from error
    except (RuntimeError, EOFError, ValueError) as error:
        raise ModelError(f"{source} is damaged or cut short: it cannot be read as a file of torch.save") from error
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise ModelError(f"{source} does not hold a state dict: tensors by name")
    kept = {str(name): value for name, value in found.items() if not str(name).endswith(COUNTED)}
    if (count := sum(value.numel() for value in kept.values())) > MOST_NUMBERS:
        raise ModelError(f"{source} holds {count} numbers; accepted: {MOST_NUMBERS}, many times the largest model")
    return {name: floats(name, _dense(source, name, value).detach().float().numpy()) for name, value in kept.items()}


def _dense(source: str, name: str, value: "torch.Tensor") -> "torch.Tensor":
    """Return a tensor of numbers that are there, one after the other; refuse any other."""
    kinds = {"quantised": value.is_quantized, "complex": value.is_complex(), "without numbers": value.is_meta}
    found = next((kind for kind, is_it in kinds.items() if is_it), "")
    if str(value.layout) != "torch.strided":
        found = "sparse"
    if found:
        raise ModelError(f"{source}: {cut(name, 100)} is a tensor that is {found}; accepted: dense numbers")
    return value
