"""Traces of single frames, by a real server, at a real collector."""

import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.server.operations.otlp import ROOM
from stream.server.operations.otlp import Collector as Telling
from stream.server.operations.tracing import Noted, Noting, Tracing, Track
from stream.v1 import recognition_pb2 as pb
from tests.server import live
from tests.server.live import ROOT, Server, answers, config, film, jpegs, updates, wait_for
from tests.server.operations.collector import Collector, Trace, attributes, collecting
from tests.server.pushed import test_packets

COUNT = 30
PUSHED = ["decode", "preprocess", "step", "smooth", "event", "sink"]
KEPT = PUSHED[1:]
BATCH = 512
"""Count of spans that are sent at once, and so on their way besides those that wait."""
SOURCE = "synthetic://gestures?seconds=3&fps=10&seed=5"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def traced(address: str, share: float, *more: str) -> tuple[str, ...]:
    return ("--trace-to", address, "--trace-share", str(share), *more)


def talked(server: Server) -> list[pb.RecognizeResponse]:
    return server.talk([config(top_k=5), *film(jpegs(COUNT))])


def note(track: Track, offset_s: float) -> None:
    """Have a frame traced that is done as soon as it came."""
    track.begin(time.monotonic_ns(), offset_s)
    track.done("event")
    track.sent()


def holds_together(trace: Trace, stages: list[str]) -> None:
    """Assert that a trace is a frame and its stages, in order, one after the other and inside it."""
    frame, *found = trace
    assert (frame.name, frame.parent_span_id) == ("frame", b"")
    assert [span.name for span in found] == stages
    assert {span.parent_span_id for span in found} == {frame.span_id}
    assert frame.start_time_unix_nano <= found[0].start_time_unix_nano
    assert found[-1].end_time_unix_nano == frame.end_time_unix_nano
    for before, after in itertools.pairwise(found):
        assert before.start_time_unix_nano < before.end_time_unix_nano <= after.start_time_unix_nano


def test_every_used_frame_is_a_trace_of_its_stages_in_order_delivered_as_the_server_ends(
    model: Path, collector: Collector
) -> None:
    begin_ns = time.time_ns()
    with live.running(model, *traced(collector.address, 1)) as server:
        replies = talked(server)
        [stream_id] = [reply.configured.stream_id for reply in replies if reply.HasField("configured")]
        [recogniser] = server.describe().models
    traces = collector.traces
    assert len(traces) == len(updates(replies)) == COUNT
    for number, trace in enumerate(traces):
        holds_together(trace, PUSHED)
        about = {"stream.id": stream_id, "stream.model": "tiny", "stream.engine": recogniser.engine}
        assert attributes(trace[0]) == {**about, "stream.offset_s": pytest.approx(number / 10)}
        assert begin_ns < trace[0].start_time_unix_nano < trace[0].end_time_unix_nano < time.time_ns()
    assert collector.paths == {"/v1/traces"}
    assert {one["service.name"] for one in collector.resources} == {"stream-serve"}


def test_a_source_is_told_by_its_name_and_never_by_its_address(
    model: Path, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "stream.toml").write_text(f'[source.door]\nuri = "{SOURCE}"\npolicy = "wait"\n')
    flags = traced(f"{collector.address}/in/here", 1, "--config", str(tmp_path / "stream.toml"))
    with live.running(model, *flags) as server:
        wait_for(lambda: any("door: ended" in line for line in server.log))
    assert len(collector.traces) == COUNT
    for trace in collector.traces:
        holds_together(trace, KEPT)
        told = attributes(trace[0])
        assert told.keys() == {"stream.source", "stream.model", "stream.engine", "stream.offset_s"}
        assert told["stream.source"] == "door"
    assert collector.paths == {"/in/here"}
    assert not any(b"synthetic" in body or b"stream.toml" in body for body in collector.bodies)


def test_frames_that_are_not_used_are_no_traces_and_each_picture_of_a_video_is_one(
    model: Path, collector: Collector, tmp_path: Path
) -> None:
    codec, suffix, kind, options = test_packets.CODECS["h264 with B-frames"]
    path = test_packets.write(tmp_path / f"film{suffix}", codec, options)
    with live.running(model, *traced(collector.address, 1)) as server:
        found = updates(server.talk(test_packets.pushed(kind, path)))
        damaged = [config(), *film([*jpegs(3), b"no picture", *jpegs(2)])]
        found += updates(server.talk(damaged))
    assert len(collector.traces) == len(found)
    offsets_s = sorted(update.offset.ToMicroseconds() / 1e6 for update in found)
    assert sorted(attributes(trace[0])["stream.offset_s"] for trace in collector.traces) == pytest.approx(offsets_s)
    for trace in collector.traces:
        holds_together(trace, PUSHED)


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.25, 20, 80)])
def test_the_share_of_frames_is_traced_that_was_asked_for(
    share: float, least: int, most: int, model: Path, collector: Collector
) -> None:
    with live.running(model, "--quiet", STREAM_TRACE_TO=collector.address, STREAM_TRACE_SHARE=str(share)) as server:
        assert len(updates(server.talk([config(), *film(jpegs(200))]))) == 200
    assert least <= len(collector.traces) <= most  # of 200: five deviations to either side
    for trace in collector.traces:
        holds_together(trace, PUSHED)


@pytest.mark.parametrize("is_mute", [False, True], ids=["nobody listens", "it never answers"])
def test_a_dead_collector_changes_no_answer_and_holds_up_no_end(is_mute: bool, model: Path, server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if not is_mute:
            listener.close()
        with live.running(model, *traced(address, 1), OTEL_BSP_SCHEDULE_DELAY="50") as there:
            wanted = answers(talked(server))
            for _ in range(4):
                assert answers(talked(there)) == wanted
                wait_for(lambda: is_mute or any("takes none" in line for line in there.log))
            end_s = time.monotonic()
        took_s = time.monotonic() - end_s
    assert took_s < 5, f"{took_s:.1f} s"
    assert sum("takes none" in line for line in there.log) in ((0, 1) if is_mute else (1,))


def test_a_frame_that_is_not_done_leaves_nothing_to_the_next() -> None:
    found: list[Noted] = []
    track = Noting(0.5, found.append)
    for number in range(400):
        track.begin(time.monotonic_ns(), float(number))
        track.lap(str(number), 1, 2)
        if number % 2:
            track.done("event")
            track.sent()
    assert 60 <= len(found) <= 140
    for noted in found:
        assert [stage for stage, _, _ in noted.laps] == [f"{noted.offset_s:g}", "event", "sink"]


def test_it_is_said_once_that_a_collector_takes_none_and_once_that_it_does_again(
    collector: Collector, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    telling = Telling(collector.address, 1.0)
    track = telling.track({"stream.id": "1"})
    for status in (400, 200):
        collector.status = status
        for _ in range(3):
            count = len(collector.bodies)
            note(track, 0.0)
            wait_for(lambda: len(collector.bodies) > count)  # noqa: B023  # is called before it changes
    telling.close()
    place = collector.address.removeprefix("http://")
    said = [record.message for record in caplog.records if record.name == "stream.server.operations.otlp"]
    assert said == [f"traces: {place} takes none; they are dropped", f"traces: {place} takes them again"]
    theirs = [record.message for record in caplog.records if record.name.startswith("opentelemetry")]
    assert len(theirs) == 1
    assert "400" in theirs[0]


def test_what_waits_for_a_collector_is_bounded_and_the_oldest_goes_first(collector: Collector) -> None:
    collector.is_open.clear()
    telling = Telling(collector.address, 1.0)
    track = telling.track({"stream.id": "1"})
    for number in range(ROOM):
        note(track, float(number))
    assert collector.came.wait(20)
    collector.is_open.set()
    telling.close()
    spans = collector.spans
    assert ROOM <= len(spans) <= ROOM + BATCH
    offsets_s = [attributes(span)["stream.offset_s"] for span in spans if span.name == "frame"]
    assert max(offsets_s) == ROOM - 1


@pytest.mark.parametrize(
    ("flags", "status", "said"),
    [
        (("--trace-to", "localhost:4318"), 2, "trace_to is 'localhost:4318'; accepted: http://HOST:PORT or https://"),
        (("--trace-to", "http://bob:s3cret@h:1"), 2, "trace_to is 'http://h:1' with a login, a query or a fragment"),
        (("--trace-to", "http://h:1/?key=s3cret"), 2, "trace_to is 'http://h:1/' with a login"),
        (("--trace-to", "http://bob:s3cret"), 2, "trace_to is no address"),
        (("--trace-to", "http://h:1", "--trace-share", "1.5"), 2, "share"),
        (("--trace-to", "http://h:1", "--trace-share", "nan"), 2, "share"),
        (("--trace-to", "http://h:1"), 1, "--trace-to needs the package"),
    ],
)
def test_what_cannot_be_traced_is_said_before_the_server_listens(
    flags: tuple[str, ...], status: int, said: str
) -> None:
    without = "sys.modules['opentelemetry'] = None; " if status == 1 else ""
    program = f"import sys; {without}from stream.cli.serve import main; main()"
    command = [sys.executable, "-c", program, "--port", "0", *flags]
    wide = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=60, env=wide)
    assert done.returncode == status, done.stderr
    assert said in " ".join(done.stderr.split())
    assert "s3cret" not in done.stderr
    assert "listening" not in done.stdout


def test_off_nothing_is_imported_and_nothing_noted() -> None:
    program = "import sys, stream.cli.serve; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "[]\n"
    track = Tracing().track({})
    note(track, 0.0)
    assert not vars(track)
