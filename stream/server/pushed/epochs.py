"""Which pushed streams are open, and which time of theirs it is: of two calls that carry one stream, the newer has it.

A client whose connection died comes back before its server has noticed; and one that was cut off and thinks it still
has the stream may come back after another. Whoever has the higher epoch goes on, the other ends.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from grpc import StatusCode

from stream.server.access.leash import Ended, Leash, leashed


class Epochs:
    """Those of one server."""

    def __init__(self) -> None:
        """Begin with none."""
        self._open: dict[tuple[str, str], tuple[int, Leash]] = {}

    @asynccontextmanager
    async def held(self, client: str, stream_id: str, epoch: int) -> AsyncIterator[None]:
        """Have a client's stream, and end an older call that has it.

        Raises:
            Ended: ABORTED, a newer one has it, or has come.
        """
        key = client, stream_id  # a client can end none but its own
        if key in self._open:
            self._take_over(*self._open[key], stream_id, epoch)
        async with leashed() as leash:
            self._open[key] = epoch, leash
            try:
                yield
            finally:
                if self._open.get(key) == (epoch, leash):
                    del self._open[key]

    def _take_over(self, newest: int, leash: Leash, stream_id: str, epoch: int) -> None:
        if epoch <= newest:
            words = f"epoch {epoch} of stream {stream_id} is over: {newest} is open here; accepted: more than that"
            raise Ended(StatusCode.ABORTED, words)
        leash.end(Ended(StatusCode.ABORTED, f"stream {stream_id} was resumed by another call, as epoch {epoch}"))
