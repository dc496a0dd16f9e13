"""stream.toml: the sources that the operator has configured.

    [defaults]                      # what every source has that does not say otherwise
    model = "gestures-a0"

    [source.door]                   # names: 1 to 64 of A-Z, a-z, 0-9, _ and -
    uri = "rtsp://door.example:554/live"
    user = "viewer"
    password_file = "door.secret"   # or password_env = "DOOR_PASSWORD"

Every field of `SourceSettings` and `SessionSettings` can stand in either table. A path is relative to the file.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from stream.buffer import POLICIES
from stream.config import SessionSettings, check
from stream.errors import SourceError, StreamError, UsageError
from stream.sources import open_source, scheme
from stream.sources.base import Source

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a source may be called."""


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

    def __post_init__(self) -> None:
        check("name", bool(NAME.fullmatch(self.name)), repr(self.name), "1 to 64 of A-Z, a-z, 0-9, _ and -")
        check("policy", self.policy in (None, *POLICIES), repr(self.policy), ", ".join(POLICIES))
        check("queue", self.queue is None or 1 <= self.queue <= 1000, self.queue, "1 to 1000")
        check("max_age_s", self.max_age_s > 0, self.max_age_s, "more than 0 s, or inf")
        for name in ("stall_s", "timeout_s", "max_pause_s"):
            check(name, 0 < getattr(self, name) < math.inf, getattr(self, name), "more than 0 s")

    def source(self) -> Source:
        """Prepare the source; it is opened when the `with` begins.

        Raises:
            StreamError: see `open_source`.
        """
        realtime = self.loop if self.realtime is None else self.realtime
        options = {"timeout_s": self.timeout_s} if scheme(self.uri) != "synthetic" else {}
        return open_source(self.uri, realtime=realtime, **options)


LOGIN = ("user", "password_env", "password_file")
"""What may stand in a source's table beside its settings."""

KINDS: dict[str, tuple[type, ...]] = {
    "a text": (str,),
    "a number": (int, float),
    "a whole number": (int,),
    "true or false": (bool,),
    "a list of texts": (list,),
}
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
    files: tuple[Path, ...]
    """What it was read from: the file itself, and those with passwords."""


def load(path: Path, environment: Mapping[str, str]) -> Configuration:
    """Read a stream.toml.

    Args:
        path: the file.
        environment: where `password_env` is looked up.

    Raises:
        UsageError: it cannot be read, or something in it is not accepted; names the file, the line and the field, what
            was found and what is accepted.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return _Reader(path, text, environment).read()


class _Reader:
    """Reads one file, and knows where in it things stand."""

    def __init__(self, path: Path, text: str, environment: Mapping[str, str]) -> None:
        self._path, self._text, self._environment = path, text, environment
        self._files = [path]

    def read(self) -> Configuration:
        try:
            tables = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{self._path}: {error}") from error
        self._known("", tables, ("defaults", "source"))
        defaults, sources = (self._table("", tables, name) for name in ("defaults", "source"))
        self._fields("defaults", defaults, set(FIELDS) - {"uri", *LOGIN})
        found = {name: self._source(name, defaults, self._table("source", sources, name)) for name in sources}
        return Configuration(found, tuple(self._files))

    def _source(self, name: str, defaults: Mapping[str, Any], table: Mapping[str, Any]) -> SourceSettings:
        where = f"source.{name}"
        self._fields(where, table, FIELDS)
        if "uri" not in table:
            raise self._wrong(where, "", "uri is missing; accepted: what stream-watch takes, such as rtsp://HOST/PATH")
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in {**defaults, **table}.items()
        }
        session = {key: values.pop(key) for key in OF_SESSION & set(values)}
        try:
            uri = self._login(where, self._address(values.pop("uri")), {key: values.pop(key, None) for key in LOGIN})
            found = SourceSettings(name=name, uri=uri, **values, session=SessionSettings(**session))
            with suppress(SourceError):  # what is not there may come
                found.source()
        except StreamError as error:
            key = str(error).partition(" ")[0]
            raise self._wrong(where, key if key in FIELDS else {"name": ""}.get(key, "uri"), str(error)) from error
        return found

    def _address(self, uri: str) -> str:
        """Make a plain path absolute; anything else must be of a known scheme."""
        return str(self._path.parent / uri) if scheme(uri) == "file" and not uri.startswith("file:") else uri

    def _login(self, where: str, uri: str, login: Mapping[str, str | None]) -> str:
        user, variable, file = (login[key] for key in LOGIN)
        if user is None and variable is None and file is None:
            return uri
        if user is None or (variable is None) == (file is None):
            raise self._wrong(where, "user", "a login is user with password_env, or user with password_file")
        password = self._variable(where, variable) if variable is not None else self._secret(where, str(file))
        parts = urlsplit(uri)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"))

    def _variable(self, where: str, name: str) -> str:
        if name not in self._environment:
            raise self._wrong(where, "password_env", f"there is no {name} in the environment")
        return self._environment[name]

    def _secret(self, where: str, name: str) -> str:
        path = self._path.parent / name
        self._files.append(path)
        try:
            return path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            words = f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
            raise self._wrong(where, "password_file", words) from error

    def _table(self, where: str, tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        found = tables.get(name, {})
        if not isinstance(found, dict):
            raise self._wrong(where, name, f"{name} is {found!r}; accepted: a table")
        return found

    def _fields(self, where: str, table: Mapping[str, Any], known: Any) -> None:
        self._known(where, table, known)
        for key, value in table.items():
            is_good = isinstance(value, KINDS[FIELDS[key]]) and isinstance(value, bool) == (
                FIELDS[key] == "true or false"
            )
            if not is_good or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
                raise self._wrong(where, key, f"{key} is {value!r}; accepted: {FIELDS[key]}")

    def _known(self, where: str, table: Mapping[str, Any], known: Any) -> None:
        for key in table:
            if key not in known:
                raise self._wrong(where, key, f"there is no {key}; accepted: {', '.join(sorted(known))}")

    def _wrong(self, where: str, key: str, words: str) -> UsageError:
        line = _line(self._text, where, key)
        at = f":{line}" if line else ""
        return UsageError(f"{self._path}{at}: {f'{where}: ' if where else ''}{words}")


def _line(text: str, where: str, key: str) -> int | None:
    """Find the line of a field, or of its table where it has none; None where it is written in another way."""
    here, found = "", None
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]#]+?)\s*\]", line):
            here = re.sub(r"\s*\.\s*|[\"']", lambda found: found[0].strip("\"' "), header[1])
            if here in (where, f"{where}.{key}".strip(".")) or (not where and here.split(".")[0] == key):
                found = found or number
        elif key and here == where and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
            return number
    return found
