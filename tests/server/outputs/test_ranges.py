"""Files that are there when a source has ended, as watching the same file writes them."""

import json
from pathlib import Path

import pytest

from stream import recogniser
from stream.config import SessionSettings
from stream.pipeline import run
from stream.server.configuration import settings
from stream.server.outputs.base import OutputSettings
from stream.sinks import open_sink
from stream.sources import open_source
from tests.reliability.watcher import Watcher, configure, is_update
from tests.server import live
from tests.server.live import jpegs, wait_for
from tests.server.outputs import telling
from tests.server.outputs.receiver import Receiver, receiving

CONFIG = """
[defaults]
begin_threshold = 0.4
end_threshold = 0.2
min_duration_s = 0

[source.shots]
uri = "shots.mp4"

[source.steady]
uri = "shots.mp4"
loop = true

[output.subtitles]
kind = "vtt"
folder = "out"
{view}

[output.ranges]
kind = "activitynet"
folder = "out"
"""
LOG = '[output.log]\nkind = "jsonl"\npath = "labels.jsonl"\nsources = ["steady"]\n'
READ = SessionSettings(begin_threshold=0.4, end_threshold=0.2, min_duration_s=0)


@pytest.mark.parametrize("view", ["events", "labels"])
def test_a_server_writes_what_watching_the_file_writes(model: Path, tmp_path: Path, view: str) -> None:
    live.write_video(tmp_path / "shots.mp4", jpegs(80))
    (tmp_path / "out").mkdir()
    with live.running(model, *configure(tmp_path, CONFIG.format(view=f'view = "{view}"'))):
        wait_for(lambda: {path.name for path in (tmp_path / "out").iterdir()} == {"shots.vtt", "shots.json"})
    here = {"vtt": {"view": view}, "activitynet": {"video": "shots"}}
    for (sink, options), suffix in zip(here.items(), ("vtt", "json"), strict=True):
        ours = tmp_path / f"here.{suffix}"
        with open_source(str(tmp_path / "shots.mp4")) as source, open_sink(sink, str(ours), **options) as opened:
            run(source, recogniser.load(str(model)).session(READ), opened.send)
        there = (tmp_path / f"out/shots.{suffix}").read_text()
        assert there == ours.read_text()
        assert len(there) > 200


def test_outputs_begin_and_end_by_themselves_when_stream_toml_changes(model: Path, tmp_path: Path) -> None:
    live.write_video(tmp_path / "shots.mp4", jpegs(80))
    (tmp_path / "out").mkdir()
    with receiving(Receiver()) as receiver:
        hook = f'[output.hook]\nkind = "webhook"\nurl = "{receiver.url}"\nsources = ["steady"]\n'
        text = CONFIG.format(view="")
        with live.running(model, *configure(tmp_path, text + hook)) as server, Watcher(server, "steady") as watcher:
            watcher.wait(is_update)
            wait_for(lambda: len(receiver.accepted) > 2)
            configure(tmp_path, text + LOG)
            wait_for((tmp_path / "labels.jsonl").exists)
            count = len(receiver.requests)
            seen = len(watcher.updates())
            wait_for(lambda: len(watcher.updates()) > seen + 5)
            numbers = [update.sequence for update in watcher.updates()]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "the source was left alone"
            assert len(receiver.requests) == count
            told = "".join(server.log)
    assert "s3cret" not in told
    assert {row["source"] for row in map(json.loads, (tmp_path / "labels.jsonl").read_text().splitlines())} == {
        "steady"
    }


def test_only_what_ends_can_have_a_file_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "stream.toml").write_text(
        '[source.door]\nuri = "rtsp://a/b"\n[output.x]\nkind = "vtt"\nfolder = "."\nsources = ["door"]\n'
    )
    with pytest.raises(
        ValueError, match=r"stream.toml:6: output.x: sources is \['door'\]; accepted: those that end: there"
    ):
        settings.load(tmp_path / "stream.toml", {})


def test_a_gap_ends_the_actions_that_it_ends_and_nothing_is_told_twice(tmp_path: Path) -> None:
    values = OutputSettings(name="x", kind="activitynet", sources=("door",), folder=tmp_path, values={"folder": "."})
    desk = telling.desk(values)
    end = telling.event(telling.Phase.END, 0.2, 0.1)
    telling.tell(desk, telling.begin(1), telling.used(2), telling.Gap(0.2, (end,)), telling.used(90))
    telling.tell(desk, telling.over(last_s=9.0, end_s=9.1))
    desk.close()
    rows = json.loads((tmp_path / "door.json").read_text())["results"]["door"]
    assert [row["segment"] for row in rows] == [[0.1, 0.2]]
