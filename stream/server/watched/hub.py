"""All configured sources, who watches them, and the configuration as it is now."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from grpc import StatusCode

from stream import allowed, threads
from stream.config import SessionSettings
from stream.errors import UnknownPart, UsageError
from stream.recogniser import Recogniser
from stream.server.access.leash import Ended
from stream.server.configuration.settings import SourceSettings
from stream.server.news import News, Over
from stream.server.operations.metrics import Metrics
from stream.server.standing import Standing
from stream.server.turns import Turns
from stream.server.watched.audience import Audience, Seat
from stream.server.watched.desk import Desk
from stream.server.watched.diary import Diary
from stream.server.watched.keeper import Keeper

LOOK_S = 0.25
"""Seconds between two looks at whether a source has fallen silent."""
LEAVE_S = 2.0
"""Seconds that the threads of the sources have to end, together; one that hangs in a dead camera ends by itself."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A source and those who watch it."""

    keeper: Keeper
    audience: Audience
    diary: Diary


class Hub:
    """Begins, changes and ends sources; gives seats before them. `watching` on the event loop, `apply` off it."""

    def __init__(self, workers: Turns, find: Callable[[str], Recogniser], metrics: Metrics, desk: Desk) -> None:
        """Keep no sources; `find` gives the model of a name, "" the default.

        Args:
            workers: what steps, shared with the streams that clients push.
            find: called off the event loop.
            metrics: where frames are counted.
            desk: what else is told of everything.
        """
        self._loop, self._workers, self._find = asyncio.get_running_loop(), workers, find
        self._metrics, self._desk = metrics, desk
        self._kept: dict[str, Kept] = {}  # never changed, only replaced: the loop reads it while `apply` works
        self._closing = threading.Event()
        self._looker = threads.start("look at sources", self._look)

    def __len__(self) -> int:
        return len(self._kept)

    def apply(self, wanted: Mapping[str, SourceSettings], tune: Callable[[], None] = lambda: None) -> None:
        """Begin sources that are new, end those that are gone, restart those that have changed; leave the others.

        Args:
            wanted: by name.
            tune: called when what is old has ended and nothing new has begun: changes outputs, which so hear all of it.

        Raises:
            UsageError: there is no such model, or it lacks a label that a source names; says where that stands.
            StreamError: a model cannot be loaded. Nothing has changed then, either.
        """
        changed = {name: one for name, one in wanted.items() if self._settings(name) != one}
        begun = {name: self._prepared(one) for name, one in changed.items()}
        for name in [name for name in self._kept if name not in wanted or name in changed]:
            self._end(name, "has changed; watch it again" if name in changed else "is not configured any more")
            if name not in wanted:
                self._desk.forget(name)
        tune()
        for name, kept in begun.items():
            self._kept = dict(sorted({**self._kept, name: kept}.items()))
            kept.keeper.start()
        _log.info("sources: %s", ", ".join(self._kept) or "none")

    def kept(self) -> list[Kept]:
        """List the sources as they are kept; by name."""
        return list(self._kept.values())

    def standings(self) -> list[tuple[Standing, int]]:
        """List how each source is, and how many watch it; by name."""
        return [(kept.keeper.standing(), len(kept.audience)) for kept in self._kept.values()]

    @contextmanager
    def watching(self, name: str, allowed: Callable[[str], bool]) -> Iterator[tuple[Keeper, Seat, Audience]]:
        """Give a seat before a source, among the others.

        Raises:
            UnknownPart: no such source, or not one that is allowed; lists those that are.
        """
        if name not in self._kept or not allowed(name):
            raise UnknownPart("source", name, filter(allowed, self._kept))
        kept = self._kept[name]
        with kept.audience.seated() as seat:
            if kept.keeper.is_over:
                seat.put(kept.keeper.last_word())
                seat.close()
            yield kept.keeper, seat, kept.audience

    def close(self) -> None:
        """End everything."""
        self._closing.set()
        keepers = [kept.keeper for kept in self._kept.values()]
        for name in list(self._kept):
            self._end(name, None)
        end_s = time.monotonic() + LEAVE_S
        for keeper in keepers:
            keeper.join(max(0.0, end_s - time.monotonic()))
        self._looker.join(LEAVE_S)

    def _settings(self, name: str) -> SourceSettings | None:
        return self._kept[name].keeper.settings if name in self._kept else None

    def _model(self, settings: SourceSettings) -> Recogniser:
        """Return a source's model, which has the labels that the source names."""
        try:
            found = self._find(settings.model)
        except UsageError as error:
            raise settings.wrong("model", str(error)) from error
        for key in ("allow", "deny"):
            try:
                allowed.listed(found.labels, SessionSettings(**{key: getattr(settings.session, key)}))
            except UnknownPart as error:
                raise settings.wrong(key, str(error)) from error
        return found

    def _prepared(self, settings: SourceSettings) -> Kept:
        audience, diary = Audience(), Diary()
        recogniser = self._model(settings)

        def tell(news: News) -> None:
            diary.take(news)
            self._desk.tell(settings.name, news, diary.jpeg)
            self._tell(audience, news)

        keeper = Keeper(settings, recogniser, self._workers, tell, self._metrics, diary.see)
        return Kept(keeper, audience, diary)

    def _tell(self, audience: Audience, news: News) -> None:
        """Pass on what a keeper's thread says; after the last word there is no more."""
        self._loop.call_soon_threadsafe(audience.tell, news)
        if isinstance(news, Over):
            self._loop.call_soon_threadsafe(audience.close)

    def _end(self, name: str, words: str | None) -> None:
        kept = self._kept[name]
        self._kept = {other: one for other, one in self._kept.items() if other != name}
        why = Ended(StatusCode.UNAVAILABLE, f"source {name!r} {words}" if words else "the server is shutting down")
        self._loop.call_soon_threadsafe(kept.audience.expect, why)
        kept.keeper.stop()

    def _look(self) -> None:
        while not self._closing.wait(LOOK_S):
            for kept in list(self._kept.values()):
                kept.keeper.look()
