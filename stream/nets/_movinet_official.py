"""Google's names and layouts for MoViNet's weights, and ours: the one place that knows both.

Written from the variables of `tf-models-official` 2.20.0 (Apache-2.0), `official/projects/movinet`. It takes the three
forms the official code writes: "3d" (base models), "2plus1d" (stream models as used) and "3d_2plus1d" (stream models as
trained). Needs numpy only.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from stream.errors import ModelError

Weights = dict[str, npt.NDArray[np.float32]]
"""Key of our `state_dict` -> value in our layout."""

MODULES = {
    r"stem/stem": "stem",
    r"(block\d+_layer\d+)/bneck/expansion": r"blocks.\1.expand",
    r"(block\d+_layer\d+)/bneck/projection": r"blocks.\1.project",
    r"(block\d+_layer\d+)/bneck/skip/skip_project": r"blocks.\1.skip.project",
    r"(block\d+_layer\d+)/bneck/se/se_(reduce|expand)": r"blocks.\1.se.\2",
    r"(block\d+_layer\d+)/bneck/se/pos_encoding": r"blocks.\1.se.position",
    r"(block\d+_layer\d+)": r"blocks.\1",
    r"head/project": "project",
    r"classifier_head(?:_\d+)?/head": "dense",
    r"classifier_head(?:_\d+)?/classifier": "classifier",
}
"""Official layer, the wrappers around its operation left out -> our module."""

NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
"""Leaves of a batch norm."""

PLAIN = re.compile(r"dense|classifier|blocks\.\w+\.se\.(reduce|expand)")
"""Our modules that are a bare convolution with a bias."""

NAME = re.compile(
    r"(?P<layer>.+?)(?:/(?P<wrapper>conv[23]d(?:_temporal)?))?"
    r"(?:/(?P<operation>(?:depthwise_)?conv[23]d(?:_\d+)?|bn(?:_temporal)?))?/(?P<leaf>\w+)"
)
FEATURE = re.compile(r"(block\d+_layer\d+)/bneck/feature")


def qualify(names: Iterable[str]) -> list[str]:
    """Give the scales of the positional encodings, all called "scale:0", the name of the block they stand in.

    Args:
        names: all variables in the order of `model.variables`: a bare name follows its block's projection.
    """
    qualified: list[str] = []
    for name in names:
        bare = name.removesuffix(":0") == "scale"
        block = qualified[-1].split("/")[0] if bare and qualified else ""
        qualified.append(f"{block}/bneck/se/pos_encoding/{name}" if bare else name)
    return qualified


def convert(name: str, value: npt.NDArray[np.float32], kind: str) -> Weights:
    """Return one official variable as ours: one entry, or one for each tap of a convolution over time.

    Args:
        name: official, as `qualify` returns it, like `block0_layer1/bneck/expansion/conv2d/bn/gamma:0`.
        value: in the official layout: (H, W, in, out), (H, W, C, 1) depthwise, (T, H, W, in, out) three-dimensional.
        kind: stream or base.

    Raises:
        ModelError: no such variable in a MoViNet.
    """
    match = NAME.fullmatch(name.removesuffix(":0"))
    if match is None:
        raise ModelError(f"{name!r} is not a variable of an official MoViNet")
    wrapper, operation, leaf = (match[group] or "" for group in ("wrapper", "operation", "leaf"))
    is_temporal = "temporal" in wrapper + operation
    module = _module(match["layer"], kind, is_temporal)
    if module is None:
        raise ModelError(f"{name!r} is not a variable of an official MoViNet")
    if leaf in NORM and operation.startswith("bn"):
        return {f"{module}.norm.{NORM[leaf]}": value}
    if leaf == "scale":
        return {f"{module}.scale": value}
    if leaf == "bias" and PLAIN.fullmatch(module):
        return {f"{module}.bias": value}
    if leaf in ("kernel", "depthwise_kernel"):
        return _kernel(module, value, is_depthwise=leaf == "depthwise_kernel", is_temporal=is_temporal, kind=kind)
    raise ModelError(f"{name!r} is not a variable of an official MoViNet")


def convert_all(
    names: Sequence[str], values: Sequence[npt.NDArray[np.float32]], expected: Iterable[str], kind: str
) -> Weights:
    """Return a whole official model as ours: every variable used once, every expected key set once.

    Raises:
        ModelError: two variables for one key, a key without one, or a variable without a key; names the first.
    """
    weights: Weights = {}
    for name, value in zip(qualify(names), values, strict=True):
        converted = convert(name, value, kind)
        if twice := sorted(weights.keys() & converted.keys()):
            raise ModelError(f"{name!r} gives {twice[0]!r}, which is set already")
        weights |= converted
    wanted = set(expected)
    if missing := sorted(wanted - weights.keys()):
        raise ModelError(f"the official model has nothing for {missing[0]!r} and {len(missing) - 1} more")
    if extra := sorted(weights.keys() - wanted):
        raise ModelError(f"the official model has {extra[0]!r} and {len(extra) - 1} more that the network lacks")
    return weights


def _module(layer: str, kind: str, is_temporal: bool) -> str | None:
    """Name our module for an official layer; None where there is none."""
    if feature := FEATURE.fullmatch(layer):
        part = "" if kind == "base" else ".temporal" if is_temporal else ".spatial"
        return f"blocks.{feature[1]}.feature{part}"
    found = (match.expand(ours) for pattern, ours in MODULES.items() if (match := re.fullmatch(pattern, layer)))
    return next(found, None)


def _kernel(
    module: str, value: npt.NDArray[np.float32], *, is_depthwise: bool, is_temporal: bool, kind: str
) -> Weights:
    """Bring a kernel to (out, in, [T,] H, W); one over time falls into its taps, (C, 1, 1) each, oldest first."""
    if is_temporal:
        return {f"{module}.taps.{i}": tap.reshape(-1, 1, 1) for i, tap in enumerate(value)}
    if is_depthwise:
        value = value.swapaxes(-1, -2)  # (H, W, C, 1): a depthwise kernel's channels are its outputs
    value = np.moveaxis(value, (-1, -2), (0, 1))
    is_flat = value.ndim == 5 and not (kind == "base" and module.endswith(".feature"))
    if is_flat:
        value = value.squeeze(2)  # a convolution over each picture, written with one tap
    return {f"{module}.weight" if PLAIN.fullmatch(module) else f"{module}.conv.weight": value}
