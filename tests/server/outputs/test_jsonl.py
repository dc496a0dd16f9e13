"""JSON Lines that are put aside when they are large, and whole on a full disk."""

import json
from pathlib import Path

import pytest

from stream.server.configuration import outlets
from stream.server.outputs.base import OutputSettings
from stream.server.standing import State
from tests.server.live import wait_for
from tests.server.outputs import telling


def log(folder: Path, **values: object) -> OutputSettings:
    values = {"path": "labels.jsonl", **values}
    return OutputSettings(name="log", kind="jsonl", sources=("door",), folder=folder, values=values)


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_says_what_was_told_of_which_source_and_when_under_a_number_of_its_own(tmp_path: Path) -> None:
    desk = telling.desk(log(tmp_path))
    telling.tell(desk, telling.state(State.LIVE), telling.begin(1), telling.used(2), telling.end(3))
    telling.tell(desk, telling.begin(1), source="yard")
    telling.tell(desk, telling.over(end_s=0.4))
    desk.close()
    rows = read(tmp_path / "labels.jsonl")
    assert [row["kind"] for row in rows] == ["state", "update", "event", "update", "update", "event", "over"]
    assert {row["source"] for row in rows} == {"door"}
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(str(row["time"]).endswith("Z") for row in rows)


def test_only_what_is_asked_for_is_told(tmp_path: Path) -> None:
    desk = telling.desk(log(tmp_path, tell=["end", "state"]))
    telling.tell(desk, telling.state(State.LIVE), telling.begin(1), telling.used(2), telling.end(3))
    desk.close()
    assert [row.get("phase", row["kind"]) for row in read(tmp_path / "labels.jsonl")] == ["state", "end"]


def test_files_are_put_aside_when_they_are_large_and_only_so_many_are_kept(tmp_path: Path) -> None:
    desk = telling.desk(log(tmp_path, rotate_mb=0.002, keep=2))
    telling.tell(desk, *map(telling.begin, range(100)))
    desk.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["labels.jsonl", "labels.jsonl.1", "labels.jsonl.2"]
    numbers = [row["offset_s"] for name in reversed(names) for row in read(tmp_path / name) if row["kind"] == "event"]
    assert numbers == [round(number / 10, 6) for number in range(100)][-len(numbers) :], "the newest, in order"
    assert all((tmp_path / name).stat().st_size <= 2000 for name in names)


def test_a_line_that_was_cut_when_the_machine_stopped_is_taken_back(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"kind": "over"}\n{"kind": "up')
    desk = telling.desk(log(tmp_path))
    telling.tell(desk, telling.used(1))
    desk.close()
    assert [row["kind"] for row in read(tmp_path / "labels.jsonl")] == ["over", "update"]


def test_on_a_full_disk_lines_are_whole_and_nothing_is_lost_once_there_is_room(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(56_000))
    desk = telling.desk(log(small_disk))
    telling.tell(desk, *map(telling.begin, range(100)))
    wait_for(lambda: "No space left on device" in desk.standings()[0].trouble)
    rows = read(small_disk / "labels.jsonl")
    assert 0 < len(rows) < 200
    (small_disk / "ballast").unlink()
    wait_for(lambda: desk.standings()[0].waiting_count == 0)
    assert desk.standings()[0].trouble == ""
    desk.close()
    events = [row["offset_s"] for row in read(small_disk / "labels.jsonl") if row["kind"] == "event"]
    assert events == [round(number / 10, 6) for number in range(100)]


def test_what_waits_is_bounded_and_passing_labels_go_first(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").mkdir()  # cannot be opened
    desk = telling.desk(log(tmp_path))
    telling.tell(desk, *map(telling.begin, range(300)), *map(telling.used, range(300, 1500)))
    found = desk.standings()[0]
    assert found.waiting_count == 1000
    assert found.lost == {"backlog": 500}
    (tmp_path / "labels.jsonl").rmdir()
    wait_for(lambda: desk.standings()[0].waiting_count == 0)
    desk.close()
    rows = read(tmp_path / "labels.jsonl")
    assert sum(row["kind"] == "event" for row in rows) == 300
    assert rows[-1]["offset_s"] == 149.9


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"path": "nowhere/x.jsonl"}, "path is .*nowhere/x.jsonl; accepted: a path in a folder that exists"),
        ({"rotate_mb": 0}, "rotate_mb is 0; accepted: 0.001 to 10000 megabytes"),
        ({"keep": -1}, "keep is -1; accepted: 0 to 1000 files"),
        ({"tell": ["everything"]}, "tell is 'everything'; accepted: labels, begin, update, end, gap, state, over"),
    ],
)
def test_what_is_not_accepted_is_named_with_what_is(tmp_path: Path, values: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        outlets.build(log(tmp_path, **values))
