"""Where pulled and imported models lie on this machine, and how they are written: whole or not at all.

    HOME/models/NAME/NAME.toml      a card, as those of `models/`
    HOME/models/NAME/NAME-HASH.onnx the weights it names
    HOME/downloads/                 what is on its way here; one lock a model

HOME is the folder for caches that the platform has, or what STREAM_HOME names.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from stream.errors import ModelError, UsageError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What a model may be called here: nothing in it can leave the folder."""

LEFT_S = 86_400.0
"""Seconds after which a folder of what is on its way is nobody's any more."""


def home() -> Path:
    """Return the folder of everything kept here; it need not exist."""
    given = os.environ.get("STREAM_HOME")
    return Path(given).expanduser() if given else platformdirs.user_cache_path("movinet-stream", appauthor=False)


def check_name(name: str) -> str:
    """Return the name.

    Raises:
        UsageError: it could not name a model here; says what is accepted.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a model; accepted: a letter or digit, then up to 63 more, - or _")
    return name


def card_file(name: str) -> Path:
    """Return where the card of that name is, or would be."""
    return home() / "models" / check_name(name) / f"{name}.toml"


def names() -> tuple[str, ...]:
    """List the models that are here."""
    folders = (path.parent for path in (home() / "models").glob("*/*.toml"))
    found = {folder.name for folder in folders if NAME.fullmatch(folder.name)}
    return tuple(sorted(name for name in found if card_file(name).is_file()))


def check_free(name: str, *, is_forced: bool) -> None:
    """Keep a model from being replaced unawares.

    Raises:
        UsageError: one of that name is here, and nobody asked to replace it.
    """
    if name in names() and not is_forced:
        raise UsageError(f"{name!r} is here already; accepted: another name, or --force to replace it")


def downloads() -> Path:
    """Return the folder of what is on its way here, made where it is missing."""
    return _made(home() / "downloads")


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a model's lock: of two processes that bring or remove the same one, the second waits."""
    from filelock import FileLock  # noqa: PLC0415  # only who writes needs it

    with FileLock(downloads() / f"{check_name(name)}.lock"):
        yield


@contextmanager
def staging() -> Iterator[Path]:
    """Give a folder on the cache's own disk, gone afterwards; one that a killed process left goes after a day."""
    for left in downloads().glob("tmp*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_S:
                shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=downloads(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def replace_model(name: str, card: str, weights: Path | None = None, weights_name: str = "") -> Path:
    """Put a card and its weights in place; return the card's path.

    Readers see the old pair or the new one: weights come first and under a name of their own, what is stale goes last.

    Args:
        name: of the model.
        card: its TOML; names `weights_name`.
        weights: a file on the cache's own disk, moved; None for a card without.
        weights_name: what it is called beside the card.

    Raises:
        ModelError: it cannot be written.
    """
    path = card_file(name)
    folder = _made(path.parent)
    try:
        if weights:
            weights.replace(folder / weights_name)
        write(path, card.encode())
        for stale in folder.iterdir():
            if stale.name not in (path.name, weights_name):
                stale.unlink()
    except OSError as error:
        raise ModelError(f"cannot write {folder}: {error.strerror}") from error
    return path


def remove(name: str) -> None:
    """Take a model away, its card first."""
    path = card_file(name)
    try:
        path.unlink()
        shutil.rmtree(path.parent)
    except OSError as error:
        raise ModelError(f"cannot remove {path.parent}: {error.strerror}") from error


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, readable by all.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        written = Path(file.name)
        try:
            file.write(content)
            file.close()
            written.chmod(0o644)  # a temporary file is private
            written.replace(path)
        except OSError:
            written.unlink(missing_ok=True)
            raise


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"cannot make the folder {folder}: {error.strerror}") from error
    return folder
