"""Which member of the family a set of weights is: read from its names and shapes alone. Needs numpy only."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from stream.errors import ModelError
from stream.nets._movinet_specs import SPECS

BLOCK = re.compile(r"blocks\.block(\d+)_layer(\d+)\.scale")


def se_type(weights: Mapping[str, Any]) -> str:
    """Return which squeeze-excitation the blocks have, as a card says it."""
    return "2plus3d" if any(".se." in name for name in weights) else "none"


def identify(weights: Mapping[str, Any]) -> tuple[str, str, int]:
    """Return variant, kind and number of classes.

    Args:
        weights: key of our `state_dict` -> array.

    Raises:
        ModelError: no member is made like this.
    """
    found = Counter(int(match[1]) for name in weights if (match := BLOCK.fullmatch(name)))
    layers = [found[stage] for stage in sorted(found)]
    shapes = {name: [len(stage.expand) for stage in spec.stages] for name, spec in SPECS.items()}
    variant = next((name for name, shape in shapes.items() if shape == layers), None)
    if variant is None or "classifier.bias" not in weights:
        raise ModelError(f"the weights are of no MoViNet: {layers or 'no'} blocks; known: {', '.join(shapes)}")
    kind = "stream" if any(".feature.temporal." in name for name in weights) else "base"
    return variant, kind, len(weights["classifier.bias"])
