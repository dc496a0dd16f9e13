"""A folder of recordings, one of them no video, and a server that is killed on the way: each has one whole result."""

import json
from collections.abc import Callable
from pathlib import Path

from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.reliability.watcher import configure
from tests.server import live
from tests.server.live import Server, jpegs, wait_for

Say = Callable[[str], None]
COUNT = 4


def archive(folder: Path) -> str:
    """Write recordings; return a stream.toml that has all of them read, and a result of each written."""
    (folder / "results").mkdir()
    tables = ['[output.ranges]\nkind = "activitynet"\nfolder = "results"\nview = "labels"\n']
    for number in range(COUNT):
        live.write_video(folder / f"clip{number}.mp4", jpegs(30, seed=number, side_px=96))
        tables.append(f'[source.clip{number}]\nuri = "clip{number}.mp4"\nrealtime = true\npolicy = "wait"\n')
    (folder / "broken.mp4").write_bytes(bytes(range(256)) * 40)
    tables.append('[source.broken]\nuri = "broken.mp4"\n')
    return "\n".join(tables)


def standings(server: Server) -> dict[str, pb.SourceStatus]:
    with server.channel() as channel:
        found: list[pb.SourceStatus] = list(
            rpc.RecognitionServiceStub(channel).ListSources(pb.ListSourcesRequest(), timeout=10).sources
        )
    return {one.name: one for one in found}


def results(folder: Path) -> dict[str, object]:
    return {path.stem: json.loads(path.read_text()) for path in (folder / "results").glob("*.json")}


def test_each_recording_has_one_whole_result_though_the_server_is_killed(model: Path, tmp_path: Path, say: Say) -> None:
    flags = configure(tmp_path, archive(tmp_path))
    with live.started(model, *flags) as doomed:
        wait_for(lambda: min(standings(doomed)[f"clip{number}"].update_count for number in range(COUNT)) > 5, 60)
        doomed.kill()
    assert results(tmp_path) == {}, "nothing is there that is not whole"
    with live.running(model, *flags) as server:
        wait_for(lambda: len(results(tmp_path)) == COUNT, 60)
        broken = standings(server)["broken"]
    first = results(tmp_path)
    assert sorted(first) == [f"clip{number}" for number in range(COUNT)]
    assert broken.state in (pb.SOURCE_STATE_FAILED, pb.SOURCE_STATE_CONNECTING)
    assert "broken.mp4" in broken.last_error
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == [f"clip{n}.json" for n in range(COUNT)]
    for path in (tmp_path / "results").iterdir():
        path.unlink()
    with live.running(model, *flags):
        wait_for(lambda: len(results(tmp_path)) == COUNT, 60)
    assert results(tmp_path) == first, "the same as without a kill"
    say(f"{COUNT} recordings, killed on the way and started again: {COUNT} whole results, the broken one named")
