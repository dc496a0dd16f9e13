"""Several models as one: their logits are averaged, and each keeps its own side, rate and memory.

MoViNet-A6 is the mean of A4's and A5's logits (Kondratyuk et al. 2021, arXiv:2103.11511): 8 and 12 frames per second.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from stream import cache, cards
from stream.cards import OF_LABELS, Card
from stream.checkpoint import Saved, inside, nested
from stream.config import SessionSettings
from stream.errors import ModelError, UsageError
from stream.memory import Lap, Look, Memory
from stream.runtimes.base import Runtime
from stream.types import Array, Frame, State


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Satisfies `runtimes.base.Runtime` but for the step, which only its members have."""

    card: Card
    """The ensemble's own card."""
    members: tuple[Runtime, ...]
    """The models, in the card's order."""

    def __post_init__(self) -> None:
        for member in self.members:
            if member.card.labels != self.card.labels:
                raise ModelError(f"card {self.card.name!r}: its member {member.card.name!r} has other labels")

    @property
    def name(self) -> str:
        """The engines of the members, for people."""
        return ", ".join(dict.fromkeys(member.name for member in self.members))

    def init_state(self, batch: int = 1) -> State:  # noqa: ARG002  # as the protocol has it
        """Refuse, see `step`."""
        self._refuse()

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:  # noqa: ARG002
        """Refuse: members have clips of different sides at different times; only a session can bring them together."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ModelError(
            f"card {self.card.name!r} is an ensemble and has no step of its own: feed a session, or step its members: "
            + ", ".join(self.card.members)
        )


class Memories:
    """The members' memories of one stream; to a session they are one `Memory`."""

    def __init__(self, ensemble: Ensemble, settings: SessionSettings, lap: Lap) -> None:
        self._memories = [Memory(member, settings, lap) for member in ensemble.members]
        self._label_count = len(ensemble.card.labels)
        self._latest: dict[Memory, Array] = {}

    def is_due(self, offset_s: float) -> bool:
        """Say whether any member needs the frame of that offset; changes nothing."""
        return any(memory.is_due(offset_s) for memory in self._memories)

    def look(self, frame: Frame) -> Look:
        """Show a frame that is due to the members that need it. See `Memory.look`.

        The logits are the mean of what each member said last, since the memory was last cleared.
        """
        clips = {memory: memory.clip(frame) for memory in self._memories if memory.is_due(frame.offset_s)}
        found = {memory: memory.step(clip, frame.offset_s) for memory, clip in clips.items()}
        reset = next((look.reset for look in found.values() if look.reset), None)
        if reset:
            self._restart(others=found, reset=reset)
        self._latest |= {memory: look.logits for memory, look in found.items() if look.logits is not None}
        if reset == "nan" or not self._latest:
            return Look(None, "nan")
        return Look(np.mean(list(self._latest.values()), 0, np.float32), reset)

    def forget(self) -> None:
        """Clear every member's state."""
        for memory in self._memories:
            memory.forget()
        self._latest.clear()

    def saved(self) -> Saved:
        """Return what each member remembers and said last."""
        saved: dict[str, npt.NDArray[Any]] = {}
        for number, memory in enumerate(self._memories):
            said = self._latest.get(memory)
            logits = np.zeros(self._label_count, np.float32) if said is None else said
            latest = {"has_said": np.array(said is not None), "logits": logits}
            saved |= nested(str(number), {**memory.saved(), **latest})
        return saved

    def restore(self, saved: Saved) -> None:
        """Go on from what others of this ensemble saved."""
        self._latest.clear()
        for number, memory in enumerate(self._memories):
            found = inside(str(number), saved)
            memory.restore(found)
            if found["has_said"]:
                self._latest[memory] = found["logits"]

    def _restart(self, others: dict[Memory, Look], reset: str) -> None:
        """Clear the members that did not notice: a break is a break for all of them, and is told once."""
        self._latest.clear()
        for memory in self._memories:
            look = others.get(memory)
            if look is None or (look.reset is None and reset == "nan"):
                memory.restart()


def remember(runtime: Runtime | Ensemble, settings: SessionSettings, lap: Lap) -> Memory | Memories:
    """Begin the memory of a stream, of one model or of several."""
    if isinstance(runtime, Ensemble):
        return Memories(runtime, settings, lap)
    return Memory(runtime, settings, lap)


def join(name: str, members: Sequence[Card], variant: str = "mean", *, is_forced: bool = False) -> Card:
    """Write the card of an ensemble into the cache.

    Args:
        name: of the ensemble.
        members: cards that can be loaded by their names, two or more.
        variant: what the card says of it.
        is_forced: replace a model of that name.

    Raises:
        UsageError: there are too few, two are the same, their labels differ, one can follow no stream, or a model of
            that name is here.
        ModelError: the card cannot be written.
    """
    _check(name, members)
    names = tuple(member.name for member in members)
    card = Card(
        name=name,
        architecture="ensemble",
        variant=variant,
        side_px=max(member.side_px for member in members),
        fps=max(member.fps for member in members),
        labels=members[0].labels,
        output=members[0].output,
        **_shared(members),
        members=names,
        licence=" AND ".join(sorted({member.licence for member in members if member.licence})),
        source=f"the mean of the logits of {', '.join(names)}",
    )
    with cache.locked(name):
        cache.check_free(name, is_forced=is_forced)
        return replace(card, path=cache.replace_model(name, cards.dump(card)))


def _shared(members: Sequence[Card]) -> dict[str, Any]:
    """Return what the members say of their labels, each field where all say the same; else it is not carried over."""
    found = {name: [getattr(member, name) for member in members] for name in OF_LABELS}
    shared = {name: values[0] for name, values in found.items() if all(one == values[0] for one in values)}
    return shared if "label_sets" in shared else {}  # without the sets nothing else names a label that is shown


def _check(name: str, members: Sequence[Card]) -> None:
    if len(members) < 2 or name in cards.shipped():
        raise UsageError("an ensemble needs a name that no shipped model has, and two members or more")
    found = [name, *(member.name for member in members)]
    if twice := next((one for one in found if found.count(one) > 1), None):
        raise UsageError(
            f"{twice!r} is named twice; accepted: members that differ, and another name for their ensemble"
        )
    for member in members:
        if member.kind == "base" or member.members:
            raise UsageError(
                f"{member.name} cannot be a member: it is {member.kind} {member.architecture}, not one stream net"
            )
        if member.labels != members[0].labels:
            raise UsageError(f"{member.name} has other labels than {members[0].name}: their logits cannot be averaged")
