"""The memory study where only the head remembers: the network below it runs once, whatever the memories and ages.

Without squeeze-excitation a stream net pools over time in its head alone. What it makes of a frame below that does not
depend on the memory, so it is computed once a frame: a step with a decay of 0 leaves in the head's pool the newest
frame's features and nothing else. The means that a memory makes of them, and the two layers above, are a few products.
"""

from collections.abc import Iterable

import numpy as np

from stream import cards
from stream.onnxfile import OnnxFile
from stream.recogniser import Recogniser
from stream.types import Array

POOL, COUNT = "head_pool_buffer", "pool_frame_count"
"""Names of the only states that a memory changes."""


class Head:
    """What a network computes above its pool."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._fps = recogniser.card.fps
        weights = OnnxFile(recogniser.card.read_weights()).weights()
        names = ("dense", "classifier")
        self._layers = [(weights[f"{name}.weight"][:, :, 0, 0].T, weights[f"{name}.bias"]) for name in names]

    def features(self, clips: Iterable[Array]) -> Array:
        """Step the clips (1, 3, 1, S, S) of one stream; return what the head's pool is given: (T, C)."""
        state, found = self._recogniser.init_state(), list[Array]()
        for clip in clips:
            _, state = self._recogniser.step(clip, state, 0.0)
            found.append(np.array(state[POOL][0, :, 0, 0]))
        return np.stack(found)

    def means(self, features: Array, memory_s: float) -> Array:
        """Return the pool's mean after every frame of a stream that begins with the first: (T, C)."""
        decay, total, count = cards.decay(1 / self._fps, memory_s), np.zeros(features.shape[1]), 0.0
        found = np.empty_like(features)
        for place, frame in enumerate(features):
            total, count = total * decay + frame, count * decay + 1
            found[place] = total / count
        return found

    def logits(self, means: Array) -> Array:
        """Return (T, K) of (T, C) means."""
        (dense, bias), (classifier, last) = self._layers
        hidden = means @ dense + bias
        activation = self._recogniser.card.classifier_activation
        if activation == "relu6":
            hidden = hidden.clip(0, 6)
        else:
            gate = 1 / (1 + np.exp(-hidden)) if activation == "swish" else (hidden / 6 + 0.5).clip(0, 1)
            hidden = hidden * gate
        return np.asarray(hidden @ classifier + last, np.float32)


def can_share(recogniser: Recogniser) -> bool:
    """Say whether the head's pool is all that a memory changes."""
    card = recogniser.card
    names = [name for name in recogniser.init_state() if name.endswith(("_pool_buffer", "frame_count"))]
    return card.architecture == "movinet" and bool(card.weights) and sorted(names) == sorted((POOL, COUNT))


def past(features: Array, count: int) -> Array:
    """Return the last `count` frames of a stream that shows the same over and over."""
    repeats = -(-count // len(features))
    return np.concatenate([features] * max(1, repeats))[len(features) * max(1, repeats) - count :]
