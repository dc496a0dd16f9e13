"""Recording takes: from drawn gestures, broken off, gone on with, and taken by what learns."""

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream.cli.train import main
from stream.errors import SourceError, UsageError
from stream.sources import open_source
from stream.training import datasets, takes
from stream.training.takes import Plan, Prompt

SOURCE = "synthetic://gestures?seconds={}&fps=15&size=64x48"


def plan(out: Path, **changes: object) -> Plan:
    usual = {"labels": ("up", "down"), "takes": 2, "negatives": 1, "seconds": 1.0, "countdown_s": 0.5}
    return Plan(out=out, **(usual | changes))  # type: ignore[arg-type]


def recorded(seconds: float, wanted: Plan, said: list[Prompt] | None = None) -> tuple[str, int]:
    with open_source(SOURCE.format(seconds)) as source:
        return takes.record(source, wanted, (said if said is not None else []).append)


def test_a_session_is_recorded_class_after_class_with_a_countdown_each(tmp_path: Path) -> None:
    said = list[Prompt]()
    assert recorded(60, plan(tmp_path), said) == ("session1", 6)
    rows = takes.read(tmp_path)
    assert Counter(label for _, label, _ in rows) == {"up": 2, "down": 2, "no motion": 1, "other motion": 1}
    assert [label for _, label, _ in rows[:4]] == ["up", "down", "no motion", "other motion"]
    turns = [(one.number, one.is_recording) for one in said]
    assert list(dict.fromkeys(turns)) == [(number, is_on) for number in range(1, 7) for is_on in (False, True)]
    assert all(0 < one.left_s <= (1.001 if one.is_recording else 0.501) for one in said)


def test_takes_are_small_videos_of_their_length_that_training_takes(tmp_path: Path) -> None:
    recorded(60, plan(tmp_path))
    samples = datasets.read(tmp_path / takes.TABLE)
    assert {sample.group for sample in samples} == {"session1"}
    with open_source(str(samples[0].path)) as source:
        offsets = [frame.offset_s for packet in source for frame in source.decode(packet)]
    assert len(offsets) == 15
    assert offsets[-1] == pytest.approx(14 / 15, abs=0.01)


def test_a_session_that_was_broken_off_goes_on_and_the_next_is_another_group(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"ended: 2 of 6 takes of session1 are in .*; the same command goes on"):
        recorded(4, plan(tmp_path))
    assert len(takes.read(tmp_path)) == 2
    assert not list(tmp_path.rglob("*.part"))
    assert recorded(60, plan(tmp_path)) == ("session1", 4)
    assert recorded(60, plan(tmp_path)) == ("session2", 6)
    groups = Counter(group for _, _, group in takes.read(tmp_path))
    assert groups == {"session1": 6, "session2": 6}


def test_a_take_whose_video_is_gone_is_recorded_again(tmp_path: Path) -> None:
    recorded(60, plan(tmp_path))
    (tmp_path / takes.read(tmp_path)[0][0]).unlink()
    assert recorded(60, plan(tmp_path)) == ("session1", 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": ()}, "labels are none"),
        ({"labels": ("a", "a")}, "accepted: one or more, each once"),
        ({"labels": ("../a",)}, "'../a' cannot be a class's folder"),
        ({"labels": ("no motion",)}, "accepted: --negatives 0"),
    ],
)
def test_what_cannot_be_recorded_is_said(changes: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        plan(tmp_path, **changes)


def test_another_table_is_not_added_to(tmp_path: Path) -> None:
    (tmp_path / takes.TABLE).write_text("path,label\na.mp4,b\n")
    with pytest.raises(UsageError, match="holds no takes"):
        recorded(60, plan(tmp_path))


def test_too_few_frames_are_no_take(tmp_path: Path) -> None:
    with (
        open_source("synthetic://gestures?seconds=30&fps=2&size=64x48") as source,
        pytest.raises(SourceError, match="only 2 frames"),
    ):
        takes.record(source, plan(tmp_path), [].append)
    assert not list(tmp_path.rglob("*.mp4"))


def test_the_command_says_where_the_clips_are_and_fails_where_the_source_ends(tmp_path: Path) -> None:
    words = [
        "record",
        SOURCE.format(30),
        "--labels",
        "up, down",
        "--takes",
        "1",
        "--negatives",
        "0",
        "--countdown",
        "0",
    ]
    words += ["--seconds", "1", "--out", str(tmp_path / "mine"), "--json"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {
        "table": str(tmp_path / "mine" / "clips.csv"), "session": "session1", "added": 2, "clips": 2,
    }  # fmt: skip
    assert "1 of 2  RECORDING  do: up" in done.stderr
    short = CliRunner().invoke(main, ["record", SOURCE.format(0.5), *words[2:]])
    assert short.exit_code == 1
    assert "0 of 2 takes of session2" in short.stderr
