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

EXPERIMENTAL = ("fall", "jump", "run", "walk")
"""Not right often enough to act on."""

MEMORY_S = 0.5
"""Seconds."""

CARD: dict[str, Any] = {
    "label_sets": SETS,
    "rest_label": "other",
    "experimental": EXPERIMENTAL,
    "memory_s": MEMORY_S,
}
"""Fields of the card."""
