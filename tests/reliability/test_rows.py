"""Streams that are stepped together do not meet, even where one of them has numbers that are not finite."""

from pathlib import Path

import numpy as np
import pytest

from stream import recogniser, rooms
from stream.errors import MissingDependency
from stream.types import Array, State

ROWS, BAD = 5, 2
"""Count of streams in a batch, and which one is poisoned."""


def run(loaded: recogniser.Recogniser, clips: list[Array], poison: float | None) -> list[tuple[Array, State]]:
    """Step a batch; before the third step one row's picture, decay and state are made `poison`."""
    state, found = loaded.init_state(ROWS), []
    for number, clip in enumerate(clips):
        shown, state = _poisoned(clip, state, poison) if number == 2 and poison is not None else (clip, state)
        logits, state = loaded.step(shown, state)
        found.append((logits, state))
    return found


def _poisoned(clip: Array, state: State, poison: float) -> tuple[Array, State]:
    clip, state = clip.copy(), {name: values.copy() for name, values in state.items()}
    for values in (clip, *state.values()):
        values[BAD] = poison
    return clip, state


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("engine", rooms.names("runtimes"))
def test_one_row_that_is_not_finite_leaves_the_others_bit_for_bit(model: Path, engine: str, poison: float) -> None:
    try:
        loaded = recogniser.load(str(model), engine)
    except MissingDependency as error:
        pytest.skip(str(error))
    rng = np.random.default_rng(3)
    clips = [rng.random((ROWS, 3, 1, 32, 32), np.float32) for _ in range(6)]
    others = [row for row in range(ROWS) if row != BAD]
    well = run(loaded, clips, None)
    with np.errstate(all="ignore"):
        ill = run(loaded, clips, poison)
    assert not np.isfinite(ill[2][0][BAD]).all() or (ill[2][0][BAD] != well[2][0][BAD]).any(), "the poison works"
    for (logits, state), (same_logits, same_state) in zip(ill, well, strict=True):
        assert logits[others].tobytes() == same_logits[others].tobytes()
        assert all(state[name][others].tobytes() == same_state[name][others].tobytes() for name in state)
