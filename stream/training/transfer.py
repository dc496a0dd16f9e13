"""Begins a network with the weights of a card: all of them, but for the classifier where the labels are others."""

from torch import nn

from stream import weights
from stream.cards import Card
from stream.errors import UsageError

CLASSIFIER = "classifier."
"""What the names of the last layer's parameters begin with: it has a row for every label."""

SAME = ("architecture", "variant", "kind", "gate", "classifier_activation")
"""Fields of a card without which weights mean nothing."""


def begin(net: nn.Module, card: Card, base: Card) -> bool:
    """Put the weights of `base` into the net of `card`.

    Returns:
        Whether the classifier was left as it is, because the labels are others.

    Raises:
        UsageError: the two are different networks; says which field.
        ModelError: the weights cannot be read.
    """
    for name in SAME:
        if (ours := getattr(card, name)) != (theirs := getattr(base, name)):
            raise UsageError(f"{name} is {ours!r}, that of {base.name} is {theirs!r}; accepted: the same, or no --from")
    found = weights.read_state_dict(base.read_weights())
    is_new = card.labels != base.labels
    if is_new:
        found = {name: value for name, value in found.items() if not name.startswith(CLASSIFIER)}
        found |= {name: value for name, value in net.state_dict().items() if name.startswith(CLASSIFIER)}
    weights.load(net, found)
    return is_new
