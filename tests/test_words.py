"""Words of others: cut, on one line, nothing that a terminal obeys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import UnknownPart
from stream.words import LISTED, NAME, WORDS, cut, listed, meant, nearest, plain, shown


@given(st.text(max_size=40))
def test_whatever_was_said_is_short_and_on_one_line(text: str) -> None:
    for said in (plain(text), cut(text * 500), shown(text * 50)):
        assert len(said.splitlines()) <= 1
        assert "\x1b" not in said
        assert "\u202e" not in said
    assert len(cut(text * 500).encode()) <= WORDS + 20


@pytest.mark.parametrize(("text", "most"), [("é" * 5000, 1500), ("\x00" * 5000, 1500), ("\U0001f600" * 900, 100)])
def test_a_cut_keeps_whole_letters_and_says_that_it_is_one(text: str, most: int) -> None:
    assert len(cut(text, most).encode()) <= most
    assert cut(text, most).endswith("... (cut)")


def test_names_are_cut_and_many_are_counted() -> None:
    assert shown("x" * 10_000) == f"{'x' * NAME!r}... (10000 characters)"
    assert listed(["b", "a"]) == "a, b"
    many = listed(f"{n:03d}" for n in range(600))
    assert many.endswith(f"{LISTED - 1:03d} and {600 - LISTED} more")
    error = str(UnknownPart("label", "\x1b[2J" * 9999, [f"label {n}" * 30 for n in range(600)]))
    assert len(error.encode()) < 5000
    assert "\x1b" not in error


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("Wave", ["clap", "wave"], "wave"),
        ("everyday", ["movinet", "everyday-a0"], "everyday-a0"),
        ("movinet-a0", ["movinet-a0-stream", "movinet-a0-base"], "movinet-a0-stream"),
        ("gesture-a0", ["everyday-a0", "gestures-a0"], "gestures-a0"),
        ("quite another", ["clap", "wave"], ""),
        ("wav" * NAME, ["wave"], ""),
        ("", ["wave"], ""),
        ("wave", [], ""),
    ],
)
def test_the_nearest_of_the_known_names_is_meant(name: str, known: list[str], expected: str) -> None:
    assert nearest(name, known) == expected
    assert meant(name, known) == (f"did you mean {expected!r}? " if expected else "")
