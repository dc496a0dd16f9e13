"""The PyTorch port's names for MoViNet's weights, and ours.

Names and shapes are those of github.com/Atze00/MoViNet-pytorch (MIT) at commit c2d1edf: facts, none of its code. Its
layers are ours but for the dimensions it keeps of size one. Needs numpy only.
"""

import re

import numpy as np
import numpy.typing as npt

from stream.errors import ModelError
from stream.nets._movinet_official import Weights

NAMES = {
    r"conv1": "stem",
    r"conv7": "project",
    r"blocks\.b(\d+)_l(\d+)\.(expand|project)": r"blocks.block\1_layer\2.\3",
    r"blocks\.b(\d+)_l(\d+)\.deep": r"blocks.block\1_layer\2.feature",
    r"blocks\.b(\d+)_l(\d+)\.res\.[01]": r"blocks.block\1_layer\2.skip.project",
    r"blocks\.b(\d+)_l(\d+)\.se\.fc1": r"blocks.block\1_layer\2.se.reduce",
    r"blocks\.b(\d+)_l(\d+)\.se\.fc2": r"blocks.block\1_layer\2.se.expand",
    r"classifier\.0": "dense",
    r"classifier\.3": "classifier",
}
"""Its layer -> ours."""

NAME = re.compile(
    r"(?P<layer>.+)\.conv_(?P<half>[12])\.(?P<operation>conv2d|conv3d|norm)"
    r"\.(?P<leaf>weight|bias|running_mean|running_var)"
)
ALPHA = re.compile(r"blocks\.b(\d+)_l(\d+)\.alpha")


def is_ported(names: set[str]) -> bool:
    """Say whether a state dict has the port's names."""
    return any(name.startswith("conv1.conv_1.") for name in names)


def convert(name: str, value: npt.NDArray[np.float32], kind: str) -> Weights:
    """Return one entry of the port's state dict as ours: one entry, or one for each tap of a convolution over time.

    Raises:
        ModelError: no such name in the port.
    """
    if alpha := ALPHA.fullmatch(name):
        return {alpha.expand(r"blocks.block\1_layer\2.scale"): value}
    match = NAME.fullmatch(name)
    module = _module(match["layer"]) if match else None
    if match is None or module is None:
        raise ModelError(f"{name!r} is not an entry of the PyTorch port's MoViNet")
    if module.endswith(".feature") and kind == "stream":
        module += ".spatial" if match["half"] == "1" else ".temporal"
    if match["operation"] == "norm":
        return {f"{module}.norm.{match['leaf']}": value}
    if module in ("dense", "classifier") or ".se." in module:
        return {f"{module}.{match['leaf']}": _flat(value)}
    if module.endswith(".temporal"):
        return {f"{module}.taps.{i}": value[:, :, i] for i in range(value.shape[2])}  # (C, 1, taps, 1) -> (C, 1, 1)
    return {f"{module}.conv.weight": value if module.endswith(".feature") else _flat(value)}


def _module(layer: str) -> str | None:
    found = (match.expand(ours) for pattern, ours in NAMES.items() if (match := re.fullmatch(pattern, layer)))
    return next(found, None)


def _flat(value: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Drop the dimension of time where it is one: (out, in, 1, H, W) -> (out, in, H, W)."""
    return value.squeeze(2) if value.ndim == 5 else value
