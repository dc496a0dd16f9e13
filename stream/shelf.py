"""What there is to choose from: the models that ship, that are here, and that can be pulled."""

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from stream import cache, cards, catalogue, engines, importers, rooms
from stream.cards import Card
from stream.errors import ModelError

SHIPPED, CACHED, ELSEWHERE = "shipped", "cached", "to be pulled"
IN_WORDS = {SHIPPED: "ships", CACHED: "here", ELSEWHERE: "pull"}
"""Where a model is -> the same, in a table that has no room."""

OF_A_NET = (
    *("kind", "gate", "activation", "se_type", "classifier_activation", "fit", "lighten", "memory_s", "trained_frames"),
    *("dtype", "is_folded"),
)
"""Fields of a card that say nothing of an ensemble: each member has its own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model in a list."""

    name: str
    """How it is called."""
    classes: int
    """Count."""
    side_px: int
    """Pixels; of an ensemble the largest."""
    fps: float
    """Frames per second; of an ensemble the highest."""
    megabytes: float | None
    """Of its weights: as they are, or will be where they are to be pulled; None where that is not known."""
    licence: str
    """SPDX identifier; empty where unknown."""
    needs: str
    """What bringing it takes: a package that reads its file, or --sha256; empty where nothing is missing."""
    where: str
    """shipped, cached, to be pulled, or what is wrong with its card."""
    kind: str = "stream"
    """stream or base, which is for clips."""

    @property
    def state(self) -> str:
        """Whether it is here, else what bringing it takes, and what it is not for, in a few words."""
        words = [f"needs {self.needs}"] if self.needs else [IN_WORDS.get(self.where, self.where)]
        return ", ".join([*words, *(["clips"] if self.kind == "base" else [])])


def rows() -> list[Row]:
    """List all models: by name those that ship, those that are here, then those that can be pulled, the small first."""
    shipped, here = cards.shipped(), cards.names()
    names = [*sorted(shipped), *sorted(set(here) - set(shipped))]
    return [_row(name) for name in names] + [_entry(name) for name in catalogue.ENTRIES if name not in here]


def facts(card: Card) -> dict[str, Any]:
    """Return what a card says, where it was found, and which engine runs it by default, as JSON can hold it."""
    others = {"path", *(OF_A_NET if card.members else ())}
    values = {item.name: getattr(card, item.name) for item in fields(Card) if item.name not in others}
    said = {name: value for name, value in values.items() if value not in ("", (), {})}
    plain = {name: "inf" if value == math.inf else value for name, value in said.items()}
    runs = {"engine": engines.choose(card)} if card.kind == "stream" and not card.members else {}
    return plain | runs | {"megabytes": _megabytes(card), "found": where(card), "path": str(card.path)}


def holders(name: str) -> list[str]:
    """List the ensembles that are here and have a model as a member."""
    found = []
    for other in cache.names():
        try:
            found += [other] if name in cards.load(other).members else []
        except ModelError:  # a broken card holds nothing
            continue
    return found


def where(card: Card) -> str:
    """Say where a card was found: shipped, cached, or the folder it is in."""
    if card.path is None or card.path.parent == cards.SHIPPED:
        return SHIPPED
    return CACHED if card.name in cache.names() and card.path == cache.card_file(card.name) else str(card.path.parent)


def brief(value: Any) -> str:
    """Write a value for people: a long list by its beginning, a table by its entries."""
    if isinstance(value, tuple) and len(value) > 12:
        return f"{len(value)}: {', '.join(map(str, value[:4]))}, ..."
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return "\n".join(f"{key}: {brief(entry)}" for key, entry in value.items())
    return str(value)


def net(card: Card, content: bytes) -> Any:
    """Build the card's net with the weights of a file."""
    from stream.weights import load, read_state_dict  # noqa: PLC0415  # needs torch, which a serving install lacks

    built = rooms.find("nets", card.architecture).build(card)
    load(built, read_state_dict(content))
    return built


def _row(name: str) -> Row:
    place = SHIPPED if name in cards.shipped() else CACHED
    try:
        card = cards.load(name)
    except ModelError as error:
        return Row(name, 0, 0, 0.0, 0.0, "", "", str(error))
    return Row(name, len(card.labels), card.side_px, card.fps, _megabytes(card), card.licence, "", place, card.kind)


def _megabytes(card: Card) -> float:
    files = [card] if not card.members else [cards.load(name) for name in card.members if name in cards.names()]
    paths = [one.path.parent / Path(one.weights).name for one in files if one.path and one.weights]
    return round(sum(path.stat().st_size for path in paths if path.is_file()) / 1e6, 1)


def _entry(name: str) -> Row:
    entry = catalogue.ENTRIES[name]
    variants = [catalogue.ENTRIES[member].variant for member in entry.members] or [entry.variant]
    side = max(catalogue.SIDES_PX[variant] for variant in variants)
    fps = max(catalogue.RATES_FPS[variant] for variant in variants)
    [place, *_] = entry.places or catalogue.ENTRIES[entry.members[0]].places
    needs = "--sha256" if place.is_hash_needed else importers.missing(place.form)
    return Row(name, 600, side, fps, entry.megabytes, place.licence, needs, ELSEWHERE, entry.kind)
