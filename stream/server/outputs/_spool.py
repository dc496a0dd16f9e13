"""What waits to be delivered, on disk: survives `kill -9`, bounded, and acknowledged once and for all.

SQLite, with a rollback journal that keeps its size: taking a row out needs no room that is not there already, so that
an acknowledgement can be written even on a full disk. Where it cannot, it is remembered until it can.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stream.errors import OutputError
from stream.server.operations.named import SINK

LONGEST_WAIT_S = 5.0
"""Seconds that one thread waits for another's writing."""
PREPARE = (
    "PRAGMA locking_mode = EXCLUSIVE",  # a second server must not deliver the same
    "PRAGMA journal_mode = PERSIST",
    "PRAGMA synchronous = FULL",
    "CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, body TEXT)",
)

_log = logging.getLogger(__name__)

Item = tuple[int, str, str]
"""Its number in this spool, the row's id, the row as JSON."""


class Spool:
    """Rows in the order in which they came; any thread may call."""

    def __init__(self, path: Path, most: int) -> None:
        """Open the file, made where there is none.

        Args:
            path: the file.
            most: count of rows, 1 or more: when there are more, the oldest go.

        Raises:
            OutputError: it cannot be opened, or another server has it.
        """
        self._path, self._most, self._lock = path, most, threading.Lock()
        self._done = set[int]()
        self.overflow_count = 0
        """Count of rows that had to go."""
        self.damaged_count = 0
        """Count of rows that could not be read."""
        self._base = self._opened()

    def _opened(self) -> sqlite3.Connection:
        """Open the file; one that is damaged is set aside, and a new one begun."""
        try:
            return self._prepared()
        except sqlite3.OperationalError as error:  # another server has it, the disk is full
            if "no such column" not in str(error) and "has no column" not in str(error):
                raise self._trouble(error) from error
        except sqlite3.DatabaseError:
            pass
        self._set_aside()
        try:
            return self._prepared()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def _prepared(self) -> sqlite3.Connection:
        self._base = sqlite3.connect(self._path, LONGEST_WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            for statement in PREPARE:
                self._base.execute(statement)
            self._check()
            self._reserve()
        except BaseException:
            self._base.close()
            raise
        return self._base

    def _check(self) -> None:
        """Read it all once.

        Raises:
            sqlite3.DatabaseError: it is damaged.
        """
        (found,) = self._base.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        self._base.execute("SELECT number, id, body FROM waiting LIMIT 1").fetchone()
        bad = "typeof(id) IS NOT 'text' OR typeof(body) IS NOT 'text' OR id GLOB '*[^ -~]*'"
        self.damaged_count += self._base.execute(f"DELETE FROM waiting WHERE {bad}").rowcount  # noqa: S608  # a constant

    def _set_aside(self) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged-{int(time.time())}")
        try:
            self._path.replace(aside)
            self._path.with_name(f"{self._path.name}-journal").unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot set the damaged spool {self._path} aside: {error.strerror}") from error
        _log.error("the spool %s is damaged; it is now %s, and a new one is begun", self._path, aside.name, extra=SINK)

    @property
    def count(self) -> int:
        """Count of rows that were not acknowledged."""
        with self._lock:
            return self._count()

    def add(self, rows: Sequence[tuple[str, str]]) -> None:
        """Keep rows, id and JSON, all or none; those it has already are not kept twice. On disk when this returns.

        Raises:
            OutputError: there is no room on the disk.
        """
        with self._lock:
            try:
                self._sweep()
                with self._base:
                    self._base.execute("BEGIN IMMEDIATE")
                    self._base.executemany("INSERT OR IGNORE INTO waiting (id, body) VALUES (?, ?)", rows)
                    if (many := self._count() - self._most) > 0:
                        self._forget(many)
                        self.overflow_count += many
            except sqlite3.Error as error:
                raise self._trouble(error) from error

    def first(self) -> Item | None:
        """Return the oldest that was not acknowledged."""
        with self._lock:
            try:
                found = self._base.execute("SELECT number, id, body FROM waiting ORDER BY number")
                return next((row for row in found if row[0] not in self._done), None)
            except sqlite3.Error as error:
                raise self._trouble(error) from error

    def done(self, number: int) -> None:
        """Take out what was acknowledged: `first` never gives it again."""
        with self._lock:
            self._done.add(number)
            try:
                self._sweep()
            except sqlite3.Error as error:
                raise self._trouble(error) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    def _sweep(self) -> None:
        with self._base:
            self._base.executemany("DELETE FROM waiting WHERE number = ?", [(number,) for number in self._done])
        self._done.clear()

    def _count(self) -> int:
        (count,) = self._base.execute("SELECT count(*) FROM waiting").fetchone()
        return int(count) - len(self._done)

    def _forget(self, many: int) -> None:
        oldest = "SELECT number FROM waiting ORDER BY number LIMIT ?"
        self._base.execute(f"DELETE FROM waiting WHERE number IN ({oldest})", (many,))  # noqa: S608  # a constant

    def _reserve(self) -> None:
        """Let the journal grow to what taking a row out needs, while there is room."""
        with suppress(sqlite3.OperationalError), self._base:  # there may be none
            self._base.execute("BEGIN IMMEDIATE")
            self._base.execute("INSERT INTO waiting (id, body) VALUES ('', ?)", ("x" * 8192,))
            self._base.execute("DELETE FROM waiting WHERE id = ''")

    def _trouble(self, error: sqlite3.Error) -> OutputError:
        return OutputError(f"cannot use the spool {self._path}: {error}")
