"""What an output offers: `FIELDS`, `SECRETS` and `build(settings) -> Output`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stream.config import check
from stream.errors import UsageError
from stream.rows import Row
from stream.server.news import News
from stream.types import Phase

TOLD = ("labels", "begin", "update", "end", "gap", "state", "over")
"""What rows are about: labels of a frame, phases of an action, a gap, a change of the source's state, its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """An output that the operator has configured."""

    name: str
    """The operator's name for it, which logs and metrics see."""
    kind: str
    """A file of this folder."""
    sources: tuple[str, ...]
    """Names of the sources that it is told of."""
    folder: Path
    """Where its paths begin."""
    values: Mapping[str, Any] = field(repr=False)
    """Its own fields, secrets filled in."""

    def path(self, key: str) -> Path:
        """Return the path in a field.

        Raises:
            UsageError: the field is missing, or the folder to write to does not exist.
        """
        check(key, key in self.values, "missing", "a path")
        path = self.folder / str(self.values[key])
        if not path.parent.is_dir():
            raise UsageError(f"{key} is {path}; accepted: a path in a folder that exists")
        return path


@dataclass(frozen=True, slots=True)
class Told:
    """Something that was told of a source."""

    source: str
    """The source's name."""
    news: News
    """What it is."""
    rows: tuple[Row, ...]
    """The same as objects for JSON, each with `id`, `source` and `time` (UTC, ISO 8601)."""
    is_passing: bool = False
    """Labels of a frame and nothing else: the next frame's take their place."""
    picture: Callable[[], bytes] = field(default=bytes, repr=False)
    """Gives the source's newest picture, a JPEG; empty where there is none."""
    is_last: bool = False
    """The source is not configured any more: what is known of it is to be forgotten."""

    def about(self, wanted: frozenset[str]) -> list[Row]:
        """Return the rows about what is wanted, some of `TOLD`."""
        return [row for row in self.rows if subject(row) in wanted]


class Output:
    """Takes what is told, in a thread of its own; opened and closed as a `with`. What it needs not is empty here."""

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            OutputError: it cannot be opened now.
        """
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; what it has taken and not delivered is kept where it can be."""

    def take(self, told: Told) -> None:
        """Take what was told, wholly or not at all.

        Raises:
            OutputError: not now; the same is given again later.
        """
        raise NotImplementedError

    def forget(self, source: str) -> None:
        """Hear that a source is not configured any more, after all that was told of it."""

    def retire(self, successor: OutputSettings | None) -> None:
        """Hear that this output ends while the server goes on, and what takes its place under the same name, if any."""

    @property
    def kept_count(self) -> int:
        """Count of rows taken and not delivered yet."""
        return 0

    @property
    def lost(self) -> Mapping[str, int]:
        """Count of rows taken and given up, by reason."""
        return {}

    @property
    def trouble(self) -> str:
        """What keeps it from delivering what it has taken; empty: nothing does."""
        return ""


def subject(row: Row) -> str:
    """Return which of `TOLD` a row is about."""
    return {"update": "labels", "event": str(row.get("phase"))}.get(row["kind"], str(row["kind"]))


def wanted(settings: OutputSettings, usual: tuple[str, ...]) -> frozenset[str]:
    """Return what the field `tell` asks for, `usual` where it is absent.

    Raises:
        UsageError: something else than `TOLD`.
    """
    asked = settings.values.get("tell", usual)
    for one in asked:
        check("tell", one in TOLD, repr(one), ", ".join(TOLD))
    return frozenset(asked)


BEGIN_AND_END = (Phase.BEGIN.value, Phase.END.value)
