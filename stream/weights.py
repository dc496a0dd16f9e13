"""Reads a net's weights back from the ONNX file that also runs: its initialisers are the parameters."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from stream.errors import ModelError
from stream.onnxfile import OnnxFile
from stream.types import Array


def read_state_dict(content: bytes) -> dict[str, Tensor]:
    """Return the parameters of a model file: bit for bit as they were exported, or as they were stored in less room.

    Raises:
        ModelError: it is not an ONNX file, or its weights lie outside it.
    """
    return {name: torch.from_numpy(value) for name, value in OnnxFile(content).weights().items()}


def from_numpy(weights: Mapping[str, Array]) -> dict[str, Tensor]:
    """Return weights by name as tensors of their own."""
    return {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}


def load(net: nn.Module, weights: dict[str, Tensor]) -> None:
    """Put the weights into a net that needs exactly these.

    Raises:
        ModelError: a name is missing or unexpected, or a shape differs; names the first few.
    """
    expected = {name: value for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    _refuse("misses", sorted(set(expected) - set(weights)))
    _refuse("has unexpected", sorted(set(weights) - set(expected)))
    wrong = (name for name, value in expected.items() if value.shape != weights[name].shape)
    _refuse("has the wrong shape of", [f"{n} {_size(weights[n])}, the net's is {_size(expected[n])}" for n in wrong])
    net.load_state_dict(weights, strict=False)


def _refuse(what: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise ModelError(f"the weights file {what}: {'; '.join(names[:3])}{more}")


def _size(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
