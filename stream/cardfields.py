"""What the fields of a card may hold: held to before a card is made of them, so that each mistake is a sentence."""

import math
from collections.abc import Mapping
from typing import Any

from stream.words import cut

TEXT_BYTES, LABEL_BYTES = 4096, 200
"""Bytes of a text, and of a label's name."""
MOST_LABELS = 100_000
LISTS = ("labels", "background", "experimental", "members")
PAIRS = ("mirror_pairs",)
TABLES = ("measured", "training", "label_thresholds")
FLAGS = ("is_folded",)
WHOLE = {"side_px": (32, 1024), "trained_frames": (1, 100_000)}
"""Whole numbers -> least and most."""
MOST = 1e6
NUMBERS: dict[str, tuple[float, float]] = {
    "fps": (0.01, 1000.0),
    "lighten": (-MOST, MOST),
    "memory_s": (0.001, math.inf),
    "begin_threshold": (-MOST, MOST),
    "end_threshold": (-MOST, MOST),
    "min_duration_s": (-MOST, MOST),
}
"""Numbers -> least and most; `memory_s` may be inf. What the card holds to a range of its own is left to it."""
TEXTS = (
    *("name", "architecture", "variant", "kind", "gate", "classifier_activation", "output", "fit", "weights", "dtype"),
    *("sha256", "licence", "source", "activation", "se_type", "rest_label"),
)


def wrong(table: Mapping[str, Any]) -> str:
    """Return a sentence about the first field that holds what it may not, with what is accepted; else nothing."""
    for name, value in table.items():
        if accepted := _accepted(name, value):
            return f"{name} is {cut(_shown(value), 100)}; accepted: {accepted}"
    return ""


def _accepted(name: str, value: Any) -> str:
    """Say what a field accepts, where that is not what it holds."""
    if name in WHOLE:
        least, most = WHOLE[name]
        is_good = _is_number(value) and float(value).is_integer() and least <= value <= most
        return "" if is_good else f"a whole number from {least} to {most}"
    if name in NUMBERS:
        low, high = NUMBERS[name]
        return "" if _is_number(value) and low <= value <= high else f"a number from {low:g} to {high:g}"
    if name in LISTS or name in PAIRS or name == "label_sets":
        return _of_labels(name, value)
    if name in TABLES or name in FLAGS:
        kind, accepted = (dict, "a table") if name in TABLES else (bool, "true or false")
        return "" if isinstance(value, kind) else accepted
    if name in TEXTS:
        is_good = isinstance(value, str) and value.isprintable() and len(value.encode(errors="replace")) <= TEXT_BYTES
        return "" if is_good else f"a text of one line, {TEXT_BYTES} bytes at most"
    return ""


def _of_labels(name: str, value: Any) -> str:
    if name != "label_sets":
        return _of_list(value, is_pairs=name in PAIRS)
    is_good = isinstance(value, dict) and not any(_of_list(found, is_pairs=False) for found in value.values())
    return "" if is_good else "a table: label = [labels of the network]"


def _of_list(value: Any, *, is_pairs: bool) -> str:
    if not isinstance(value, list | tuple) or len(value) > MOST_LABELS:
        return f"a list of {MOST_LABELS} at most"
    if is_pairs and not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value):
        return "a list of pairs of labels"
    names = [name for pair in value for name in pair] if is_pairs else value
    is_good = all(isinstance(name, str) and name.isprintable() and len(name) <= LABEL_BYTES for name in names)
    return "" if is_good else f"texts of one line, {LABEL_BYTES} letters at most"


def _is_number(value: Any) -> bool:
    """Say whether it is a number, and not NaN; `inf` is one."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and (value == math.inf or abs(value) <= 10**300)


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # a number of thousands of digits
        return "a very large number"
