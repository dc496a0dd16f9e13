"""How a step is written into a model file, whatever its format: the names of what goes in and comes out.

One step is one frame of B streams. In go the picture, the decay and every state by its name; out come the logits and
only fresh tensors, each named by `next_` on the state it becomes. A stream buffer's newest frame is the only one made:
the host shifts the others by renaming, older <- newer, so no phone has to copy them and no input is passed through.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from stream import cards
from stream.cards import Card
from stream.errors import ModelError
from stream.onnxfile import OnnxFile

FORMAT = "1"
"""Version of this contract, in the metadata under `format`."""

IMAGE, DECAY, LOGITS, NEXT = "image", "decay", "logits", "next_"
"""Inputs (B, 3, S, S) in [0, 1] and (B, 1, 1, 1) in [0, 1]; output (B, K); the prefix of a fresh state."""

BUFFER = "_stream_buffer_"
"""Between a block's name and the age of a frame in its buffer: 0 is the oldest."""

OPERATORS = frozenset(
    (
        *(
            "Add",
            "AveragePool",
            "BatchNormalization",
            "Cast",
            "Clip",
            "Concat",
            "Constant",
            "Conv",
            "Cos",
            "DequantizeLinear",
        ),
        *("Div", "Flatten", "GlobalAveragePool", "HardSigmoid", "HardSwish", "Identity", "Less", "Min", "Mul"),
        *("Reshape", "Sigmoid", "Sin", "Sqrt", "Sub", "Unsqueeze", "Where"),
    )
)
"""What `stream/exporters` writes, and so all that a model file needs: none loops, branches, or makes much of little."""

Shapes = dict[str, tuple[int, ...]]
"""Name -> (C, H, W) of one row."""

FIXED = (
    *("architecture", "variant", "kind", "side_px", "labels", "gate", "main_activation", "se_type"),
    *("classifier_activation", "trained_frames"),
)
"""Fields of a card that are built into the graph; the others may change without a new file."""


def sources(states: Iterable[str]) -> dict[str, str]:
    """Say where every state's next value comes from: a fresh output, or the input that holds the next younger frame."""
    known = set(states)
    return {name: younger if (younger := _younger(name)) in known else NEXT + name for name in states}


def embedded(card: Card) -> Card:
    """Return the card as a model file carries it: without what is about the file, or measured on it later."""
    return replace(card, weights="", sha256="", measured={}, path=None)


def check_streams(card: Card) -> None:
    """Refuse a base net: it sees a whole clip at once, and has no step to run.

    Raises:
        ModelError: it is one.
    """
    if card.kind == "base":
        raise ModelError(
            f"card {card.name!r} is a base net: it sees a whole clip at once and cannot be stepped through a stream; "
            f"in Python, stream.load({card.name!r}, runtime='torch') runs it on clips"
        )


def check_signature(card: Card, takes: Shapes, gives: Shapes) -> Shapes:
    """Compare the inputs and outputs of a graph with the card and with each other; return the shapes of the states.

    Raises:
        ModelError: one is missing, too many, or of another shape; says both.
    """
    wanted = {IMAGE: (3, card.side_px, card.side_px), DECAY: (1, 1, 1)}
    shapes = {name: shape for name, shape in takes.items() if name not in wanted}
    fresh = {source: shapes[name] for name, source in sources(shapes).items() if source not in shapes}
    for found, needed in ((takes, wanted | shapes), (gives, {LOGITS: (len(card.labels),)} | fresh)):
        if odd := sorted(name for name in found.keys() | needed.keys() if found.get(name) != needed.get(name)):
            name = odd[0]
            raise ModelError(
                f"card {card.name!r}: {name!r} of its model file is {found.get(name)}, not {needed.get(name)}"
            )
    return shapes


def check_card(card: Card, found: Card) -> None:
    """Compare a card with the one its model file carries.

    Raises:
        ModelError: a field that is built into the graph differs; says both values.
    """
    for name in FIXED:
        ours, theirs = getattr(card, name), getattr(found, name)
        if ours != theirs:
            raise ModelError(
                f"card {card.name!r}: {name} is {_brief(ours)}, its model file was made for {_brief(theirs)}"
            )


def check_graph(card: Card, file: OnnxFile) -> None:
    """Refuse a model file whose graph is more than a step, whatever engine reads it.

    Raises:
        ModelError: it has an operator of other kinds, or a weight outside the file; names it.
    """
    try:
        file.check(OPERATORS)
    except ModelError as error:
        raise ModelError(f"card {card.name!r}: {error}") from error


def check_metadata(card: Card, found: Mapping[str, str]) -> None:
    """Compare what a model file says of itself with a card.

    Raises:
        ModelError: another format, no readable card, or a card that differs; says both values.
    """
    if found.get("format") != FORMAT:
        said = found.get("format", "nothing")
        raise ModelError(f"card {card.name!r}: its model file says format {said!r}; this version reads {FORMAT!r}")
    try:
        embedded = cards.parse(tomllib.loads(found.get("card", "")))
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"card {card.name!r}: its model file carries no readable card: {error}") from error
    check_card(card, embedded)


def _younger(name: str) -> str:
    block, separator, age = name.rpartition(BUFFER)
    return f"{block}{separator}{int(age) + 1}" if separator and age.isdigit() else ""


def _brief(value: Any) -> str:
    return f"{len(value)} labels ({', '.join(value[:3])}, ...)" if isinstance(value, tuple) else repr(value)
