"""Reads a net's weights back from the ONNX file that also runs: its initialisers are the parameters."""

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import TensorProto, numpy_helper
from torch import Tensor, nn

from stream import storage
from stream.errors import ModelError


def read_state_dict(content: bytes) -> dict[str, Tensor]:
    """Return the parameters of a model file: bit for bit as they were exported, or as they were stored in less room.

    Raises:
        ModelError: it is not an ONNX file, or its weights lie outside it.
    """
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise ModelError(f"the weights are not an ONNX file: {error}") from error
    found = {tensor.name: _values(tensor) for tensor in model.graph.initializer}
    names = (name for name in found if not name.endswith(storage.FACTOR))
    return {name: torch.from_numpy(storage.unpack(found[name], found.get(name + storage.FACTOR))) for name in names}


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


def _values(tensor: TensorProto) -> storage.Values:
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise ModelError(f"the weight {tensor.name!r} lies outside the file: refused")
    return numpy_helper.to_array(tensor)


def _refuse(what: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise ModelError(f"the weights file {what}: {'; '.join(names[:3])}{more}")


def _size(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
