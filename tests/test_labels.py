"""A list of labels is right, or the line that is not is named."""

from pathlib import Path

import pytest

from stream import cards, labels
from stream.errors import UsageError


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "labels.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_labels_come_in_the_order_of_the_lines_however_lines_end(tmp_path: Path) -> None:
    assert labels.read(written(tmp_path, "\ufeffjump\r\n run \r\nsit"), 3) == ("jump", "run", "sit")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a\n\nb\n", r"line 2: blank"),
        ("a\nb\nc\na\n", r"line 4: 'a' is on line 1 already"),
        ("a\nb\n", r"has 2 labels, the network 3: line 3 is missing"),
        ("a\nb\nc\nd\n", r"has 4 labels, the network 3: line 4 is one too many"),
        (b"a\nb\n\xff\n", r"line 3: not UTF-8"),
        ("a\nb\x1b[2J\nc\n", r"line 2: .* characters that cannot be shown"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(content: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        labels.read(written(tmp_path, content), 3)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the labels .*none.txt"):
        labels.read(tmp_path / "none.txt")


def test_the_kinetics_list_that_ships_has_its_600_labels() -> None:
    found = labels.read(cards.SHIPPED / "kinetics-600.txt", 600)
    assert (found[0], found[409], found[-1]) == ("abseiling", "riding a bike", "zumba")
