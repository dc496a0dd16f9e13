"""A TOML file of the operator's, read so that what is wrong in it is named with its line and with what is accepted."""

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from stream.errors import UsageError
from stream.server.configuration.reload import Stamp, stamp
from stream.words import cut

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a source, an output or a token may be called ..."""
NAMES = "1 to 64 of A-Z, a-z, 0-9, _ and -"
"""... in words."""

LARGEST_BYTES = 1_000_000
"""Bytes of a file that is read."""
NAME_BYTES = 100
"""Bytes of a name or a value that are shown."""

KINDS: dict[str, tuple[type, ...]] = {
    "a text": (str,),
    "a number": (int, float),
    "a whole number": (int,),
    "true or false": (bool,),
    "a list of texts": (list,),
}
"""What a field can be -> the types that TOML has for it."""


class Tables:
    """The tables of one file, and where in it things stand."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        """Read the file.

        Args:
            path: the file.
            environment: where what `..._env` names is looked up.

        Raises:
            UsageError: it cannot be read, or is no TOML.
        """
        self.path, self._environment = path, environment
        self.files: dict[Path, Stamp | None] = {path: stamp(path)}
        """What was read, the file itself and those it names that hold secrets, with their stamps from before."""
        self._text = ""
        try:
            self._text = _text(path)
            self.top: Mapping[str, Any] = tomllib.loads(self._text)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
        except (ValueError, RecursionError) as error:  # TOMLDecodeError among them
            raise UsageError(f"{path}{_odd(self._text, error)}") from None

    def table(self, where: str, tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """Return a table inside another, empty where there is none."""
        found = tables.get(name, {})
        if not isinstance(found, dict):
            raise self.wrong(where, name, f"{name} is {_shown(found)}; accepted: a table")
        return found

    def known(self, where: str, table: Mapping[str, Any], known: Collection[str]) -> None:
        """Refuse what should not stand in a table."""
        for key in table:
            if key not in known:
                raise self.wrong(
                    where, key, f"there is no {cut(key, NAME_BYTES)}; accepted: {', '.join(sorted(known))}"
                )

    def fields(self, where: str, table: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
        """Refuse fields that should not stand in a table, and values of another kind than theirs."""
        self.known(where, table, kinds)
        for key, value in table.items():
            is_good = isinstance(value, KINDS[kinds[key]]) and isinstance(value, bool) == (
                kinds[key] == "true or false"
            )
            if not is_good or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
                raise self.wrong(where, key, f"{key} is {_shown(value)}; accepted: {kinds[key]}")

    def secret(self, where: str, table: Mapping[str, Any], name: str) -> str | None:
        """Return what `NAME_env` or `NAME_file` leads to; None where neither is there."""
        variable, file = table.get(f"{name}_env"), table.get(f"{name}_file")
        if variable is not None and file is not None:
            raise self.wrong(where, f"{name}_file", f"accepted: {name}_env or {name}_file, not both")
        if variable is not None:
            return self._variable(where, f"{name}_env", variable)
        return None if file is None else self._file(where, f"{name}_file", file)

    def wrong(self, where: str, key: str, words: str) -> UsageError:
        """Return the error that says what is wrong with a field, and where it stands."""
        line = _line(self._text, where, key)
        at = f":{line}" if line else ""
        return UsageError(f"{self.path}{at}: {f'{cut(where, NAME_BYTES)}: ' if where else ''}{words}")

    def odd(self, where: str, key: str, error: Exception) -> UsageError:
        """Return the error for a field that a library stumbled over; its words are not shown: they may be secret."""
        return self.wrong(where, key, f"{key or 'something'} cannot be used ({type(error).__name__})")

    def _variable(self, where: str, key: str, name: str) -> str:
        if name not in self._environment:
            raise self.wrong(where, key, f"there is no {cut(name, NAME_BYTES)} in the environment")
        return self._one_line(where, key, self._environment[name])

    def _file(self, where: str, key: str, name: str) -> str:
        if "://" in name:  # with a login, maybe
            raise self.wrong(where, key, f"{key} is an address; accepted: a file that holds what it is about")
        path = self.path.parent / name
        self.files[path] = stamp(path)
        try:
            found = _text(path).strip()
        except (OSError, ValueError) as error:
            words = f"{cut(str(path), 200)} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
            raise self.wrong(where, key, words) from None
        return self._one_line(where, key, found)

    def _one_line(self, where: str, key: str, secret: str) -> str:
        """Return a secret; refuse one that has more than its line, without showing it."""
        if not secret.isprintable():
            raise self.wrong(where, key, f"{key}: what it leads to is more than one line; accepted: the secret alone")
        return secret


def _text(path: Path) -> str:
    """Read a file of UTF-8, with the mark that some editors put first or without.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such text, larger than `LARGEST_BYTES`, or its name is none.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise ValueError(f"it has more than {LARGEST_BYTES} bytes")
    return data.decode("utf-8-sig")


def _odd(text: str, error: Exception) -> str:
    """Say what TOML cannot be read of, with its line; Python's own limits do not know theirs."""
    if isinstance(error, RecursionError):
        lines = text.splitlines()
        return f":{1 + lines.index(max(lines, key=_depth))}: tables or lists are nested too deeply"
    line = next((n for n, one in enumerate(text.splitlines(), 1) if re.search(r"\d{4000}", one)), None)
    at = f":{line}" if line and not isinstance(error, tomllib.TOMLDecodeError) else ""
    return f"{at}: {cut(str(error), 200)}"


def _depth(line: str) -> int:
    return max(map(line.count, "[.{"))


def _shown(value: object) -> str:
    try:
        return cut(repr(value), NAME_BYTES)
    except ValueError:  # a number of thousands of digits
        return "a very large number"


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
