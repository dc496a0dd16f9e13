"""Data sets: every manner of writing them is read, and every fault is named with its place."""

import json
import math
from pathlib import Path

import pytest

from stream.errors import UsageError
from stream.training import datasets
from stream.training.datasets import Sample


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def table(folder: Path, *lines: str) -> Path:
    path = folder / "data.csv"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def test_folders_are_classes_whatever_their_depth_and_other_files_are_no_clips(tmp_path: Path) -> None:
    touch(tmp_path, "sit/a.mp4", "sit/monday/b.MKV", "sit/notes.txt", "sit/.hidden.mp4", "run/c.webm", "README.md")
    assert datasets.read(tmp_path) == (
        Sample(tmp_path / "run/c.webm", "run"),
        Sample(tmp_path / "sit/a.mp4", "sit"),
        Sample(tmp_path / "sit/monday/b.MKV", "sit"),
    )


def test_folders_named_as_parts_of_a_split_are_that(tmp_path: Path) -> None:
    touch(tmp_path, "train/sit/a.mp4", "train/run/b.mp4", "val/sit/c.mp4", "val/run/d.mp4")
    found = datasets.read(tmp_path)
    assert {(sample.subset, sample.label, sample.path.name) for sample in found} == {
        ("train", "sit", "a.mp4"),
        ("train", "run", "b.mp4"),
        ("validation", "sit", "c.mp4"),
        ("validation", "run", "d.mp4"),
    }


def test_a_table_gives_spans_groups_and_subsets(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.mp4", "b.mp4")
    lines = ["x/a.mp4,sit,1.5,3,home,train", "x/a.mp4,run,3,,home,val", "b.mp4,run,,,,"]
    data = table(tmp_path, "path,label,start,end,group,split", *lines)
    assert datasets.read(data) == (
        Sample(tmp_path / "x/a.mp4", "sit", 1.5, 3.0, "home", "train"),
        Sample(tmp_path / "x/a.mp4", "run", 3.0, math.inf, "home", "validation"),
        Sample(tmp_path / "b.mp4", "run"),
    )


def test_kinetics_own_table_finds_whole_videos_and_cut_ones(tmp_path: Path) -> None:
    touch(tmp_path, "videos/clapping/abc_000010_000020.mp4", "videos/d-f.webm")
    data = table(
        tmp_path,
        "label,youtube_id,time_start,time_end,split,is_cc",
        "clapping,abc,10,20,train,0",
        '"riding, a bike",d-f,5,15,test,0',
    )
    cut, whole = datasets.read(data, tmp_path / "videos")
    assert (cut.path.name, cut.start_s, cut.end_s, cut.group) == ("abc_000010_000020.mp4", 0.0, math.inf, "abc")
    assert (whole.path.name, whole.label, whole.start_s, whole.end_s) == ("d-f.webm", "riding, a bike", 5.0, 15.0)
    assert (cut.subset, whole.subset) == ("train", "test")


def test_activitynets_json_gives_every_segment_and_the_video_as_its_group(tmp_path: Path) -> None:
    touch(tmp_path, "v_one.mp4", "two.mp4")
    database = {
        "one": {
            "subset": "training",
            "annotations": [{"label": "a", "segment": [0, 2]}, {"label": "b", "segment": [3.5, 9]}],
        },
        "two": {"subset": "validation", "annotations": [{"label": "a", "segment": [1, 2]}]},
        "three": {"subset": "testing", "annotations": []},
    }
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"version": "1.3", "database": database}))
    assert datasets.read(data) == (
        Sample(tmp_path / "v_one.mp4", "a", 0.0, 2.0, "one", "train"),
        Sample(tmp_path / "v_one.mp4", "b", 3.5, 9.0, "one", "train"),
        Sample(tmp_path / "two.mp4", "a", 1.0, 2.0, "two", "validation"),
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["clip,sit"], ":1: the header is 'clip,sit'; accepted: "),
        (["path,start"], ":1: the header is 'path,start'"),
        (["path,label,class"], ":1: .* gives the label twice"),
        (["path,label", "a.mp4"], ":2: 'a.mp4' has 1 columns; accepted: 2"),
        (["path,label", "a.mp4,sit", "", "b.mp4,"], ":4: no label"),
        (["path,label", ",sit"], ":2: no path"),
        (["path,label,start,end", "a.mp4,sit,x,2"], ":2: a time is 'x'; accepted: seconds"),
        (["path,label,start,end", "a.mp4,sit,-1,2"], ":2: a time is '-1'"),
        (["path,label,start,end", "a.mp4,sit,nan,2"], ":2: a time is 'nan'"),
        (["path,label,start,end", "a.mp4,sit,3,2"], ":2: from 3 to 2 s; accepted: an end after the start"),
        (["path,label,split", "a.mp4,sit,maybe"], ":2: split is 'maybe'; accepted: train"),
        (["path,label", "a.mp4,sit", "c.mp4,run"], "1 of 2 samples are missing, .*c.mp4 .*:3.*--skip-faulty"),
        (["path,label", "a.mp4,sit", "a.mp4,run"], ":3.* is 'sit' and 'run'"),
        (["path,label", "a.mp4,sit", "b.mp4,sit"], "2 samples of one class or none .'sit'.*two classes or more"),
        (["path,label"], "0 samples of one class or none .none"),
        ([], "data.csv is empty"),
        (["path,label", '"a.mp4,sit'], ":2: unexpected end of data; accepted: a CSV"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(lines: list[str], words: str, tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4")
    with pytest.raises(UsageError, match=words) as caught:
        datasets.read(table(tmp_path, *lines))
    assert "data.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.mp4"], "a.mp4 lies beside the classes.*CLASS/a.mp4"),
        (["notes.txt"], "holds no class folders"),
        (["sit/a.mp4", "run/notes.txt"], "class 'run' is empty"),
        (["sit/a.mp4", "sit/b.mp4"], "one class or none .'sit'"),
    ],
)
def test_what_is_wrong_with_folders_is_said(names: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        datasets.read(touch(tmp_path, *names))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not ActivityNet's JSON"),
        ('{"videos": {}}', "not ActivityNet's JSON, which has a `database`"),
        ('{"database": {"one": {"annotations": [{"label": "a"}]}}}', "one: an entry cannot be read"),
        ('{"database": {"one": {"annotations": [{"label": "a", "segment": [2, 1]}]}}}', "one: segment 2 to 1 s"),
    ],
)
def test_what_is_wrong_with_json_is_said(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(text)
    with pytest.raises(UsageError, match=words):
        datasets.read(touch(tmp_path, "one.mp4") / "data.json")


def test_what_is_no_data_set_is_answered_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing does not exist; accepted: a folder of CLASS/CLIP.mp4, a \.csv"):
        datasets.read(tmp_path / "nothing")
    with pytest.raises(UsageError, match=r"notes\.txt is no data set"):
        datasets.read(touch(tmp_path, "notes.txt") / "notes.txt")


def test_two_videos_of_one_name_are_not_guessed_between(tmp_path: Path) -> None:
    touch(tmp_path, "x/abc.mp4", "y/abc.mp4")
    with pytest.raises(UsageError, match=r"x/abc.mp4 and .*y/abc.mp4 have the same name"):
        datasets.read(table(tmp_path, "label,youtube_id,time_start,time_end", "a,abc,0,10"))


def test_a_lenient_reader_leaves_out_what_is_missing(tmp_path: Path) -> None:
    data = table(touch(tmp_path, "a.mp4", "b.mp4"), "path,label", "a.mp4,sit", "b.mp4,run", "c.mp4,run")
    assert [sample.path.name for sample in datasets.read(data, is_lenient=True)] == ["a.mp4", "b.mp4"]
