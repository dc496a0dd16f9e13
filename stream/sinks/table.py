"""A live table in the terminal; where stdout is no terminal, a plain line as each action begins and ends."""

import time
from collections import deque
from dataclasses import asdict
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from stream.errors import UsageError
from stream.types import Drops, Frame, LabelEvent, Phase, Update

REFRESH_S = 1 / 15
"""Seconds between two drawings: fast for the eye, cheap over a slow connection."""
PAST_COUNT = 6
"""Count of ended actions that are shown."""
BAR_WIDTH = 28
"""Characters of a full bar."""
TERMINAL = "-"


def build(target: str = TERMINAL, *, title: str = "stream") -> "Table":
    """Prepare to draw to stdout, the only `target` ("-").

    Args:
        target: "-".
        title: what is watched, and by what.

    Raises:
        UsageError: another target.
    """
    if target != TERMINAL:
        raise UsageError(f"the table is drawn to the terminal, not to {target!r}; accepted: {TERMINAL!r}")
    return Table(title)


class Table:
    """Keeps what is to be seen and draws it at most every `REFRESH_S`."""

    def __init__(self, title: str, console: Console | None = None) -> None:
        self._title, self._row_count = title, 0  # the most that were listed: fewer keep the place of as many
        self._console = console or Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._update: Update | None = None
        self._ongoing: dict[str, LabelEvent] = {}
        self._past: deque[LabelEvent] = deque(maxlen=PAST_COUNT)
        self._resets: dict[str, int] = {}
        self._last: Frame | None = None
        self._drawn_s = 0.0

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            if self._update:
                self._live.update(self._render(self._update))
            self._live.stop()

    def send(self, frame: Frame, update: Update | None) -> None:
        """Take what a frame gave; draw it when it is time to, or say what began and ended with it."""
        if update is None:
            return
        self._take(update, is_new=frame is not self._last)
        self._last = frame
        if not self._live:
            self._say(update.events)
        elif time.monotonic() - self._drawn_s >= REFRESH_S:
            self._live.update(self._render(update), refresh=True)
            self._drawn_s = time.monotonic()

    def _take(self, update: Update, is_new: bool) -> None:
        self._update = update
        if update.reset and is_new:
            self._resets[update.reset] = self._resets.get(update.reset, 0) + 1
        for event in update.events:
            self._ongoing[event.label] = event
            if event.phase is Phase.END:
                self._past.append(self._ongoing.pop(event.label))

    def _say(self, events: tuple[LabelEvent, ...]) -> None:
        for event in events:
            if event.phase is not Phase.UPDATE:
                line = f"{event.offset_s:8.2f} s  {event.phase.value:5}  {event.label}  {event.probability:.2f}"
                self._console.print(line, markup=False, soft_wrap=True)

    def _render(self, update: Update) -> RenderableType:
        body = Group(self._labels(update), "", self._events(), "", self._facts(update))
        clock = Text(f"{update.offset_s:.1f} s", "bold")
        return Panel(
            Padding(body, (0, 1)),
            title=Text(self._title, "bold"),
            title_align="left",
            subtitle=clock,
            subtitle_align="right",
            box=box.ROUNDED,
            border_style="bright_black",
            width=min(self._console.width, 72),
        )

    def _labels(self, update: Update) -> Grid:
        grid = Grid.grid(padding=(0, 2, 0, 0))
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        grid.add_column(width=BAR_WIDTH)
        grid.add_column(width=4, justify="right")
        grid.expand = True
        for label in update.labels:
            style = "bold green" if label.name in self._ongoing else ""
            grid.add_row(
                Text(label.name, style), _bar(label.probability, style), Text(f"{label.probability:4.0%}", style)
            )
        self._row_count = max(self._row_count, len(update.labels))
        for _ in range(self._row_count - len(update.labels)):
            grid.add_row("", "", "")
        return grid

    def _events(self) -> Grid:
        """Draw what goes on, then what was last; always as many rows, so that nothing jumps."""
        grid = Grid.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=15, justify="right")
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        grid.add_column(width=4, justify="right")
        grid.expand = True
        rows = [_row(event) for event in (*self._ongoing.values(), *reversed(self._past))]
        for row in (rows + [(Text(), Text(), Text())] * PAST_COUNT)[:PAST_COUNT]:
            grid.add_row(*row)
        return grid

    def _facts(self, update: Update) -> Text:
        facts = [f"age {update.age_s * 1e3:.0f} ms", _counts("dropped", _drops(update.drops))]
        if self._resets:
            facts.append(_counts("cleared", self._resets))
        return Text("   ".join(facts), "bright_black", no_wrap=True, overflow="ellipsis")


def _bar(probability: float, style: str) -> Text:
    """Draw eighths of a character, so that a bar moves smoothly."""
    whole, part = divmod(round(max(0.0, min(1.0, probability)) * BAR_WIDTH * 8), 8)
    filled = "█" * whole + (" ▏▎▍▌▋▊▉"[part] if part else "")
    return Text(filled, style or "blue")


def _row(event: LabelEvent) -> tuple[Text, Text, Text]:
    if event.phase is Phase.END:
        span, style = f"{event.begin_s:.1f} - {event.offset_s:.1f} s", "bright_black"
    else:
        span, style = f"since {event.begin_s:.1f} s", "bold green"
    return Text(span, style), Text(event.label, style), Text(f"{event.probability:4.0%}", style)


def _drops(drops: Drops) -> dict[str, int]:
    return {cause: count for cause, count in asdict(drops).items() if count}


def _counts(what: str, counts: dict[str, int]) -> str:
    return f"{what}: " + (", ".join(f"{count} {cause}" for cause, count in counts.items()) or "none")
