"""Which weights a MoViNet has, and of which shapes: read from the table of its members. Needs numpy only."""

from collections.abc import Iterator, Mapping
from typing import Any

from stream.cards import Card
from stream.errors import ModelError
from stream.nets import _movinet_specs
from stream.nets._movinet_specs import BlockSpec

Shape = tuple[int, ...]


def shapes(card: Card) -> dict[str, Shape]:
    """List every parameter and moving statistic of a card's net: key of our `state_dict` -> shape.

    Raises:
        UnknownPart: the card names a variant that is not in the table.
    """
    spec = _movinet_specs.find(card.variant)
    blocks = list(spec.blocks(card.side_px))
    found = dict(_conv_norm("stem", (spec.stem_filters, 3, 3, 3)))
    for block in blocks:
        found |= dict(_block(card, block, spec.is_positional and card.kind == "stream"))
    found |= _conv_norm("project", (spec.project_filters, blocks[-1].outputs, 1, 1))
    found |= _plain("dense", (spec.head_filters, spec.project_filters, 1, 1))
    return found | dict(_plain("classifier", (len(card.labels), spec.head_filters, 1, 1)))


def check(card: Card, weights: Mapping[str, Any]) -> None:
    """Hold weights to what the card's net needs: exactly these names, each of its shape.

    Raises:
        ModelError: a name is missing or unexpected, or a shape differs; names the first few.
    """
    expected = shapes(card)
    _refuse("misses", sorted(set(expected) - set(weights)))
    _refuse("has unexpected", sorted(set(weights) - set(expected)))
    wrong = (name for name, shape in expected.items() if tuple(weights[name].shape) != shape)
    _refuse("has the wrong shape of", [f"{n} {tuple(weights[n].shape)}, the net's is {expected[n]}" for n in wrong])


def _block(card: Card, block: BlockSpec, is_positional: bool) -> Iterator[tuple[str, Shape]]:
    name, middle = f"blocks.{block.name}", block.expand
    yield f"{name}.scale", ()
    yield from _conv_norm(f"{name}.expand", (middle, block.inputs, 1, 1))
    yield from _feature(card, block)
    if card.has_se:
        hidden, squeezed = _movinet_specs.hidden(card.kind, block), middle * (2 if card.kind == "stream" else 1)
        yield from _plain(f"{name}.se.reduce", (hidden, squeezed, 1, 1))
        yield from _plain(f"{name}.se.expand", (middle, hidden, 1, 1))
        if is_positional:
            yield f"{name}.se.position.scale", ()
    yield from _conv_norm(f"{name}.project", (block.outputs, middle, 1, 1))
    if block.is_reshaped:
        yield from _conv_norm(f"{name}.skip.project", (block.outputs, block.inputs, 1, 1))


def _feature(card: Card, block: BlockSpec) -> Iterator[tuple[str, Shape]]:
    name, middle, side = f"blocks.{block.name}.feature", block.expand, block.kernel
    if card.kind == "base":
        yield from _conv_norm(name, (middle, 1, block.taps, side, side))
        return
    yield from _conv_norm(f"{name}.spatial", (middle, 1, side, side))
    if block.taps > 1:
        yield from ((f"{name}.temporal.taps.{tap}", (middle, 1, 1)) for tap in range(block.taps))
        yield from _norm(f"{name}.temporal", middle)


def _conv_norm(name: str, kernel: Shape) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.conv.weight", kernel
    yield from _norm(name, kernel[0])


def _norm(name: str, channels: int) -> Iterator[tuple[str, Shape]]:
    yield from ((f"{name}.norm.{leaf}", (channels,)) for leaf in ("weight", "bias", "running_mean", "running_var"))


def _plain(name: str, kernel: Shape) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", kernel
    yield f"{name}.bias", kernel[:1]


def _refuse(what: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise ModelError(f"the weights file {what}: {'; '.join(names[:3])}{more}")
