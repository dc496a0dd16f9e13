"""A loaded model: what `stream.load` gives."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stream import cards, engines
from stream.cards import Card
from stream.config import SessionSettings
from stream.ensemble import Ensemble
from stream.errors import ModelError
from stream.pipeline import Session
from stream.runtimes.base import Runtime
from stream.types import Array, State


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A model and the engine that runs it: shared and immutable; state belongs to whoever steps it."""

    runtime: Runtime | Ensemble
    """The engine, with the weights loaded; of an ensemble, its members' engines."""

    @property
    def card(self) -> Card:
        """What the model is."""
        return self.runtime.card

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that people see: those of the K logits, unless the card adds them up to others."""
        return self.card.shown_labels

    @property
    def members(self) -> tuple[Runtime, ...]:
        """The models that are stepped: the one, or an ensemble's."""
        return self.runtime.members if isinstance(self.runtime, Ensemble) else (self.runtime,)

    def init_state(self, batch: int = 1) -> State:
        """Return the state of `batch` streams that have seen nothing."""
        return self.runtime.init_state(batch)

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        """Advance `B` streams by one clip: (B, 3, T, S, S) in, (B, K) logits and the new state out; see `Runtime.step`.

        Raises:
            ShapeError: `clip` or `state` does not fit the card; says both shapes.
            ModelError: an ensemble has no step of its own.
        """
        return self.runtime.step(clip, state, decay)

    def session(self, settings: SessionSettings | None = None, **overrides: Any) -> Session:
        """Begin a stream of its own; `overrides` are fields of `SessionSettings`, on top of `settings`.

        Raises:
            UsageError: a setting is out of its range, or names a label the card does not have.
        """
        return Session(self.runtime, replace(settings or SessionSettings(), **overrides))


def load(name: str, runtime: str = engines.AUTO, threads: int = 1) -> Recogniser:
    """Load a model by its card's name, or by the path of a card.

    Args:
        name: a card that ships with the package or was pulled or imported, or the path of a `.toml` file.
        runtime: a file of `stream/runtimes`; "auto": fused where it is built and can run the model, else onnxruntime.
        threads: count of threads per step, 1 or more.

    Raises:
        UnknownPart: no such model or engine; lists the known ones.
        MissingDependency: the engine's package is not installed; says how to get it.
        ModelError: the card or its weights are not what they should be.
    """
    card = cards.load(name)
    if not card.members:
        return Recogniser(engines.build(card, runtime, threads))
    return Recogniser(Ensemble(card, tuple(engines.build(member, runtime, threads) for member in _members(card))))


def _members(card: Card) -> list[Card]:
    """Find an ensemble's members: beside its card, or by name."""
    beside = [card.path.parent / f"{name}.toml" if card.path else Path(name) for name in card.members]
    found = [cards.load(str(path) if path.is_file() else name) for path, name in zip(beside, card.members, strict=True)]
    if nested := next((member.name for member in found if member.members), None):
        raise ModelError(f"card {card.name!r}: its member {nested!r} is an ensemble itself")
    return found
