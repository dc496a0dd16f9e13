"""From what the network says of each frame to labels and events: average, thresholds, minimum duration."""

import math
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from stream import allowed
from stream.checkpoint import Saved
from stream.config import USUAL, SessionSettings, Thresholds
from stream.types import Array, Label, LabelEvent, Phase, Scores

FEW = 8
"""Count: so many labels are found one by one; of 600 labels, sorting takes three times as long."""
SLACK_S = 1e-6
"""Seconds: offsets are sums of binary fractions, so a duration of 0.2 s may read 0.19999999."""

Mask = npt.NDArray[np.bool_]


def probabilities(logits: Array, output: str) -> Array:
    """Turn (K,) logits into (K,) probabilities: `softmax` (one label at a time) or `sigmoid` (any number at once)."""
    if output == "sigmoid":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), np.float32)  # never overflows
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), np.float32)


class Smoother:
    """The memory of one stream's labels: `update` with each frame's scores, `reset` where the stream breaks off.

    Of one label, events come as BEGIN, any number of UPDATE, END, with offsets that never decrease. A label that does
    not reach `begin_threshold`, or not for `min_duration_s`, gives no event: that is the honest "nothing I know". BEGIN
    and END carry the highest probability since the action began, so neither reads lower than `begin_threshold`.
    Every frame costs the same few passes over K numbers.
    """

    def __init__(
        self,
        labels: tuple[str, ...],
        settings: SessionSettings,
        background: tuple[str, ...] = (),
        usual: Thresholds = USUAL,
        own: Mapping[str, Thresholds] | None = None,
    ) -> None:
        """Prepare for `labels`, of which `background` give events only when `settings.allow` names them.

        `own`, of single labels, and `usual`, of all others, are the thresholds that hold where `settings` has none.

        Raises:
            UnknownPart: `settings.allow` or `settings.deny` names no label; lists the labels.
            UsageError: `settings.end_threshold` is higher than the begin that holds.
        """
        self._labels, self._settings = labels, settings
        found = [asdict(settings.thresholds((own or {}).get(name, usual))) for name in labels]
        self._limits = {name: np.array([one[name] for one in found]) for name in asdict(usual)}  # each (K,)
        self._watched = _mask(labels, set(allowed.told(labels, background, settings)))
        self._ranked = np.flatnonzero(_mask(labels, set(allowed.listed(labels, settings))))
        self._is_reached = np.zeros(len(labels), np.bool_)  # the begin threshold, once, told or not
        self._clear()

    def _clear(self) -> None:
        count = len(self._labels)
        self._mean: Array | None = None  # (K,)
        self._offset_s = -math.inf
        self._is_up = np.zeros(count, np.bool_)  # crossed the begin threshold and not yet fallen below the end's
        self._is_begun = np.zeros(count, np.bool_)  # ... and BEGIN was said
        self._begin_s, self._last_s = np.zeros(count), np.zeros(count)
        self._peak = np.zeros(count, np.float32)

    def saved(self) -> Saved:
        """Return the average, and what goes on."""
        mean = np.zeros(len(self._labels), np.float32) if self._mean is None else self._mean
        return {
            "offset_s": np.array(self._offset_s),  # -inf where there is no average yet
            "mean": mean,
            "is_up": self._is_up,
            "is_begun": self._is_begun,
            "begin_s": self._begin_s,
            "last_s": self._last_s,
            "peak": self._peak,
        }

    def restore(self, saved: Saved) -> None:
        """Take the average of another one, and what went on there."""
        self._offset_s = float(saved["offset_s"])
        self._mean = None if math.isinf(self._offset_s) else saved["mean"].clip(0, 1)
        self._is_up, self._is_begun = saved["is_up"], saved["is_begun"]
        self._begin_s, self._last_s, self._peak = saved["begin_s"], saved["last_s"], saved["peak"].clip(0, 1)

    def update(self, scores: Scores) -> tuple[LabelEvent, ...]:
        """Take one frame's (K,) probabilities; return what ended, began and went on with it, in this order."""
        mean, now_s, limits = self._average(scores), scores.offset_s, self._limits
        is_high = mean >= limits["begin_threshold"]
        self._is_reached |= is_high
        starts = self._watched & ~self._is_up & is_high
        if not (self._is_up | starts).any():
            return ()
        self._begin_s[starts], self._peak[starts] = now_s, 0.0
        self._is_up |= starts
        holds = self._is_up & (mean >= limits["end_threshold"])
        self._last_s[holds] = now_s
        np.maximum(self._peak, mean, out=self._peak, where=holds)
        ends = self._end(self._is_up & ~holds)
        is_old = self._is_begun.copy()
        self._is_begun |= holds & (now_s - self._begin_s >= limits["min_duration_s"] - SLACK_S)
        begins = self._events(self._is_begun & ~is_old, Phase.BEGIN, self._peak, self._begin_s)
        return (*ends, *begins, *self._events(is_old, Phase.UPDATE, mean, np.full(len(mean), now_s)))

    def labels(self, count: int) -> tuple[Label, ...]:
        """Return the `count` most probable labels that may be reported, best first; none before the first frame."""
        if self._mean is None:
            return ()
        found = self._mean[self._ranked]
        return tuple(Label(self._labels[self._ranked[i]], float(found[i])) for i in _best(found, count))

    @property
    def untold(self) -> tuple[str, ...]:
        """Labels that have reached their begin threshold, in this stream or since `restore`, and may not be events."""
        return tuple(self._labels[i] for i in np.flatnonzero(self._is_reached & ~self._watched))

    def reset(self) -> tuple[LabelEvent, ...]:
        """Forget the average and end what still goes on, at the last moment it was held."""
        ends = self._end(self._is_up)
        self._clear()
        return ends

    def _average(self, scores: Scores) -> Array:
        """Weigh the past by exp(-elapsed / smoothing_s): by time, so that the frame rate changes nothing."""
        elapsed_s, constant_s = scores.offset_s - self._offset_s, self._settings.smoothing_s
        if self._mean is None or constant_s == 0:
            self._mean = scores.probabilities.copy()
        else:
            keep = math.exp(-elapsed_s / constant_s)
            self._mean = np.asarray(keep * self._mean + (1 - keep) * scores.probabilities, np.float32)
        self._offset_s = scores.offset_s
        return self._mean

    def _end(self, fallen: Mask) -> tuple[LabelEvent, ...]:
        events = self._events(fallen & self._is_begun, Phase.END, self._peak, self._last_s)
        self._is_up, self._is_begun = self._is_up & ~fallen, self._is_begun & ~fallen
        return events

    def _events(
        self, chosen: Mask, phase: Phase, values: Array, offsets_s: npt.NDArray[np.float64]
    ) -> tuple[LabelEvent, ...]:
        return tuple(
            LabelEvent(self._labels[i], phase, float(values[i]), float(offsets_s[i]), float(self._begin_s[i]))
            for i in np.flatnonzero(chosen)
        )


def _best(values: Array, count: int) -> list[int]:
    """Return where the `count` highest values are, highest first, and among equals the first."""
    if count > FEW:
        return list(np.argsort(-values, kind="stable")[:count])
    left, found = values.copy(), list[int]()
    for _ in range(min(count, len(left))):
        found.append(int(left.argmax()))
        left[found[-1]] = -math.inf
    return found


def _mask(labels: tuple[str, ...], chosen: set[str]) -> Mask:
    return np.array([name in chosen for name in labels], np.bool_)
