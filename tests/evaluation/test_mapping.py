"""What a data set's clips are to a model: patterns on their paths."""

from pathlib import Path

import pytest

from stream.errors import UsageError
from stream.evaluation import mapping
from stream.training.datasets import Sample

LABELS = ("still", "wave", "push")


def written(folder: Path, *lines: str) -> Path:
    path = folder / "map.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_the_first_pattern_that_fits_says_the_label_and_a_blank_one_leaves_out(tmp_path: Path) -> None:
    rules = mapping.read(written(tmp_path, "path,label", "a/hello/*,wave", "b/*,", "*,still"), LABELS)
    names = ("a/hello/1.mp4", "b/hello/2.mp4", "a/push/3.mp4")
    samples = [Sample(tmp_path / name, "whatever", group="g") for name in names]
    found = mapping.apply(rules, samples, tmp_path)
    assert [(sample.path.name, sample.label, sample.group) for sample in found] == [
        ("1.mp4", "wave", "g"),
        ("3.mp4", "still", "g"),
    ]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("clip,label", "*,wave"), "the header is clip,label; accepted: path,label"),
        (("path,label", "*,hello"), r"map\.csv:2: the label is 'hello'; accepted: still, wave, push, or blank"),
        (("path,label", ",wave"), r"map\.csv:2: .*accepted: a pattern and a label"),
        (("path,label", "*,wave,more"), r"map\.csv:2: .*accepted: a pattern and a label"),
        (("path,label",), "has no line"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, lines: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        mapping.read(written(tmp_path, *lines), LABELS)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("a/*,wave",), "no pattern fits b/2.mp4"),
        (("*,wave", "a/*,push"), r"map\.csv:3: 'a/\*' fits no clip"),
        (("*,",), "leave out every clip"),
    ],
)
def test_patterns_have_to_fit_all_clips_each_some_and_leave_something(
    tmp_path: Path, lines: tuple[str, ...], told: str
) -> None:
    rules = mapping.read(written(tmp_path, "path,label", *lines), LABELS)
    with pytest.raises(UsageError, match=told):
        mapping.apply(rules, [Sample(tmp_path / "a/1.mp4", ""), Sample(tmp_path / "b/2.mp4", "")], tmp_path)


def test_a_table_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist; accepted: a CSV with the header path,label"):
        mapping.read(tmp_path / "absent.csv", LABELS)
