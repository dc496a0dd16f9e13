"""Signs checkpoints, where the operator gives a key: then only what servers with that key made is taken back.

Without one any checkpoint is taken whose numbers a session can have written. Whoever forges one changes only what is
said of their own frames, which sending other frames does as well; a key matters where labels are evidence.
"""

import hashlib
import hmac
from pathlib import Path

from stream.errors import CheckpointError, UsageError

TAG_BYTES = hashlib.sha256().digest_size
SHORTEST_BYTES = 32
"""Bytes of a key, at least."""


class Seal:
    """HMAC-SHA-256 before the checkpoint; nothing where there is no key."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key

    def of(self, owner: str) -> "Seal":
        """Return the seal of one owner's checkpoints; empty: of those that anybody may go on from."""
        return Seal(hmac.digest(self._key, owner.encode(), hashlib.sha256)) if self._key and owner else self

    def put(self, checkpoint: bytes) -> bytes:
        """Sign."""
        return self._tag(checkpoint) + checkpoint if self._key else checkpoint

    def take(self, sealed: bytes) -> bytes:
        """Return what was signed.

        Raises:
            CheckpointError: it was not signed with this key.
        """
        if not self._key:
            return sealed
        tag, checkpoint = sealed[:TAG_BYTES], sealed[TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(checkpoint)):
            raise CheckpointError("the checkpoint was not signed with this server's key, or for another token")
        return checkpoint

    def _tag(self, checkpoint: bytes) -> bytes:
        return hmac.digest(self._key or b"", checkpoint, hashlib.sha256)


def load(path: Path | None) -> Seal:
    """Read the key: all that is in a file but white space at its ends.

    Raises:
        UsageError: it cannot be read, or is too short.
    """
    if path is None:
        return Seal()
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(key) < SHORTEST_BYTES:
        raise UsageError(f"{path} has {len(key)} bytes; accepted: a key of {SHORTEST_BYTES} or more")
    return Seal(key)
