"""Files that hold Google's variables and no graph: what is known from them, and what they are compared with."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.importers import _official
from stream.importers._tensorflow import from_paths
from stream.importers.base import Reading, needed_gate
from stream.nets._movinet_identity import identify


def bare(values: Mapping[str, npt.NDArray[Any]], given: Mapping[str, Any], restore: Callable[[Any], None]) -> Reading:
    """Return the weights, and Google's own code with them where it is installed.

    Args:
        values: path of an object -> its value.
        given: fields of a card that the user gave: the gate of a stream net is needed.
        restore: loads the file into Google's Keras model.

    Raises:
        UsageError: the gate is needed and was not given.
        ModelError: it is no MoViNet.
    """
    weights = from_paths(values)
    variant, kind, classes = identify(weights)
    facts = {
        "gate": needed_gate(kind, given),
        "classifier_activation": given.get("classifier_activation", "swish"),
    }
    form = _form(kind, values)
    found = _official.reference(variant, kind, classes, form, facts, restore)
    return Reading(weights, facts, found, "" if found else _official.MISSING)


def _form(kind: str, values: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return the official `conv_type`: stream models as they are used, or as they were trained."""
    if kind == "base":
        return "3d"
    return "3d_2plus1d" if any(np.ndim(value) == 5 for value in values.values()) else "2plus1d"
