"""What is said of a stage where nobody sees a bar."""

from contextlib import closing

import pytest

from stream.training.bars import bar


def test_without_a_terminal_a_stage_is_a_line_as_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(bar(range(50), "decoding")) == list(range(50))
    assert capsys.readouterr().err == "decoding: 0 of 50\n"


def test_a_stage_that_lasts_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(bar(range(3), "decoding", pause_s=0.0)) as steps:
        assert [next(steps), next(steps), next(steps)] == [0, 1, 2]
    assert capsys.readouterr().err.splitlines() == ["decoding: 0 of 3", "decoding: 1 of 3", "decoding: 2 of 3"]
