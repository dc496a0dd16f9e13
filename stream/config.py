"""Settings: frozen, checked once at the edge; nothing reads the environment after that."""

import math
from dataclasses import asdict, dataclass, replace

from stream.errors import UsageError

EVERY_LABEL = 2**31 - 1
"""As `top_k`: an update lists all labels, whatever the model."""


def check(name: str, is_good: bool, found: object, accepted: str) -> None:
    """Hold a setting to its range.

    Raises:
        UsageError: it is not good; names what was found and what is accepted.
    """
    if not is_good:
        raise UsageError(f"{name} is {found}; accepted: {accepted}")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When an action begins and when it ends. A card may say its own; these are those of one that says nothing."""

    begin_threshold: float = 0.5
    """Probability in (0, 1]: an action begins when it reaches this."""
    end_threshold: float = 0.35
    """Probability in (0, begin_threshold]: an action ends when it falls below this."""
    min_duration_s: float = 0.2
    """Seconds, 0 or more: an action must hold this long before BEGIN is said."""

    def __post_init__(self) -> None:
        check("begin_threshold", 0 < self.begin_threshold <= 1, self.begin_threshold, "in (0, 1]")
        limit = f"in (0, begin_threshold = {self.begin_threshold:g}]"
        check("end_threshold", 0 < self.end_threshold <= self.begin_threshold, self.end_threshold, limit)
        check("min_duration_s", 0 <= self.min_duration_s < math.inf, self.min_duration_s, "0 s or more")

    def but(
        self,
        begin_threshold: float | None = None,
        end_threshold: float | None = None,
        min_duration_s: float | None = None,
    ) -> "Thresholds":
        """Return these with others in place of some; an end that is not given sinks to a begin that is lower.

        Raises:
            UsageError: one is out of its range.
        """
        begin = self.begin_threshold if begin_threshold is None else begin_threshold
        end = min(self.end_threshold, begin) if end_threshold is None else end_threshold
        return Thresholds(begin, end, self.min_duration_s if min_duration_s is None else min_duration_s)


USUAL, HIGHEST = Thresholds(), Thresholds(1.0, 1.0)
"""What holds where neither a card nor anybody else says; and what lets everything by that can be right."""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How one stream is read. `None` means what the card says."""

    memory_s: float | None = None
    """Seconds: time constant of forgetting, > 0; `inf` never forgets (the official model)."""
    top_k: int = 3
    """Count: how many labels an update lists, 1 or more; more than there are lists all."""
    begin_threshold: float | None = None
    """Probability in (0, 1]: an action begins when it reaches this."""
    end_threshold: float | None = None
    """Probability in (0, begin_threshold]: an action ends when it falls below this."""
    min_duration_s: float | None = None
    """Seconds, 0 or more: an action must hold this long before BEGIN is said."""
    smoothing_s: float = 0.15
    """Seconds, 0 or more: time constant of the average over probabilities; 0 takes them as they are."""
    allow: tuple[str, ...] | None = None
    """Labels that may be reported, and only they; None allows all, of which background and experimental ones give no
    events. `+LABEL` lets one give events beside all others."""
    deny: tuple[str, ...] | None = None
    """Labels never reported; None denies none."""
    max_gap_s: float = 3.0
    """Seconds, > 0: a longer pause between two frames clears the memory; a shorter one fades it by its length."""
    is_cut_aware: bool = True
    """Clear the memory when the scene is cut."""

    def __post_init__(self) -> None:
        check("memory_s", self.memory_s is None or self.memory_s > 0, self.memory_s, "more than 0 s, or inf")
        check("top_k", self.top_k >= 1, self.top_k, "1 or more")
        HIGHEST.but(self.begin_threshold, self.end_threshold, self.min_duration_s)
        check("smoothing_s", 0 <= self.smoothing_s < math.inf, self.smoothing_s, "0 s or more")
        check("max_gap_s", self.max_gap_s > 0, self.max_gap_s, "more than 0 s")

    def thresholds(self, usual: Thresholds = USUAL) -> Thresholds:
        """Return when an action begins and ends; `usual`, the card's, is for what these settings leave open.

        Raises:
            UsageError: an end that these settings ask for is higher than the card's begin.
        """
        return usual.but(self.begin_threshold, self.end_threshold, self.min_duration_s)

    def filled(self, usual: Thresholds) -> "SessionSettings":
        """Return these with the thresholds that they leave open filled in; raises as `thresholds` does."""
        return replace(self, **asdict(self.thresholds(usual)))
