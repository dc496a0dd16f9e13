"""Watching a source through a server in another process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from stream import recogniser
from stream.config import SessionSettings
from stream.decode import decode_image, encode_jpeg
from stream.errors import ServiceError, SourceError, UnknownPart, UsageError
from stream.pipeline import run
from stream.server.client import pusher
from stream.types import Frame, Phase, Update
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server import live
from tests.server.live import ROOT, Server, jpegs
from tests.toy import Shelf

Said = list[tuple[Frame, Update | None]]


def shots(count: int, fps: float) -> list[Frame]:
    made = [decode_image(picture) for picture in jpegs(count, side_px=64)]
    return [Frame(picture, number / fps, time.monotonic_ns()) for number, picture in enumerate(made)]


def watch(server: Server, source: Shelf, **options: object) -> tuple[Said, pusher.Trips]:
    said: Said = []
    with source:
        trips = pusher.watch(source, server.address, lambda frame, update: said.append((frame, update)), **options)
    return said, trips


def test_a_server_says_what_a_session_here_says_of_the_pictures_that_were_sent(server: Server, model) -> None:
    frames = shots(30, 10.0)
    there, trips = watch(server, Shelf(frames))
    session, here = recogniser.load(str(model)).session(), []
    sent = [replace(frame, picture=decode_image(encode_jpeg(frame.picture, 85, 32))) for frame in frames]
    run(Shelf(sent), session, lambda frame, update: here.append(update))
    assert len(there) == len(here)
    for (_, theirs), ours in zip(there, here, strict=True):
        assert (theirs.offset_s, theirs.reset) == (ours.offset_s, ours.reset)
        assert [label.name for label in theirs.labels] == [label.name for label in ours.labels]
        np.testing.assert_allclose(
            [x.probability for x in theirs.labels], [x.probability for x in ours.labels], atol=1e-5
        )
        assert [(e.label, e.phase) for e in theirs.events] == [(e.label, e.phase) for e in ours.events]
        np.testing.assert_allclose([e.begin_s for e in theirs.events], [e.begin_s for e in ours.events], atol=1e-6)
    assert Phase.END in {event.phase for _, update in there for event in update.events}
    assert trips.sent_count == 30
    assert trips.card.labels == live.CARD.labels
    assert len(trips.round_trip_ms) == 30
    assert "30 frames sent" in str(trips)


def test_frames_the_model_does_not_need_are_not_sent_and_are_given_in_their_turn(server: Server) -> None:
    frames = shots(30, 30.0)
    said, trips = watch(server, Shelf(frames))
    assert [id(frame) for frame, _ in said[:30]] == [id(frame) for frame in frames]
    used = [update for _, update in said[:30] if update]
    assert len(used) == trips.sent_count == 10
    assert used[-1].drops.rate == 18
    assert all(one.drops.rate <= two.drops.rate for one, two in pairwise(used))


def test_it_stops_where_it_is_told_to(server: Server) -> None:
    said, _ = watch(server, Shelf(shots(30, 10.0)), stop_s=0.95)
    assert {frame.offset_s for frame, _ in said} == {number / 10 for number in range(10)}


def test_settings_and_model_go_along(server: Server) -> None:
    settings = SessionSettings(top_k=1, deny=("elm",))
    said, _ = watch(server, Shelf(shots(20, 10.0)), settings=settings, model="tiny")
    assert {len(update.labels) for _, update in said} == {1}
    assert "elm" not in {label.name for _, update in said for label in update.labels}


def test_pictures_are_sent_at_the_models_size_and_never_enlarged(server: Server) -> None:
    wide = [decode_image(picture) for picture in jpegs(3, seed=1, side_px=1600)]
    _, trips = watch(server, Shelf([Frame(picture, number / 10, 0) for number, picture in enumerate(wide)]))
    assert trips.sent_bytes / trips.sent_count < 3000


def test_what_is_wrong_with_the_source_comes_after_its_frames(server: Server) -> None:
    said: Said = []
    source = Shelf(shots(5, 10.0), SourceError("the camera went away"))
    with source, pytest.raises(SourceError, match="went away"):
        pusher.watch(source, server.address, lambda frame, update: said.append((frame, update)))
    assert len(said) >= 5


def test_what_is_wrong_with_the_consumer_frees_the_stream(server: Server) -> None:
    def broken(frame: Frame, update: Update | None) -> None:
        raise RuntimeError("no paper")

    with Shelf(shots(200, 10.0)) as source, pytest.raises(RuntimeError, match="no paper"):
        pusher.watch(source, server.address, broken)
    assert not [thread for thread in threading.enumerate() if "read " in thread.name]
    end_s = time.monotonic() + 2
    while server.describe().limits.open_streams:
        assert time.monotonic() < end_s


def test_a_server_that_is_not_there_is_said_at_once() -> None:
    began_s = time.monotonic()
    with Shelf([]) as source, pytest.raises(ServiceError, match=r"127\.0\.0\.1:9: UNAVAILABLE"):
        pusher.watch(source, "127.0.0.1:9", lambda frame, update: None)
    assert time.monotonic() - began_s < 3


def test_a_model_the_server_lacks_is_answered_with_those_it_has(server: Server) -> None:
    with Shelf([]) as source, pytest.raises(UnknownPart, match="known: tiny"):
        pusher.watch(source, server.address, lambda frame, update: None, model="huge")


def test_what_the_caller_can_mend_is_said_in_the_server_s_words(server: Server) -> None:
    with Shelf([]) as source, pytest.raises(UsageError, match=r"^127.*: no label named 'oak'; known: ash, birch"):
        pusher.watch(source, server.address, lambda frame, update: None, settings=SessionSettings(deny=("oak",)))


def test_what_the_caller_cannot_mend_is_said_with_its_status(model) -> None:
    with live.running(model, "--max-streams", "1") as server, server.channel() as channel:
        line = live.Line(live.config())
        held = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert next(held).HasField("configured")
        with Shelf([]) as source, pytest.raises(ServiceError, match="RESOURCE_EXHAUSTED: 1 streams are open"):
            pusher.watch(source, server.address, lambda frame, update: None)
        line.close()
        assert next(held).HasField("finished")


def test_models_can_be_listed(server: Server) -> None:
    (card,) = pusher.describe(server.address)
    assert (card.name, card.variant, card.labels, card.side_px) == ("tiny", "t0", live.CARD.labels, 32)


class Endless(Shelf):
    """A camera at 50 frames a second."""

    uri, is_live = "endless://", True

    def __iter__(self) -> Iterator[Frame]:
        picture, began_s, number = decode_image(jpegs(1)[0]), time.monotonic(), 0
        while self.is_open:
            number += 1
            time.sleep(max(0.0, began_s + number / 50 - time.monotonic()))
            yield Frame(picture, number / 50, time.monotonic_ns())


def test_a_server_that_dies_is_said_at_once(model) -> None:
    died_s = []
    with live.started(model) as server:

        def kill(frame: Frame, update: Update | None) -> None:
            if update and not died_s:
                server.kill()
                died_s.append(time.monotonic())

        with Endless([]) as source, pytest.raises(ServiceError, match="UNAVAILABLE"):
            pusher.watch(source, server.address, kill, patience_s=0)
        assert time.monotonic() - died_s[0] < 3


def test_a_server_that_stalls_costs_frames_not_freshness(model) -> None:
    ages: list[tuple[float, float]] = []
    with live.running(model) as server:
        resume = threading.Timer(1.5, server.process.send_signal, [signal.SIGCONT])

        def stall(frame: Frame, update: Update | None) -> None:
            if update:
                ages.append((frame.offset_s, update.age_s))
            if len(ages) == 5 and not resume.is_alive() and update:
                server.process.send_signal(signal.SIGSTOP)
                resume.start()

        with Endless([]) as source:
            pusher.watch(source, server.address, stall, stop_s=5.0)
    gap_s = max(two - one for (one, _), (two, _) in pairwise(ages))
    assert gap_s > 0.7, "frames that waited while it stalled were dropped, and the stream says so by its offsets"
    assert ages[-1][1] < 1.0, "what had waited would be 1.5 s old for ever"


def test_a_server_that_freezes_is_found(model) -> None:
    with live.running(model) as server:

        def freeze(frame: Frame, update: Update | None) -> None:
            if update:
                server.process.send_signal(signal.SIGSTOP)

        began_s = time.monotonic()
        try:
            with Endless([]) as source, pytest.raises(ServiceError, match="UNAVAILABLE"):
                pusher.watch(source, server.address, freeze, patience_s=0)
        finally:
            server.process.send_signal(signal.SIGCONT)
        assert time.monotonic() - began_s < 12


def write_video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=30)
        video.width = video.height = 64
        for shot in shots(60, 30.0):
            container.mux(video.encode(av.VideoFrame.from_ndarray(shot.picture.rgb(), "rgb24")))
        container.mux(video.encode())


def test_stream_watch_prints_what_a_server_says(server: Server, tmp_path: Path) -> None:
    write_video(tmp_path / "shots.mp4")
    command = [
        sys.executable,
        "-m",
        "stream.cli.watch",
        str(tmp_path / "shots.mp4"),
        "--server",
        server.address,
        "--json",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) >= 20
