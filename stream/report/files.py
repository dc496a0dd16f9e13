"""Writes reports into a folder, one file a form."""

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stream.errors import MissingDependency, UsageError
from stream.report import page, tables
from stream.report.record import Report

FORMS = {"html": "html", "png": "png", "csv": "csv", "json": "json", "vtt": "vtt", "activitynet": "activitynet.json"}
"""Form -> the ending of its file. The last two are written while the video is read; see `stream.sinks`."""
STREAMED = ("vtt", "activitynet")
"""Forms that are sinks."""
TOTAL = "all"
"""What the files of several videos together are called."""


def usual() -> tuple[str, ...]:
    """Return every form that this install can write: no pictures without what draws them."""
    return tuple(form for form in FORMS if form != "png" or importlib.util.find_spec("matplotlib"))


def choose(text: str) -> tuple[str, ...]:
    """Read which forms are asked for, commas between.

    Raises:
        UsageError: one is unknown; names those there are.
        MissingDependency: pictures are asked for and cannot be drawn.
    """
    asked = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if unknown := [name for name in asked if name not in FORMS]:
        raise UsageError(f"no form {unknown[0]!r}; accepted, commas between: {','.join(FORMS)}")
    if not asked:
        raise UsageError(f"no form is named; accepted, commas between: {','.join(FORMS)}")
    if "png" in asked:
        try:
            from stream.report import picture  # noqa: F401, PLC0415  # a serving install may lack what it needs
        except ModuleNotFoundError as error:
            missing = (error.name or "").split(".")[0]
            raise MissingDependency("the picture of a report", missing, "plot") from error
    return asked


def stems(videos: Sequence[str]) -> list[str]:
    """Name the files of each video: its own name, with a number where others have it too."""
    taken, found = {TOTAL} if len(videos) > 1 else set[str](), list[str]()
    for video in videos:
        name = stem = _stem(video)
        number = 2
        while name in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name)
        found.append(name)
    return found


def place(folder: Path, stem: str, form: str) -> Path:
    """Say where a file goes."""
    return folder / f"{stem}.{FORMS[form]}"


def write(report: Report, folder: Path, stem: str, forms: Sequence[str]) -> None:
    """Write the files of one video, but for the streamed forms.

    Raises:
        UsageError: a file cannot be written.
    """
    texts = {
        "html": lambda: page.page(report),
        "csv": lambda: tables.to_csv([report]),
        "json": lambda: json.dumps(tables.to_json(report), indent=1) + "\n",
    }
    _write(folder, stem, forms, texts)
    if "png" in forms:
        from stream.report import picture  # noqa: PLC0415  # a serving install may lack what it needs

        picture.draw(report, place(folder, stem, "png"))


def write_total(reports: Sequence[Report], folder: Path, names: Sequence[str], forms: Sequence[str]) -> None:
    """Write the files of several videos together; `names` are the stems of their own files.

    Raises:
        UsageError: a file cannot be written.
    """
    pages = [place(folder, name, "html").name for name in names]
    texts = {
        "html": lambda: page.total_page(reports, pages),
        "csv": lambda: tables.total_csv(reports),
        "json": lambda: json.dumps(tables.total_json(reports), indent=1) + "\n",
    }
    _write(folder, TOTAL, forms, texts)
    if "png" in forms:
        from stream.report import picture  # noqa: PLC0415  # as above

        picture.draw_total(reports, place(folder, TOTAL, "png"))


def _write(folder: Path, stem: str, forms: Sequence[str], texts: Mapping[str, Callable[[], str]]) -> None:
    for form in forms:
        if form in texts:
            path = place(folder, stem, form)
            try:
                path.write_text(texts[form](), "utf-8")
            except OSError as error:
                path.unlink(missing_ok=True)
                raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _stem(video: str) -> str:
    name = Path(video.partition("?")[0].rstrip("/")).name
    name = name.rpartition(".")[0] or name
    return "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in name) or "video"
