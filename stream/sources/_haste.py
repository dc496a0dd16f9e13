"""Making up for lost time: key pictures alone are decoded, which costs a fraction."""

import math

KEYS_APART_S = 5.0
"""Seconds: where key pictures are further apart, no other is left out."""


class Haste:
    """Which packets of a live stream are decoded by who is late."""

    def __init__(self) -> None:
        """Begin unhurried."""
        self.is_hurried = False
        """Left out is what is not a key picture, until the next one after this was set back."""
        self._is_skipping = False
        self._key_s, self._apart_s = -math.inf, math.inf

    def skips(self, arrival_s: float, *, is_key: bool) -> bool:
        """Say whether a packet's picture is to be left out."""
        if is_key:
            self._key_s, self._apart_s = arrival_s, arrival_s - self._key_s
        is_wanted = self.is_hurried and self._apart_s < KEYS_APART_S
        self._is_skipping = is_wanted or (self._is_skipping and not is_key)
        return self._is_skipping and not is_key
