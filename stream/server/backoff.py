"""How long to wait before a source is tried again: longer each time, never in step with others, never for ever."""

import random

FIRST_S, FACTOR = 0.5, 2.0
"""Seconds of the first pause, and what each is longer by."""
REFUSED_S = 60.0
"""Seconds of the pause after a login was refused: many cameras lock out who asks too often."""
STEADY_S = 10.0
"""Seconds of life after which a failure counts as a first one again."""


class Backoff:
    """The pauses of one source."""

    def __init__(self, longest_s: float, seed: int | None = None) -> None:
        """Begin with the first; `seed` makes the jitter the same every time."""
        self._longest_s = longest_s
        self._random = random.Random(seed)  # noqa: S311  # keeps cameras out of step, guards nothing
        self._next_s = FIRST_S

    def pause_s(self, lived_s: float, is_refused: bool = False) -> float:
        """Return the seconds to wait after a failure of a source that gave frames for `lived_s`."""
        if lived_s >= STEADY_S:
            self._next_s = FIRST_S
        pause_s = REFUSED_S if is_refused else min(self._next_s, self._longest_s)
        self._next_s = min(self._next_s * FACTOR, self._longest_s)
        return pause_s * self._random.uniform(0.75, 1.25)
