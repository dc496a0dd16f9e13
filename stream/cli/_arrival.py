"""What is seen of a model on its way here: a bar, sentences, and at last what came."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn

from stream.cards import Card


class Arrival:
    """On stderr a line for each thing that is done; on a terminal a spinner meanwhile, and a bar for the download."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._stack = ExitStack()
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def progress(self, here: int, total: int | None) -> None:
        """Move the bar: bytes here, and in all where that is known."""
        if not self._console.is_terminal:
            return
        if self._bar is None:
            self._stack.close()  # a spinner: two cannot move at once
            columns = (TextColumn("fetching"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
            self._bar = self._stack.enter_context(Progress(*columns, console=self._console, transient=True))
            self._bar.add_task("fetching", total=total)
        self._bar.update(self._bar.task_ids[0], completed=here, total=total)

    def say(self, sentence: str) -> None:
        """Say what is being done."""
        self._stack.close()
        self._bar = None
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
            spinner = Progress(*columns, console=self._console, transient=True)
            self._stack.callback(self._print, sentence)  # what it said stays when the spinner goes
            self._stack.enter_context(spinner).add_task(sentence)
        else:
            self._print(sentence)

    def _print(self, sentence: str) -> None:
        self._console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def tell(card: Card) -> None:
    """Say what came, on stdout."""
    typer.echo(f"{card.name}  {len(card.labels)} classes, {card.side_px} px, {card.fps:g} fps")
    typer.echo(f"{card.path}")
    found = card.measured.get("import", {})
    if "largest_difference" in found:
        typer.echo(
            f"largest difference of the logits from {found['reference']} over {found['frames']} frames: "
            f"{found['largest_difference']:.1e}"
        )
    if found.get("note"):
        typer.echo(found["note"])
    if stored := card.measured.get("storage"):
        largest, spread = stored["largest_change"], stored["spread_of_logits"]
        change = f"no logit changes by more than {largest:.2g}; their standard deviation is {spread:.2g}"
        typer.echo(f"stored as {stored['dtype']}: {change if largest else 'as in the file, no logit changes'}")
