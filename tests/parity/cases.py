"""What is compared: every variant, stream and base, and both hard gates. Imports nothing of ours."""

from dataclasses import dataclass
from pathlib import Path

CLASSES = 600
FRAMES = 7
CUTS = (3, 1, 2, 1)
"""Frames of each chunk."""

SHOWN = tuple(range(0, CLASSES, 60))
"""The classes whose logits a golden file keeps."""


@dataclass(frozen=True, slots=True)
class Case:
    """One network and the sides it is run at."""

    name: str
    """Of the row and of the golden file."""
    variant: str
    """t0, a0 ... a5."""
    kind: str
    """stream or base."""
    side_px: int
    """The official side: the live comparison."""
    golden_px: int
    """A small side: the golden file."""
    gate: str = "relu6"
    """As in a card."""
    classifier_activation: str = "swish"
    """As in a card."""
    activation: str = ""
    """As in a card."""
    se_type: str = "2plus3d"
    """As in a card."""
    form: str = "2plus1d"
    """The official `conv_type`."""


SIDES = {
    "t0": (160, 47),
    "a0": (172, 46),
    "a1": (172, 50),
    "a2": (224, 49),
    "a3": (256, 54),
    "a4": (290, 43),
    "a5": (320, 45),
}
"""Variant -> official side and golden side; together the strides meet odd and even sizes at every stage."""

PLAIN = {"activation": "relu6", "se_type": "none", "classifier_activation": "relu6"}
"""The fields of Google's nets for TensorFlow Lite: no squeeze-excitation."""

CASES = (
    *(Case(f"{name}-stream", name, "stream", *sides) for name, sides in SIDES.items()),
    *(Case(f"{name}-base", name, "base", *sides, gate="sigmoid", form="3d") for name, sides in SIDES.items()),
    Case("a0-stream-clip", "a0", "stream", 172, 46, gate="clip"),
    Case("a3-stream-clip", "a3", "stream", 64, 54, gate="clip"),
    Case("t0-stream-hard-head", "t0", "stream", 160, 47, classifier_activation="hard_swish"),
    Case("a0-stream-relu6", "a0", "stream", 172, 46, activation="relu6"),
    Case("a0-stream-plain", "a0", "stream", 172, 46, **PLAIN),
    Case("a0-stream-as-trained", "a0", "stream", 172, 46, form="3d_2plus1d"),
)

GOLDEN = Path(__file__).with_name("golden")


def golden_file(case: Case) -> Path:
    """Where Google's logits of a case are kept."""
    return GOLDEN / f"{case.name}.json"
