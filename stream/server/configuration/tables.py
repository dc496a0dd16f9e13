"""A TOML file of the operator's, read so that what is wrong in it is named with its line and with what is accepted."""

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from stream.errors import UsageError
from stream.server.configuration.reload import Stamp, stamp

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a source, an output or a token may be called ..."""
NAMES = "1 to 64 of A-Z, a-z, 0-9, _ and -"
"""... in words."""

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
        try:
            self._text = path.read_text("utf-8")
            self.top: Mapping[str, Any] = tomllib.loads(self._text)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{path}: {error}") from error

    def table(self, where: str, tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """Return a table inside another, empty where there is none."""
        found = tables.get(name, {})
        if not isinstance(found, dict):
            raise self.wrong(where, name, f"{name} is {found!r}; accepted: a table")
        return found

    def known(self, where: str, table: Mapping[str, Any], known: Collection[str]) -> None:
        """Refuse what should not stand in a table."""
        for key in table:
            if key not in known:
                raise self.wrong(where, key, f"there is no {key}; accepted: {', '.join(sorted(known))}")

    def fields(self, where: str, table: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
        """Refuse fields that should not stand in a table, and values of another kind than theirs."""
        self.known(where, table, kinds)
        for key, value in table.items():
            is_good = isinstance(value, KINDS[kinds[key]]) and isinstance(value, bool) == (
                kinds[key] == "true or false"
            )
            if not is_good or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
                raise self.wrong(where, key, f"{key} is {value!r}; accepted: {kinds[key]}")

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
        return UsageError(f"{self.path}{at}: {f'{where}: ' if where else ''}{words}")

    def _variable(self, where: str, key: str, name: str) -> str:
        if name not in self._environment:
            raise self.wrong(where, key, f"there is no {name} in the environment")
        return self._environment[name]

    def _file(self, where: str, key: str, name: str) -> str:
        path = self.path.parent / name
        self.files[path] = stamp(path)
        try:
            return path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            words = f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
            raise self.wrong(where, key, words) from error


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
