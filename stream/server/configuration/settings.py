"""stream.toml: the sources that the operator has configured.

    [defaults]                      # what every source has that does not say otherwise
    model = "gestures-a0"

    [source.door]                   # names: 1 to 64 of A-Z, a-z, 0-9, _ and -
    uri = "rtsp://door.example:554/live"
    user = "viewer"
    password_file = "door.secret"   # or password_env = "DOOR_PASSWORD"

    [output.alarm]                  # where what is told of sources goes, besides those who watch: see outlets.py
    kind = "webhook"
    url_env = "ALARM_URL"

Every field of `SourceSettings` and `SessionSettings` can stand in the first two. A path is relative to the file.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from stream.buffer import POLICIES
from stream.config import SessionSettings, check
from stream.errors import SourceError, StreamError, UsageError
from stream.server.configuration.outlets import output
from stream.server.configuration.reload import Stamps
from stream.server.configuration.tables import NAME, NAMES, Tables
from stream.server.outputs.base import OutputSettings
from stream.sources import open_source, scheme
from stream.sources.base import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """A source that the server keeps open."""

    name: str
    """The operator's name for it, the only one that clients, logs and metrics see."""
    uri: str = field(repr=False)
    """What `open_source` opens, its login filled in."""
    model: str = ""
    """Name or card of the model that reads it; empty: the server's default."""
    policy: str | None = None
    """What happens to frames that come too fast: wait, latest or every; None: latest for a live source, else wait."""
    queue: int | None = None
    """Count of frames that may wait, 1 to 1000; None: as many as the policy needs."""
    max_age_s: float = 2.0
    """Seconds, > 0: with the policy latest, a frame that is older when its turn comes is dropped."""
    loop: bool = False
    """Begin again at the end of a file."""
    realtime: bool | None = None
    """Take a file at its own pace; None: where it loops."""
    stall_s: float = 3.0
    """Seconds, > 0, without a frame after which a source counts as stalled."""
    timeout_s: float = 10.0
    """Seconds, > 0, without a frame after which a source is opened anew."""
    max_pause_s: float = 30.0
    """Seconds, > 0: the longest pause before a source is tried again, a quarter more or less."""
    session: SessionSettings = field(default_factory=SessionSettings)
    """How its frames are read."""
    wrong: Callable[[str, str], UsageError] = field(
        default=lambda _, words: UsageError(words), compare=False, repr=False
    )
    """Gives the error that says where a field stands and what is wrong with it, for what is found out later."""

    def __post_init__(self) -> None:
        check("name", bool(NAME.fullmatch(self.name)), repr(self.name), NAMES)
        check("uri", bool(self.uri), "empty", "what stream-watch takes, such as rtsp://HOST/PATH")
        check("policy", self.policy in (None, *POLICIES), repr(self.policy), ", ".join(POLICIES))
        check("queue", self.queue is None or 1 <= self.queue <= 1000, self.queue, "1 to 1000")
        check("max_age_s", self.max_age_s > 0, self.max_age_s, "more than 0 s, or inf")
        for name in ("stall_s", "timeout_s", "max_pause_s"):
            check(
                name, 0 < getattr(self, name) <= LONGEST_S, getattr(self, name), f"more than 0 s, {LONGEST_S} at most"
            )

    @property
    def has_end(self) -> bool:
        """Say whether it is a recording, which ends, and is not begun again."""
        return scheme(self.uri) in RECORDINGS and not self.loop

    def source(self) -> Source:
        """Prepare the source; it is opened when the `with` begins.

        Raises:
            StreamError: see `open_source`.
        """
        realtime = self.loop if self.realtime is None else self.realtime
        options = {"timeout_s": self.timeout_s} if scheme(self.uri) != "synthetic" else {}
        return open_source(self.uri, realtime=realtime, **options)


LONGEST_S = 86_400
"""Seconds of the longest time limit: a day."""
RECORDINGS = ("file", "images", "synthetic")
"""Kinds of sources that end by themselves."""

LOGIN = ("user", "password_env", "password_file")
"""What may stand in a source's table beside its settings."""

FIELDS = {
    **dict.fromkeys(("uri", "model", "policy", *LOGIN), "a text"),
    **dict.fromkeys(("queue", "top_k"), "a whole number"),
    **dict.fromkeys(
        ("max_age_s", "stall_s", "timeout_s", "max_pause_s", "memory_s", "begin_threshold", "end_threshold"), "a number"
    ),
    **dict.fromkeys(("min_duration_s", "smoothing_s", "max_gap_s"), "a number"),
    **dict.fromkeys(("loop", "realtime", "is_cut_aware"), "true or false"),
    **dict.fromkeys(("allow", "deny"), "a list of texts"),
}
"""What may stand in a table -> what it has to be."""

OF_SESSION = frozenset(item.name for item in fields(SessionSettings))


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a stream.toml says."""

    sources: Mapping[str, SourceSettings]
    """Name -> settings."""
    outputs: Mapping[str, OutputSettings]
    """Name -> settings."""
    files: Stamps
    """What it was read from: the file itself, and those with passwords."""


def load(path: Path, environment: Mapping[str, str]) -> Configuration:
    """Read a stream.toml.

    Args:
        path: the file.
        environment: where `password_env` is looked up.

    Raises:
        UsageError: it cannot be read, or something in it is not accepted; names the file, the line and the field, what
            was found and what is accepted.
        MissingDependency: an output needs a package that is not installed.
    """
    tables = Tables(path, environment)
    tables.known("", tables.top, ("defaults", "source", "output"))
    defaults, sources, outputs = (tables.table("", tables.top, name) for name in ("defaults", "source", "output"))
    tables.fields("defaults", defaults, {key: kind for key, kind in FIELDS.items() if key not in ("uri", *LOGIN)})
    found = {name: _source(tables, name, defaults, tables.table("source", sources, name)) for name in sources}
    ends = {name: one.has_end for name, one in found.items()}
    told = {name: output(tables, name, tables.table("output", outputs, name), ends) for name in outputs}
    return Configuration(found, told, tables.files)


def _source(tables: Tables, name: str, defaults: Mapping[str, Any], table: Mapping[str, Any]) -> SourceSettings:
    where = f"source.{name}"
    tables.fields(where, table, FIELDS)
    if "uri" not in table:
        raise tables.wrong(where, "", "uri is missing; accepted: what stream-watch takes, such as rtsp://HOST/PATH")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in {**defaults, **table}.items()
    }
    session = {key: values.pop(key) for key in OF_SESSION & set(values)}
    try:
        uri = _login(tables, where, _address(tables, values.pop("uri")), {key: values.pop(key, None) for key in LOGIN})
        wrong = partial(tables.wrong, where)
        found = SourceSettings(name=name, uri=uri, **values, session=SessionSettings(**session), wrong=wrong)
        with suppress(SourceError):  # what is not there may come
            found.source()
    except StreamError as error:
        key = str(error).partition(" ")[0]
        raise tables.wrong(where, key if key in FIELDS else {"name": ""}.get(key, "uri"), str(error)) from error
    except Exception as error:  # a library's; whatever a file says, it is told where
        raise tables.odd(where, "uri", error) from None
    return found


def _address(tables: Tables, uri: str) -> str:
    """Make a plain path absolute; anything else must be of a known scheme."""
    if not uri:
        return uri
    return str(tables.path.parent / uri) if scheme(uri) == "file" and not uri.startswith("file:") else uri


def _login(tables: Tables, where: str, uri: str, login: Mapping[str, str | None]) -> str:
    user, variable, file = (login[key] for key in LOGIN)
    if user is None and variable is None and file is None:
        return uri
    if user is None or (variable is None) == (file is None):
        raise tables.wrong(where, "user", "a login is user with password_env, or user with password_file")
    password = tables.secret(where, login, "password")
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password or '', safe='')}@{host}"))
