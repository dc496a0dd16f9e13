"""Who watches one source: what is told goes to every seat; a slow one gets the newest, and every BEGIN and END.

Lives on one event loop.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from stream.server.news import News, Used
from stream.types import Phase

ROOM = 16
"""Count of news that wait for one watcher: three seconds at the models' usual rate."""
EVENTS = 256
"""Count of BEGINs and ENDs that are kept of the updates left out; the oldest go first."""


class Seat:
    """The news of one watcher, bounded however slow it is."""

    def __init__(self) -> None:
        """Begin with none."""
        self._news: deque[News] = deque()
        self._changed = asyncio.Event()
        self._error: Exception | None = None
        self._is_over = False
        self.missed_count = 0

    def put(self, news: News) -> None:
        """Add the newest; where there is no room the oldest update is left out, its BEGINs and ENDs kept."""
        if self._is_over:
            return
        self._news.append(news)
        if len(self._news) > ROOM:
            self._leave_out_oldest()
        self._changed.set()

    def close(self, error: Exception | None = None) -> None:
        """Let no more come; what waits is still given, then `error` if there is one."""
        if not self._is_over:
            self._is_over, self._error = True, error
        self._changed.set()

    async def get(self) -> News | None:
        """Take the oldest; None at the end.

        Raises:
            Exception: what the seat was closed with.
        """
        while not self._news and not self._is_over:
            self._changed.clear()
            await self._changed.wait()
        if self._news:
            return self._news.popleft()
        if self._error:
            raise self._error
        return None

    def _leave_out_oldest(self) -> None:
        updates = [index for index, news in enumerate(self._news) if isinstance(news, Used)]
        if len(updates) < 2:  # changes of state: the newest tell enough
            del self._news[0 if 0 not in updates else 1]
            return
        oldest, next_oldest = self._news[updates[0]], self._news[updates[1]]
        assert isinstance(oldest, Used) and isinstance(next_oldest, Used)  # noqa: S101  # they were looked for
        self._news[updates[1]] = _with_events_of(oldest, next_oldest)
        del self._news[updates[0]]
        self.missed_count += 1


def _with_events_of(older: Used, newer: Used) -> Used:
    """Let an update say the BEGINs and ENDs of one before it, too."""
    passed_on = tuple(event for event in older.update.events if event.phase is not Phase.UPDATE)
    kept = (*passed_on, *newer.update.events)[-EVENTS:]
    return replace(newer, update=replace(newer.update, events=kept))


class Audience:
    """The seats before one source."""

    def __init__(self) -> None:
        """Begin empty."""
        self._seats: set[Seat] = set()
        self._why: Exception | None = None

    def __len__(self) -> int:
        return len(self._seats)

    @contextmanager
    def seated(self) -> Iterator[Seat]:
        """Give a seat; it is free again whatever happens."""
        seat = Seat()
        self._seats.add(seat)
        try:
            yield seat
        finally:
            self._seats.discard(seat)

    def tell(self, news: News) -> None:
        """Tell everybody."""
        for seat in self._seats:
            seat.put(news)

    def expect(self, why: Exception) -> None:
        """Let `why` be what everybody gets after the last word, from now on."""
        self._why = why

    def close(self) -> None:
        """Tell everybody that there will be no more."""
        for seat in self._seats:
            seat.close(self._why)
