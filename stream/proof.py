"""Proves that imported weights compute what they computed before: the same random frames, streamed through both."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import torch

from stream import rooms, storage, weights
from stream.cards import Card
from stream.errors import ParityError
from stream.importers.base import Reading, Reference, Trace
from stream.nets.base import one_thread
from stream.nets.movinet import MoViNet
from stream.types import Array

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


def build(card: Card, reading: Reading) -> MoViNet:
    """Make the card's net with the weights that were read.

    Raises:
        ModelError: they are not exactly those of this net; names the first few.
    """
    net: MoViNet = rooms.find("nets", card.architecture).build(card)
    weights.load(net, {name: torch.from_numpy(np.array(value)) for name, value in reading.weights.items()})
    return net.eval().requires_grad_(False)


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
    tried = [(choice, trace(build(choice, reading), clip)) for choice in _choices(card, reference, told)]
    best, ours = min(tried, key=lambda pair: difference(pair[1]["logits"], theirs["logits"]))
    worst = difference(ours["logits"], theirs["logits"])
    if not worst <= TOLERANCE:  # also where it is not a number
        raise ParityError(
            f"refused: {card.name!r} against {reference.name}, first at {_first(ours, theirs)}", worst, TOLERANCE
        )
    return Proof(best, worst, reference)


def frames(card: Card) -> Array:
    """Return (1, 3, T, S, S) random frames: coarse patches that change, under noise."""
    random, side = np.random.default_rng(0), card.side_px
    patches = random.random((1, 3, FRAMES, 5, 5), np.float32)
    cells = np.arange(side) * 5 // side
    noise = random.random((1, 3, FRAMES, side, side), np.float32)
    return np.asarray(0.7 * patches[..., cells[:, None], cells[None, :]] + 0.3 * noise, np.float32)


def trace(net: MoViNet, clip: Array) -> Trace:
    """Run our net; what it says in the form of `importers.base.Trace`."""
    with torch.inference_mode(), one_thread():
        found, state = net.frames(torch.from_numpy(clip), net.init_state())
    return {"logits": found[0].numpy(), **{name: value[0].numpy() for name, value in state.items()}}


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


def stored(card: Card, reading: Reading, dtype: str) -> tuple[Reading, dict[str, Any]]:
    """Round the weights to how they will be stored.

    Returns:
        The weights as they will be read back, and what that changes in the logits over random frames.
    """
    packed = {name: storage.pack(name, value, dtype) for name, value in reading.weights.items()}
    rounded = replace(reading, weights={name: storage.unpack(*pair) for name, pair in packed.items()})
    clip = frames(card)
    before, after = (logits(build(card, some), clip) for some in (reading, rounded))
    change = np.abs(after - before)
    return rounded, {
        "dtype": dtype,
        "frames": FRAMES,
        "largest_change": float(f"{change.max():.2g}"),
        "mean_change": float(f"{change.mean():.2g}"),
        "spread_of_logits": float(f"{before.std():.2g}"),
        "same_first_label": float(f"{(before.argmax(1) == after.argmax(1)).mean():.2g}"),
    }


def logits(net: MoViNet, clip: Array) -> Array:
    """Return the (T, K) logits after each frame of a stream, or the (1, K) of a clip."""
    return trace(net, clip)["logits"]
