"""The live table, and the plain lines where there is no terminal."""

import io

import pytest
from rich.console import Console

from stream.config import SessionSettings
from stream.pipeline import Session, run
from stream.sinks import open_sink
from stream.sinks.table import Table
from tests.toy import Shelf, Toy, frames

SETTINGS = SessionSettings(smoothing_s=0, min_duration_s=0, deny=("lately red",))


def test_without_a_terminal_an_action_is_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with open_sink("table", "-") as sink:
        run(Shelf(frames([0.0, 0.1, 0.2, 0.3], red=1.0)), Session(Toy(), SETTINGS), sink.send)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["0.00", "s", "begin", "red", "1.00"],
        ["0.30", "s", "end", "red", "1.00"],
    ]


def test_the_last_picture_of_the_table_has_labels_events_age_and_drops() -> None:
    screen = io.StringIO()
    table = Table("toy [in] the window", Console(file=screen, force_terminal=True, width=80))
    with table:
        session = Session(Toy(), SETTINGS)
        session.drop("backlog", 7)
        run(Shelf(frames([0.0, 0.1, 0.15, 0.2, 9.0], red=1.0)), session, table.send)
    last = screen.getvalue()[screen.getvalue().rindex("toy [in] the window") :]
    assert "red" in last
    assert "100%" in last
    assert "0.0 - 0.2 s" in last
    assert "9.0 - 9.0 s" in last
    assert "dropped: 1 rate, 7 backlog" in last
    assert "cleared: 1 gap" in last
    assert "age" in last


def test_names_of_labels_are_never_markup() -> None:
    from stream.types import Drops, Frame, Label, LabelEvent, Phase, Update
    from tests.toy import Plain

    screen = io.StringIO()
    with Table("t", Console(file=screen, force_terminal=True, width=80)) as table:
        event = LabelEvent("[red]x[/nope]", Phase.BEGIN, 0.5, 0.0, 0.0)
        table.send(Frame(Plain(), 0.0, 0), Update(0.0, (Label("[red]x[/nope]", 0.5),), (event,), 0.0, Drops()))
    assert "[red]x[/nope]" in screen.getvalue()
