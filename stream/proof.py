"""Proves that imported weights compute what they computed before: the same random frames, streamed through both.

Ours run in PyTorch where it is installed; in the base install, which has none, a stream net runs in ONNX Runtime, and
the fused engine is what a written file is held against.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np

from stream import exporters, rooms, storage
from stream.cards import Card
from stream.errors import MissingDependency, ParityError
from stream.importers.base import Reading, Reference, Run, Trace, step_all
from stream.onnxfile import OnnxFile
from stream.types import Array

FILE_TOLERANCE = 1e-4
"""Largest difference of a written file, of the numbers' size or of 1."""

TOLERANCE = 1e-3
"""Largest difference of a logit that is taken."""

FRAMES = 10
"""Count of random frames."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the comparison found."""

    card: Card
    """The card whose gate and activation fit best."""
    difference: float
    """Largest difference of a logit."""
    reference: Reference
    """What was run beside ours."""

    def told(self) -> dict[str, Any]:
        """Return what a card keeps of it."""
        found = {
            "reference": self.reference.name,
            "frames": FRAMES,
            "largest_difference": float(f"{self.difference:.2g}"),
        }
        if self.card.kind == "stream" and self.card.has_se and not self.reference.is_gate_told:
            found["note"] = f"the gate {self.card.gate!r} was given and used on both sides: this does not prove it"
        return found


def runner(card: Card, weights: Mapping[str, Array]) -> Run:
    """Return our net with these weights, ready to run.

    Raises:
        ModelError: they are not exactly those of this net; names the first few.
        MissingDependency: only PyTorch runs a base net, and it is not installed.
    """
    if find_spec("torch"):
        net = built(card, weights)
        return lambda clip: _in_torch(net, clip)
    if card.kind == "base":
        raise MissingDependency(f"{card.name!r} is a base net, which", "torch", "torch")
    wide = replace(card, dtype="float32")
    engine = rooms.find("runtimes", "onnxruntime").OnnxRuntime(wide, exporters.encode(wide, weights))
    return lambda clip: step_all(engine, clip)


def built(card: Card, weights: Mapping[str, Array]) -> Any:
    """Make the card's net in PyTorch with these weights.

    Raises:
        MissingDependency: it is not installed.
        ModelError: they are not exactly those of this net; names the first few.
    """
    with rooms.needing("PyTorch's net", "torch"):
        from stream.weights import from_numpy, load  # noqa: PLC0415  # the base install has no torch

    net = rooms.find("nets", card.architecture).build(card)
    load(net, from_numpy(weights))
    return net.eval().requires_grad_(False)


def _in_torch(net: Any, clip: Array) -> Trace:
    import torch  # noqa: PLC0415  # the base install has none

    from stream.nets.base import one_thread  # noqa: PLC0415

    with torch.inference_mode(), one_thread():
        found, state = net.frames(torch.from_numpy(clip), net.init_state())
    return {"logits": found[0].numpy(), **{name: value[0].numpy() for name, value in state.items()}}


@dataclass(frozen=True, slots=True)
class Written:
    """What the comparison of a model file found."""

    difference: float
    """Largest difference of a logit."""
    reference: str
    """What the file was compared with in ONNX Runtime, for people."""


def compare(card: Card, content: bytes, weights: Mapping[str, Array] | None = None) -> Written | None:
    """Step a stream net's file in ONNX Runtime beside PyTorch, or beside the fused engine where PyTorch is missing.

    Args:
        card: the file's.
        content: the file.
        weights: what is meant; by default what the file holds.

    Returns:
        What was found; None where there is nothing else to run it: a base net, or neither of the two is there.

    Raises:
        ParityError: the logits or a state differ by more than 1e-4 of their size, or of 1 where they are smaller.
    """
    if card.kind == "base":
        return None
    if find_spec("torch"):
        net = built(card, OnnxFile(content).weights() if weights is None else weights)
        return Written(rooms.find("exporters", "onnx").compare(net, card, content).difference, "PyTorch")
    fused = rooms.find("runtimes", "fused")
    if not fused.can_run(card):
        return None
    engine = fused.FusedRuntime(card, content)
    theirs, ours = rooms.find("runtimes", "onnxruntime").OnnxRuntime(card, content), step_all(engine, frames(card, 50))
    return Written(_agree(card, ours, step_all(theirs, frames(card, 50))), f"the engine {engine.name!r}")


def _agree(card: Card, ours: Trace, theirs: Trace) -> float:
    for name, expected in ours.items():
        tolerance = FILE_TOLERANCE * max(1.0, float(np.abs(expected).max()))
        if not (found := difference(theirs[name], expected)) <= tolerance:  # also where it is not a number
            raise ParityError(f"{card.name!r}: {name} of its file", found, tolerance)
    return difference(ours["logits"], theirs["logits"])


def prove(card: Card, reading: Reading, reference: Reference, told: Collection[str]) -> Proof:
    """Run both over the same frames; try every gate and activation that nobody told.

    Args:
        card: what is known.
        reading: what was read.
        reference: what to compare with.
        told: fields of the card that are known and not to be tried.

    Raises:
        ParityError: no choice agrees within 1e-3; names the first layer that differs, and the difference.
    """
    clip = frames(card)
    theirs = reference.run(clip)
    tried = [(choice, runner(choice, reading.weights)(clip)) for choice in _choices(card, reference, told)]
    best, ours = min(tried, key=lambda pair: difference(pair[1]["logits"], theirs["logits"]))
    worst = difference(ours["logits"], theirs["logits"])
    if not worst <= TOLERANCE:  # also where it is not a number
        raise ParityError(
            f"refused: {card.name!r} against {reference.name}, first at {_first(ours, theirs)}", worst, TOLERANCE
        )
    return Proof(best, worst, reference)


def frames(card: Card, count: int = FRAMES) -> Array:
    """Return (1, 3, T, S, S) random frames: coarse patches that change, under noise."""
    random, side = np.random.default_rng(0), card.side_px
    patches = random.random((1, 3, count, 5, 5), np.float32)
    cells = np.arange(side) * 5 // side
    noise = random.random((1, 3, count, side, side), np.float32)
    return np.asarray(0.7 * patches[..., cells[:, None], cells[None, :]] + 0.3 * noise, np.float32)


def difference(ours: Array, theirs: Array) -> float:
    """Return the largest difference; inf where the shapes differ."""
    return float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else float("inf")


def _choices(card: Card, reference: Reference, told: Collection[str]) -> list[Card]:
    """Return the card with every gate and activation that is to be tried; the card as it is comes first."""
    if not reference.is_gate_told:
        return [card]
    gates = [card.gate] if "gate" in told or card.kind == "base" or not card.has_se else ["relu6", "clip"]
    heads = [card.classifier_activation] if "classifier_activation" in told else ["swish", "hard_swish"]
    return [replace(card, gate=gate, classifier_activation=head) for gate, head in product(gates, heads)]


def _first(ours: Trace, theirs: Trace) -> str:
    """Name the first layer whose memory differs; the head where all memories agree."""
    for name, value in ours.items():  # the logits, then the states in the order of the network
        if name != "logits" and name in theirs:
            size = max(1.0, float(np.abs(theirs[name]).max()))
            if not difference(value, theirs[name]) <= TOLERANCE * size:
                return name
    return "the head: the dense layer or the classifier" if len(theirs) > 1 else "a layer the reference does not show"


def apart(card: Card, reading: Reading, other: Reference) -> tuple[float, float]:
    """Return the share of equal first labels, and the correlation of all logits, of ours and another run's."""
    clip = frames(card)
    ours, theirs = runner(card, reading.weights)(clip)["logits"], other.run(clip)["logits"]
    same = float((ours.argmax(1) == theirs.argmax(1)).mean())
    return same, float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1])


def stored(card: Card, reading: Reading, dtype: str) -> tuple[Reading, dict[str, Any]]:
    """Round the weights to how they will be stored.

    Returns:
        The weights as they will be read back, and what that changes in the logits over random frames.
    """
    packed = {name: storage.pack(name, value, dtype) for name, value in reading.weights.items()}
    rounded = replace(reading, weights={name: storage.unpack(*pair) for name, pair in packed.items()})
    clip = frames(card)
    before, after = (runner(card, some.weights)(clip)["logits"] for some in (reading, rounded))
    change = np.abs(after - before)
    return rounded, {
        "dtype": dtype,
        "frames": FRAMES,
        "largest_change": float(f"{change.max():.2g}"),
        "mean_change": float(f"{change.mean():.2g}"),
        "spread_of_logits": float(f"{before.std():.2g}"),
        "same_first_label": float(f"{(before.argmax(1) == after.argmax(1)).mean():.2g}"),
    }
