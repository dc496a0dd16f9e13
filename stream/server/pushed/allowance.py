"""What the decoders of all pushed videos may hold together: so that nobody's large pictures take everybody's memory.

A decoder keeps the pictures that others are made from. How many is the sender's choice, so each counts with as many as
its codec allows, in the size and format that it has found in the packets.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stream.errors import Overrun

MOST_KEPT = {"mjpeg": 2, "vp9": 10, "av1": 10}
"""Pictures that a decoder keeps at most: those that others are made from, one in work and one that was given."""
USUAL_KEPT = 18
"""The same of H.264 and HEVC, which may make a picture from sixteen others."""


class Allowance:
    """That of one server; any thread may ask."""

    def __init__(self, most_bytes: int) -> None:
        """Begin with nothing held."""
        self._most_bytes, self._lock = most_bytes, threading.Lock()
        self._held = dict[object, int]()

    @property
    def held_bytes(self) -> int:
        """Bytes that count as held now."""
        with self._lock:
            return sum(self._held.values())

    def hold(self, holder: object, codec: str, width_px: int, height_px: int, bits: int) -> None:
        """Count a decoder, in the place of what it counted before; nothing for one whose stream has ended.

        Args:
            holder: the decoder's stream.
            codec: its name, as in `decode.CODECS`.
            width_px: pixels of its pictures.
            height_px: pixels of its pictures.
            bits: of a pixel, all planes together.

        Raises:
            Overrun: there is no room for it.
        """
        picture_bytes = width_px * height_px * bits // 8
        wanted = picture_bytes * MOST_KEPT.get(codec, USUAL_KEPT)
        with self._lock:
            if holder not in self._held:
                return
            free = self._most_bytes - sum(self._held.values()) + self._held.get(holder, 0)
            if wanted > free:
                raise Overrun(
                    f"no room to decode {codec} of {width_px}x{height_px} pixels: it may hold {wanted / 1e6:.0f} MB, "
                    f"{max(0, free) / 1e6:.0f} of this server's {self._most_bytes / 1e6:.0f} are free; accepted: "
                    "smaller pictures, or another time"
                )
            self._held[holder] = wanted

    @contextmanager
    def holding(self, holder: object) -> Iterator[None]:
        """Let a decoder count while the block runs."""
        with self._lock:
            self._held[holder] = 0
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(holder, None)
