"""What an importer offers: `KIND`, `PACKAGES`, `recognises(source)` and `read(source, given)`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stream.errors import ModelError, UsageError
from stream.types import Array, State

Weights = dict[str, npt.NDArray[np.float32]]
"""Key of our `state_dict` -> value in our layout."""

Trace = dict[str, Array]
"""What a run said: "logits", (T, K) after each frame of a stream or (1, K) of a clip; for a stream also every state at
the end, by our names and in our layout, so that a difference can be placed."""

Run = Callable[[Array], Trace]
"""Steps a (1, 3, T, S, S) clip, a stream frame by frame."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The weights in somebody else's hands: what ours are compared with."""

    name: str
    """What runs, for people."""
    run: Run
    """See `Run`."""
    is_gate_told: bool = True
    """Whether its outputs show which gate the weights need; False where the gate was given to it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds."""

    weights: Weights
    """Every parameter and moving statistic, by our names."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Fields of a card that the file tells."""
    reference: Reference | None = None
    """Something to compare with, where there is any."""
    note: str = ""
    """Why there is no reference."""
    as_it_is: Reference | None = None
    """Of a file that rounds what passes between its operations: itself. Ours does not round so: how far they are apart
    is measured, not judged."""


class Stepping(Protocol):
    """What of an engine a run needs, see `runtimes.base.Runtime`."""

    def init_state(self, batch: int = 1) -> State:
        """Return the state of a stream that has seen nothing."""
        ...

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        """Advance by one clip."""
        ...


def step_all(engine: Stepping, clip: Array) -> Trace:
    """Run a stream net of ours over a (1, 3, T, S, S) clip, frame by frame, with an endless memory."""
    state, rows = engine.init_state(), []
    for index in range(clip.shape[2]):
        logits, state = engine.step(clip[:, :, index : index + 1], state, 1.0)
        rows.append(logits[0])
    return {"logits": np.stack(rows), **{name: value[0] for name, value in state.items()}}


class Importer(Protocol):
    """One file of `stream/importers`."""

    KIND: str
    """What it reads, for people."""
    PACKAGES: tuple[str, ...]
    """Packages that reading needs beyond the base install: torch is of the extra `torch`, others are of `tf`."""

    def recognises(self, source: str) -> bool:
        """Say, from a look at it, whether `source` is one of these."""
        ...

    def read(self, source: str, given: Mapping[str, Any]) -> Reading:
        """Read it.

        Args:
            source: a path, or an address where the importer takes any.
            given: fields of a card that the user gave, for what the file does not tell.

        Raises:
            MissingDependency: a package it needs is not installed; says how to get it.
            UsageError: the file does not tell something that was not given either.
            ModelError: it is not what it seemed to be; says what is wrong.
        """
        ...


def floats(name: str, value: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return a weight as float32.

    Raises:
        ModelError: it is not made of numbers, or some are not finite.
    """
    found = np.asarray(value)
    if found.dtype.kind not in "fiu":
        raise ModelError(f"{name!r} is made of {found.dtype}, not of numbers")
    if not np.isfinite(found).all():
        raise ModelError(f"{name!r} has numbers that are not finite")
    return found.astype(np.float32)


def needed_gate(kind: str, given: Mapping[str, Any]) -> str:
    """Return the gate where it is known.

    Raises:
        UsageError: the weights are of a stream net and nobody said which of two hard sigmoids they were trained with.
    """
    if kind == "base":
        return "sigmoid"
    if "gate" in given:
        return str(given["gate"])
    raise UsageError(
        "the file does not tell which gate its weights need: --gate clip for what was published in 2021, "
        "--gate relu6 for what tf-models-official 2.20 or this project trained"
    )
