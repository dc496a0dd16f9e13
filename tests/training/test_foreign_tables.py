"""Tables as other tools write them."""

import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream.errors import UsageError
from stream.training import record, splits
from stream.training.datasets import Sample, read
from stream.training.validation import Judgement
from tests import toy
from tests.cases import case


def videos(folder: Path) -> Path:
    """Make the files that the tables name, empty."""
    for place, stem in (("Fight", "fi"), ("no fight", "nofi")):
        (folder / "few" / place).mkdir(parents=True)
        for number in ("001", "010", "020", "030"):
            (folder / "few" / place / f"{stem}{number}.mp4").touch()
    return folder


@pytest.mark.parametrize("name", ["metadata.csv", "slowfast.csv", "excel.csv", "cp1252.csv", "win.csv"])
def test_what_other_tools_write_is_read(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = read(case(name), videos(tmp_path))
    assert len(found) == 8
    assert all(sample.path.is_file() for sample in found)
    wanted = {"slowfast.csv": {"0", "1"}, "cp1252.csv": {"Schlägerei", "ruhig"}}.get(name, {"fight", "calm"})
    assert {sample.label for sample in found} == wanted
    assert ("is read as cp1252" in caplog.text) == (name == "cp1252.csv")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("file_name;label\na.mp4;x\nb.mp4;y\n", {"x", "y"}),
        ("video\tclass\na.mp4\tx\nb.mp4\ty\n", {"x", "y"}),
        ("a.mp4,x\nb.mp4,y\n", {"x", "y"}),
        ("a.mp4 3\nb.mp4 4\n", {"3", "4"}),
        ("path,label\na.mp4,Müll\nb.mp4,y\n", {"Müll", "y"}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8-sig"])
def test_separators_headers_and_letters_are_told_apart(
    text: str, labels: set[str], encoding: str, tmp_path: Path
) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "table.csv").write_bytes(text.encode(encoding))
    assert {sample.label for sample in read(tmp_path / "table.csv")} == labels


def test_a_line_that_is_wrong_is_shown_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("path;label\na.mp4;x;9\n")
    with pytest.raises(UsageError, match=r"t\.csv:2: 'a\.mp4;x;9' has 3 columns; accepted: 2"):
        read(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("clip;kind\na.mp4;x\n")
    with pytest.raises(UsageError, match=r"t\.csv:1: the header is 'clip;kind'"):
        read(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes("path,label\na.mp4,x\n".encode("utf-16"))
    with pytest.raises(UsageError, match="is no UTF-8; accepted: UTF-8 or cp1252"):
        read(tmp_path / "t.csv")


def test_what_is_missing_or_doubled_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    rows = "a.mp4,x\nb.mp4,y\na.mp4,x\n" + "".join(f"{number}.mp4,x\n" for number in range(199))
    (tmp_path / "t.csv").write_text(f"path,label\n{rows}")
    with pytest.raises(UsageError, match="the videos of 199 of 202 samples are missing"):
        read(tmp_path / "t.csv")
    with caplog.at_level(logging.WARNING):
        assert len(read(tmp_path / "t.csv", is_lenient=True)) == 2
    assert "the videos of 199 of 202 samples are missing; these are left out" in caplog.text
    assert "1 samples stand there twice; each is taken once" in caplog.text


def test_a_segment_of_no_length_is_left_out_where_that_is_wished(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    spans = '[{"label": "x", "segment": [1, 1]}, {"label": "x", "segment": [1, 2]}, {"label": "y", "segment": [3, 4]}]'
    (tmp_path / "t.json").write_text(f'{{"database": {{"a": {{"annotations": {spans}}}}}}}')
    with pytest.raises(UsageError, match=r"segment 1 to 1 s; accepted: .* or --skip-faulty"):
        read(tmp_path / "t.json")
    assert len(read(tmp_path / "t.json", is_lenient=True)) == 2


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_videos_behind_a_link_are_found_once(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.mp4").touch()
    (tmp_path / "far" / "loop").symlink_to(tmp_path / "far")
    for name in ("x", "y"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data" / "x" / "link").symlink_to(tmp_path / "far")
    (tmp_path / "data" / "y" / "b.mp4").touch()
    assert [sample.path.name for sample in read(tmp_path / "data")] == ["a.mp4", "b.mp4"]


def test_advice_on_groups_works_with_the_data_at_hand(tmp_path: Path) -> None:
    names = case("grouping-layout.txt").read_text().split("\n")
    paths = [Path(name) for name in names if name.endswith(".mp4") and "/._" not in name]
    follow([Sample(tmp_path / path, path.parent.name) for path in paths], tmp_path)


def test_advice_on_groups_works_beside_a_foreign_file(tmp_path: Path) -> None:
    names = [f"{label}/take{take}_{part}.mp4" for label in "ab" for take in range(4) for part in range(3)]
    samples = [Sample(tmp_path / name, name[0]) for name in [*names, "a/holiday.mp4"]]
    follow(samples, tmp_path, must_advise=True)


def follow(samples: list[Sample], root: Path, *, must_advise: bool = False) -> None:
    """Split; where that is refused with advice, take the advice."""
    try:
        splits.split(samples, root, 0.25)
    except UsageError as error:
        pattern = str(error).partition("--group-by '")[2].partition("'")[0]
        found = splits.split(samples, root, 0.25, group_by=pattern)
        assert found.train
        assert found.validation
    else:
        assert not must_advise


def undecodable(folder: Path, name: bytes) -> Path:
    """Make a file whose name is no UTF-8, where the file system takes one."""
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
    try:
        path.touch()
    except OSError:
        pytest.skip("no such names here")
    return path


@pytest.mark.parametrize("name", [b"cl\xff_1.mp4", b"Schl\xe4gerei.mp4"])
def test_names_that_are_no_utf8_are_read_from_folders_and_tables(name: bytes, tmp_path: Path) -> None:
    for label in ("x", "y"):
        (tmp_path / "data" / label).mkdir(parents=True)
    odd, plain = undecodable(tmp_path / "data" / "x", name), tmp_path / "data" / "y" / "b\u00fc.mp4"
    plain.touch()
    found = read(tmp_path / "data")
    assert [sample.path for sample in found] == [odd, plain]
    card = replace(toy.CARD, labels=("x", "y"), background=())
    said = Judgement(0.0, np.eye(2, dtype=np.float32), np.array([0, 1]))
    record.tabulate(tmp_path / "table.csv", found, card, said)
    assert [sample.path for sample in read(tmp_path / "table.csv")] == [odd, plain]
    assert json.loads(record.text({"name": str(odd)}).encode()) == {"name": str(odd)}
    assert record.text({"name": str(plain)}).count("\u00fc") == 1


def test_a_class_whose_name_is_no_utf8_is_refused(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe4"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("no such names here")
    (folder / "a.mp4").touch()
    with pytest.raises(UsageError, match=r"\\xe4 is named after a class, and its name is no UTF-8"):
        read(tmp_path)
