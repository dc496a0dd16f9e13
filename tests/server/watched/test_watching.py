"""Sources that the operator configured, watched by clients."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from stream import recogniser
from stream.config import SessionSettings
from stream.pipeline import run
from stream.server.client import messages
from stream.sources import open_source
from stream.types import Update
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests import clips
from tests.server import live
from tests.server.live import Server, jpegs, wait_for

CONFIG = """
[defaults]
begin_threshold = 0.4
end_threshold = 0.2
min_duration_s = 0
top_k = 5

[source.loop]
uri = "square.mp4"
loop = true

[source.shots]
uri = "shots.mp4"
realtime = true
policy = "wait"

[source.short]
uri = "square.mp4"

[source.away]
uri = "rtsp://127.0.0.1:1/cam?token=s3cret"
user = "bob"
password_env = "AWAY"
"""
READ = SessionSettings(begin_threshold=0.4, end_threshold=0.2, min_duration_s=0, top_k=5)
SHOTS = 300
"""Count of frames of shots.mp4, at 10 a second: long enough to be joined in the middle."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    clips.write(folder / "square.mp4")
    live.write_video(folder / "shots.mp4", jpegs(SHOTS))
    (folder / "stream.toml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def here(model: Path, folder: Path) -> list[Update]:
    """What a session in this process says of shots.mp4."""
    said: list[Update] = []
    with open_source(str(folder / "shots.mp4")) as source:
        run(source, recogniser.load(str(model)).session(READ), lambda _, update: said.append(update))
    return said


@pytest.fixture(scope="module")
def sources(model: Path, folder: Path, here: list[Update]) -> Iterator[Server]:
    flags = ("--config", str(folder / "stream.toml"), "--http-port", "0")
    with live.running(model, *flags, AWAY="s3cret/word") as server:
        yield server


@pytest.fixture
def stub(sources: Server) -> Iterator[rpc.RecognitionServiceStub]:
    with sources.channel() as channel:
        yield rpc.RecognitionServiceStub(channel)


def watch(stub: rpc.RecognitionServiceStub, source: str) -> Iterator[pb.WatchResponse]:
    return stub.Watch(pb.WatchRequest(source=source), timeout=60)


def standing(stub: rpc.RecognitionServiceStub, source: str) -> pb.SourceStatus:
    (found,) = (one for one in stub.ListSources(pb.ListSourcesRequest(), timeout=10).sources if one.name == source)
    return found


def test_joined_in_the_middle_a_file_gives_what_a_session_here_gives_of_all_of_it(stub, here: list[Update]) -> None:
    first, *there, last = watch(stub, "shots")
    assert first.watching.model.name == "tiny"
    assert first.watching.config.drop_policy == pb.DROP_POLICY_WAIT
    assert first.watching.config.top_k == 5
    updates = [said.update for said in there if said.HasField("update")]
    assert [update.sequence for update in updates] == list(range(updates[0].sequence, SHOTS + 1))
    assert len(updates) > 20
    for theirs in updates:
        ours = here[theirs.sequence - 1]
        assert [(label.name, label.probability) for label in theirs.labels] == [
            (label.name, pytest.approx(label.probability, abs=1e-6)) for label in ours.labels
        ]
        found = messages.events_of(theirs.events)
        assert [(event.label, event.phase) for event in found] == [(event.label, event.phase) for event in ours.events]
    assert {event.label for event in last.finished.events} == {event.label for event in here[-1].events}
    assert last.finished.drops == pb.Drops()


def test_all_who_watch_get_the_same_of_one_step(stub) -> None:
    calls = [watch(stub, "loop") for _ in range(3)]
    said = []
    for call in calls:
        assert next(call).HasField("watching")
        said.append(
            {one.update.sequence: one.update for one in (next(call) for _ in range(12)) if one.HasField("update")}
        )
    assert standing(stub, "loop").watcher_count == 3
    shared = set(said[0]) & set(said[1]) & set(said[2])
    assert len(shared) >= 3
    for sequence in shared:
        assert said[0][sequence] == said[1][sequence] == said[2][sequence], "age and all"
    for call in calls:
        call.cancel()
    wait_for(lambda: standing(stub, "loop").watcher_count == 0)


def test_a_loop_goes_on_without_a_gap_on_one_clock(stub) -> None:
    offsets_s: list[float] = []
    for said in watch(stub, "loop"):
        if said.HasField("update"):
            offsets_s.append(said.update.offset.ToMicroseconds() / 1e6)
            assert said.update.reset_cause != pb.RESET_CAUSE_GAP
        if offsets_s and offsets_s[-1] - offsets_s[0] > 5:
            break
    assert offsets_s == sorted(set(offsets_s))


def test_what_there_is_is_listed_with_how_it_is(stub) -> None:
    assert [one.name for one in stub.ListSources(pb.ListSourcesRequest()).sources] == ["away", "loop", "short", "shots"]
    wait_for(lambda: standing(stub, "short").state == pb.SOURCE_STATE_ENDED)
    wait_for(lambda: standing(stub, "loop").state == pb.SOURCE_STATE_LIVE)
    wait_for(lambda: standing(stub, "loop").fps_in > 5)
    found = standing(stub, "loop")
    assert (found.model, found.last_error) == ("tiny", "")
    assert 0 < found.fps_out < found.fps_in + 1 < 15
    assert abs(found.since.ToMicroseconds() / 1e6 - time.time()) < 300
    short = standing(stub, "short")
    assert (short.frame_count, short.update_count, short.reconnect_count) == (20, 20, 0)


def test_a_file_that_is_over_says_so_to_whoever_comes_late(stub) -> None:
    wait_for(lambda: standing(stub, "short").state == pb.SOURCE_STATE_ENDED)
    first, last = watch(stub, "short")
    assert first.watching.status.state == pb.SOURCE_STATE_ENDED
    assert last.HasField("finished")


def test_a_camera_that_is_not_there_is_tried_again_and_its_login_is_shown_nowhere(stub, sources: Server) -> None:
    call = watch(stub, "away")
    states = [next(call).watching.status.state, next(call).status.state]
    assert set(states) == {pb.SOURCE_STATE_FAILED, pb.SOURCE_STATE_CONNECTING}
    call.cancel()
    assert standing(stub, "away").last_error == "cannot open rtsp://127.0.0.1:1/cam: Connection refused"
    told = str(stub.ListSources(pb.ListSourcesRequest())) + "".join(sources.log) + get(sources, "/metrics")
    assert "rtsp://127.0.0.1:1/cam" in told
    assert not any(word in told for word in ("bob", "s3cret", "word"))


@pytest.mark.parametrize("name", ["", "nobody", "../loop", "loop\0", "rtsp://127.0.0.1/cam", "/dev/video0", "LOOP"])
def test_nothing_but_a_configured_name_opens_anything(stub, name: str) -> None:
    with pytest.raises(grpc.RpcError, match="known: away, loop, short, shots") as caught:
        list(watch(stub, name))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def get(server: Server, path: str) -> str:
    with urllib.request.urlopen(f"{server.http}{path}", timeout=10) as answer:
        return answer.read().decode()


def test_numbers_are_where_prometheus_looks_and_named_as_it_wants(stub, sources: Server) -> None:
    sources.talk([live.config(), *live.film([*jpegs(3), b"no picture"])])
    wait_for(lambda: standing(stub, "loop").update_count > 3)
    numbers = dict(line.rsplit(" ", 1) for line in get(sources, "/metrics").splitlines() if not line.startswith("#"))
    assert float(numbers['stream_source_state{source="loop",state="live"}']) == 1
    assert float(numbers['stream_source_state{source="loop",state="failed"}']) == 0
    assert float(numbers['stream_source_updates_total{source="loop"}']) > 3
    assert float(numbers['stream_frame_age_seconds_count{origin="pushed"}']) == 3
    assert float(numbers['stream_dropped_frames_total{cause="decode",origin="pushed"}']) == 1
    assert float(numbers['stream_streams_total{kind="recognize"}']) == 1
    assert float(numbers['stream_stage_seconds_count{stage="step"}']) > 6
    assert 0 < float(numbers['stream_stage_seconds_sum{stage="step"}']) < 60
    assert float(numbers["process_resident_memory_bytes"]) > 1e6
    assert float(numbers["stream_open_streams"]) == 0


def test_health_is_told_over_http(sources: Server) -> None:
    assert (get(sources, "/healthz"), get(sources, "/readyz")) == ("alive\n", "ready\n")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(sources, "/etc/passwd")


def test_draining_ends_those_who_watch_with_the_last_word(model, folder: Path) -> None:
    with live.running(model, "--config", str(folder / "stream.toml"), AWAY="x") as server, server.channel() as channel:
        call = watch(rpc.RecognitionServiceStub(channel), "loop")
        while not next(call).HasField("update"):
            pass
        server.process.terminate()
        said = []
        with pytest.raises(grpc.RpcError, match="shutting down") as caught:
            said.extend(iter(call.__next__, None))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert server.process.wait(10) == 0


def test_a_file_of_sources_that_is_wrong_stops_the_server_at_its_line(model, tmp_path: Path) -> None:
    (tmp_path / "stream.toml").write_text('[source.a]\nuri = "gopher://a"\n')
    flags, words = ("--config", str(tmp_path / "stream.toml")), r"stream.toml:2: source.a: no source named 'gopher'"
    with pytest.raises(AssertionError, match=words), live.running(model, *flags):
        pass
