"""What `stream-bench` writes: `--json` and `--plot`, which every one of its commands has."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from stream import rooms
from stream.errors import UsageError

FORMS = (".png", ".svg", ".pdf")
"""How the name of a figure may end."""

JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")]
PlotFile = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help=f"Write a figure, {', '.join(FORMS)}; needs the extra \\[plot]."),
]


def check(json_file: Path | None, plot: Path | None) -> None:
    """Look whether what is measured can be written, before it is measured.

    Raises:
        UsageError: no such folder, one that cannot be written to, or a figure of another kind.
        MissingDependency: a figure is asked for without matplotlib.
    """
    for flag, file in (("--json", json_file), ("--plot", plot)):
        if file and (file.is_dir() or not os.access(file if file.exists() else file.parent, os.W_OK)):
            raise UsageError(f"{flag} is {file}; accepted: a file that can be written, in a folder that exists")
    if plot:
        if plot.suffix.lower() not in FORMS:
            raise UsageError(f"--plot is {plot}; accepted: a name ending in {', '.join(FORMS)}")
        with rooms.needing("--plot", "plot"):
            import stream.bench.plot  # noqa: F401, PLC0415  # matplotlib, an extra


def write(file: Path | None, found: dict[str, Any]) -> None:
    """Write JSON, where it is asked for.

    Raises:
        UsageError: it cannot be written after all.
    """
    if file:
        with _writing(file):
            file.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def save(file: Path, figure: Any) -> None:
    """Write a figure of matplotlib's.

    Raises:
        UsageError: it cannot be written after all.
    """
    with _writing(file):
        figure.savefig(file, dpi=120)


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
