"""TensorFlow, where it is installed, and what its MoViNets say in our names."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.errors import MissingDependency, ModelError
from stream.importers.base import Trace, Weights, floats
from stream.nets import _movinet_official, _movinet_paths
from stream.types import Array

COUNTS = {"_pool_frame_count": "pool_frame_count", "_pos_enc_frame_count": "pos_enc_frame_count"}
"""End of the official name of a counter -> ours: one serves all blocks."""

Step = Callable[[Mapping[str, Any]], tuple[Any, Mapping[str, Any]]]
"""(states and "image") -> logits and the new states."""


def package(name: str, part: str) -> Any:
    """Import a package of the extra `tf`.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingDependency(part, (error.name or name).split(".")[0], "tf") from error


def from_paths(values: Mapping[str, npt.NDArray[Any]]) -> Weights:
    """Return the variables of a checkpoint or `.weights.h5` file, by the paths of their objects, as ours."""
    names = _movinet_paths.official_names({path: np.ndim(value) for path, value in values.items()})
    return from_names({name: values[path] for path, name in names.items()})


def from_names(values: Mapping[str, npt.NDArray[Any]]) -> Weights:
    """Return official variables as ours: every one used once.

    Raises:
        ModelError: two give one key, or one is no MoViNet's.
    """
    kind = "stream" if any("temporal" in name for name in values) else "base"
    weights: Weights = {}
    for name, value in values.items():
        converted = _movinet_official.convert(name, floats(name, value), kind)
        if twice := sorted(weights.keys() & converted.keys()):
            raise ModelError(f"{name!r} gives {twice[0]!r}, which is set already")
        weights |= converted
    return weights


def stream_trace(step: Step, states: Mapping[str, Any], clip: Array) -> Trace:
    """Feed a (1, 3, T, S, S) clip frame by frame; return the logits after each and the states at the end."""
    tensorflow, rows = importlib.import_module("tensorflow"), []
    for frame in clip.transpose(2, 0, 3, 4, 1):  # (1, S, S, 3)
        logits, states = step({**states, "image": tensorflow.constant(frame[:, None])})
        rows.append(np.asarray(logits).reshape(-1))
    return {"logits": np.stack(rows), **our_states({name: np.asarray(value) for name, value in states.items()})}


def clip_trace(call: Callable[[Any], Any], clip: Array) -> Trace:
    """Show a base net its (1, 3, T, S, S) clip."""
    tensorflow = importlib.import_module("tensorflow")
    image = tensorflow.constant(clip.transpose(0, 2, 3, 4, 1))
    return {"logits": np.asarray(call(image)).reshape(1, -1)}


def our_states(states: Mapping[str, Array]) -> Trace:
    """Give official states our names and layouts: a tensor for each frame of a buffer, one count for all pools."""
    found: Trace = {}
    for official, value in states.items():
        name = official.removeprefix("state_")
        if count := next((ours for end, ours in COUNTS.items() if name.endswith(end)), None):
            found[count] = value.reshape(1, 1, 1).astype(np.float32)
        elif name.endswith("_stream_buffer"):
            found |= {f"{name}_{age}": frame.transpose(2, 0, 1) for age, frame in enumerate(value[0])}
        else:
            found[name] = value[0, 0].transpose(2, 0, 1)
    return found
