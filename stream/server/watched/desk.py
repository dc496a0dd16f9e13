"""All outputs: each in a thread of its own, so that a slow, failing or full one hurts no stream and no other output.

What is told waits before each, bounded. An output that cannot take it now is given it again later; when too much waits,
passing labels go first, then the oldest, and what went is counted.
"""

import itertools
import logging
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from stream import rows, threads
from stream.errors import OutputError
from stream.rows import Row
from stream.server.configuration import outlets
from stream.server.news import Gap, News, Over, Used
from stream.server.operations.named import SINK
from stream.server.outputs.base import Output, OutputSettings, Told, subject
from stream.server.standing import Standing

ROOM = 1000
"""Count of what waits before one output: a minute or more of one source at the models' usual rate."""
AGAIN_S = 1.0
"""Seconds until an output is given again what it could not take."""
LEAVE_S = 5.0
"""Seconds that outputs have to take what waits, when they end."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """How an output stands."""

    name: str
    """The operator's name for it."""
    taken_count: int
    """Count of news it took."""
    waiting_count: int
    """Count of news before it, and rows in it, that are not delivered yet."""
    lost: Mapping[str, int]
    """Count of news and rows that were given up, by reason."""
    trouble: str
    """What keeps it from delivering; empty: nothing does."""


class Delivery:
    """One output and what waits before it."""

    def __init__(self, settings: OutputSettings) -> None:
        """Begin, in a thread of its own."""
        self.settings = settings
        self._waiting = deque[Told]()
        self._changed = threading.Condition()
        self._taken_count, self._lost, self._trouble = 0, Counter[str](), ""
        self._ill_since_s: float | None = None
        self._leaving, self._hurry = False, threading.Event()
        self._is_retired = False
        self._successor: OutputSettings | None = None
        self._output = outlets.build(settings)
        self._thread = threads.start(f"output {settings.name}", self._run)

    def put(self, told: Told) -> None:
        """Let it wait; never waits itself."""
        with self._changed:
            if len(self._waiting) >= ROOM:
                self._make_room()
            self._waiting.append(told)
            self._changed.notify()

    def standing(self) -> Post:
        """Say how it stands."""
        with self._changed:
            lost = self._lost + Counter(self._output.lost)
            trouble = self._trouble or self._output.trouble
            count = len(self._waiting) + self._output.kept_count
            return Post(self.settings.name, self._taken_count, count, lost, trouble)

    @property
    def ill_since_s(self) -> float | None:
        """Seconds of the wall's clock: since when it cannot deliver, to a second; None: it can. Waits for nothing."""
        return self._ill_since_s

    def close(self, timeout_s: float, *, is_retired: bool = False, successor: OutputSettings | None = None) -> None:
        """Let it take what waits, and end; `is_retired`: while the server goes on, with a successor or without."""
        with self._changed:
            self._leaving = True
            self._is_retired, self._successor = is_retired, successor
            self._changed.notify()
        self._hurry.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._is_over():
            try:
                with self._output as output:
                    self._is_well()
                    self._give_all(output)
                    if self._is_retired:
                        output.retire(self._successor)
                    break
            except OutputError as error:
                self._is_ill(error)
            if self._hurry.wait(AGAIN_S):
                break
        if self._waiting:
            _log.error("output %s ends; %d news were not taken", self.settings.name, len(self._waiting), extra=SINK)

    def _give_all(self, output: Output) -> None:
        while (told := self._first()) is not None:
            try:
                if told.is_last:
                    output.forget(told.source)
                else:
                    output.take(told)
            except OutputError as error:
                self._is_ill(error)
                if self._hurry.wait(AGAIN_S):
                    return
                continue
            except Exception as error:
                words = "output %s failed (%s); what it was told is left out"
                _log.error(words, self.settings.name, threads.place(error), extra=SINK)
                self._lost["failed"] += 1
            else:
                self._taken_count += 1
                self._is_well()
            with self._changed:
                self._waiting.popleft()

    def _first(self) -> Told | None:
        """Wait for something; None when nothing waits and nothing more comes."""
        with self._changed:
            self._note()
            while not self._waiting and not self._leaving:
                self._changed.wait(AGAIN_S)
                self._note()
            return self._waiting[0] if self._waiting else None

    def _is_over(self) -> bool:
        with self._changed:
            return self._leaving and not self._waiting

    def _make_room(self) -> None:
        """Leave out what passes anyway, else the oldest; the first is in work and stays."""
        passing = (index for index, told in enumerate(self._waiting) if index and told.is_passing)
        del self._waiting[next(passing, min(1, len(self._waiting) - 1))]
        self._lost["backlog"] += 1

    def _is_ill(self, error: OutputError) -> None:
        if self._trouble != str(error):
            _log.error("output %s: %s; tried again every %g s", self.settings.name, error, AGAIN_S, extra=SINK)
        self._trouble = str(error)
        self._note()

    def _note(self) -> None:
        """Note since when it cannot deliver: some outputs find that out in threads of their own."""
        is_ill = bool(self._trouble or self._output.trouble)
        self._ill_since_s = (self._ill_since_s or time.time()) if is_ill else None

    def _is_well(self) -> None:
        if self._trouble:
            _log.info("output %s works again; %d news were lost", self.settings.name, self._lost["backlog"], extra=SINK)
        self._trouble = ""


class Desk:
    """Numbers what is told, and gives it to the outputs that want it. Any thread may call."""

    def __init__(self) -> None:
        """Begin without outputs."""
        self._deliveries: dict[str, Delivery] = {}  # never changed, only replaced
        self._standings: dict[str, Told] = {}
        self._run, self._numbers = secrets.token_hex(4), itertools.count(1)

    def apply(self, wanted: Mapping[str, OutputSettings], *, is_end: bool = False) -> None:
        """Begin outputs that are new, end those that are gone, restart those that have changed.

        One that begins is told at once how its sources are; `is_end`: the server ends.
        """
        changed = {name for name, one in wanted.items() if self._settings(name) != one}
        ending = [one for name, one in self._deliveries.items() if name not in wanted or name in changed]
        kept = {name: one for name, one in self._deliveries.items() if one not in ending}
        self._deliveries = kept
        for one in ending:  # before its successor opens the same file
            one.close(LEAVE_S, is_retired=not is_end, successor=wanted.get(one.settings.name))
        begun = {name: Delivery(wanted[name]) for name in sorted(changed)}
        for one in begun.values():
            for source, told in list(self._standings.items()):
                if source in one.settings.sources:
                    one.put(told)
        self._deliveries = {**kept, **begun}
        if wanted or ending:
            _log.info("outputs: %s", ", ".join(self._deliveries) or "none")

    def tell(self, source: str, news: News, picture: Callable[[], bytes] = bytes) -> None:
        """Give what was told of a source to those who want it; `picture` gives its newest one."""
        if isinstance(news, Standing):
            self._standings[source] = Told(source, news, tuple(self._named(source, _rows(news))), picture=picture)
        wanting = [one for one in self._deliveries.values() if source in one.settings.sources]
        if wanting:
            found = tuple(self._named(source, _rows(news)))
            is_passing = all(subject(row) in ("labels", "update") for row in found)
            told = Told(source, news, found, is_passing, picture)
            for one in wanting:
                one.put(told)

    def forget(self, source: str) -> None:
        """Say that a source is not configured any more."""
        last = self._standings.pop(source, None)
        for one in self._deliveries.values():
            if last and source in one.settings.sources:
                one.put(replace(last, is_last=True))

    def standings(self) -> list[Post]:
        """List how each output stands."""
        return [one.standing() for one in self._deliveries.values()]

    def failing(self) -> dict[str, float]:
        """Return the outputs that cannot deliver, by name, and since when: seconds of the wall's clock."""
        found = {name: one.ill_since_s for name, one in self._deliveries.items()}
        return {name: since_s for name, since_s in found.items() if since_s is not None}

    def close(self) -> None:
        """End all outputs; each has its time to take what waits."""
        self.apply({}, is_end=True)

    def _settings(self, name: str) -> OutputSettings | None:
        return self._deliveries[name].settings if name in self._deliveries else None

    def _named(self, source: str, found: Iterable[Row]) -> Iterable[Row]:
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for row in found:
            yield {"id": f"{self._run}-{next(self._numbers)}", "source": source, "time": time, **row}


def _rows(news: News) -> Iterable[Row]:
    """Return what is told as objects for JSON."""
    match news:
        case Used():
            return [rows.of_update(news.update), *map(rows.of_event, news.update.events)]
        case Gap():
            return [*map(rows.of_event, news.events), {"kind": "gap", "offset_s": round(news.offset_s, 6)}]
        case Over():
            return [*map(rows.of_event, news.events), {"kind": "over", "end_s": round(news.end_s, 6)}]
        case Standing():
            return [{"kind": "state", "state": news.state.value, "error": news.error}]
