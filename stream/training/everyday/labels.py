"""What `everyday-a0` shows, of which Kinetics classes, and when.

Sets and thresholds were chosen on the `train` half of real clips, never on the half that judges: docs/models.md.
"""

from typing import Any

ROWS = ("fight", "fall")
"""Classes that Kinetics lacks: a row each, learned from footage."""

SETS: dict[str, tuple[str, ...]] = {
    "fight": ("fight",),
    "push-up": ("push up",),
    "pull-up": ("pull ups",),
    "squat": ("squat",),
    "jumping jack": ("jumping jacks",),
    "wave": (
        *("waving hand", "stretching arm", "contact juggling", "robot dancing"),
        *("throwing axe", "throwing knife", "tagging graffiti"),
    ),
    "fall": ("fall", "falling off chair", "faceplanting", "falling off bike", "somersaulting", "bending back"),
    "jump": (
        *("high jump", "long jump", "triple jump", "skipping rope", "jumpstyle dancing"),
        *("bouncing on trampoline", "hopscotch", "tap dancing"),
    ),
    "run": ("jogging", "running on treadmill", "jaywalking"),
    "walk": ("moon walking", "tiptoeing", "walking the dog", "marching", "walking through snow"),
}
"""Label -> the classes whose probabilities are added. From afar, somebody who waves looks to Kinetics like somebody who
throws or dances, and somebody who walks as if on tiptoe."""

EXPERIMENTAL = ("wave", "fall", "jump", "run", "walk")
"""Not right often enough to act on, or, as the set of `wave`, put together by looking at four people."""

THRESHOLDS = {
    "fight": (0.85, 0.25, 0.0),
    "push-up": (0.17, 0.15, 0.0),
    "pull-up": (0.13, 0.12, 0.0),
    "squat": (0.165, 0.15, 0.0),
    "jumping jack": (0.105, 0.095, 0.0),
    "wave": (0.37, 0.26, 0.2),
    "fall": (0.5, 0.35, 0.4),
    "jump": (0.1, 0.07, 0.2),
    "run": (0.29, 0.2, 0.2),
    "walk": (0.42, 0.3, 0.2),
}
"""Label -> begin, end, seconds: of exercises those at which 1.5 % of the other seconds of `train` pass, of fights one
that eight others an hour reach there."""

MEMORY_S = 0.5
"""Seconds."""

CARD: dict[str, Any] = {
    "label_sets": SETS,
    "rest_label": "other",
    "experimental": EXPERIMENTAL,
    "label_thresholds": {
        label: dict(zip(("begin_threshold", "end_threshold", "min_duration_s"), values, strict=True))
        for label, values in THRESHOLDS.items()
    },
    "memory_s": MEMORY_S,
}
"""Fields of the card."""
