"""A network camera that is killed, freezes, flaps, wants another login, or is not there yet: a real RTSP server."""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from stream.server.client import pusher
from stream.sources import open_source
from stream.types import Frame, Update
from stream.v1 import recognition_pb2 as pb
from tests.reliability.footprint import footprint, needs_proc
from tests.reliability.watcher import BRISK, Watcher, becomes, configure, door, is_gap, is_update
from tests.server import live
from tests.server.live import wait_for
from tests.sources.network_camera import NetworkCamera

Say = Callable[[str], None]
PHASES = {pb.PHASE_BEGIN: "begin", pb.PHASE_END: "end"}


def in_progress(updates: list[pb.Update]) -> set[str]:
    """Return the actions that had begun and not ended."""
    going: set[str] = set()
    for event in (event for update in updates for event in update.events):
        (going.add if event.phase == pb.PHASE_BEGIN else going.discard)(event.label) if event.phase in PHASES else None
    return going


def test_a_killed_camera_ends_what_lasted_and_is_back_soon_after_it_is(model: Path, tmp_path: Path, say: Say) -> None:
    with (
        NetworkCamera() as camera,
        live.running(model, *configure(tmp_path, door(camera.uri))) as server,
        Watcher(server) as watcher,
    ):
        wait_for(lambda: bool(in_progress(watcher.updates())), 60)
        killed_s = time.monotonic()
        camera.kill()
        failed_s = watcher.wait(becomes(pb.SOURCE_STATE_FAILED), killed_s)
        gap_s = watcher.wait(is_gap, killed_s)
        going = in_progress(watcher.updates())
        [gap] = [said.gap for _, said in watcher.said if is_gap(said)]
        assert {event.label for event in gap.events} == going
        assert {event.phase for event in gap.events} <= {pb.PHASE_END}
        last = watcher.updates()[-1]
        back_s = time.monotonic()
        camera.start()
        again_s = watcher.wait(is_update, back_s)
        after = next(update for update in watcher.updates() if update.sequence == last.sequence + 1)
        assert watcher.standing().reconnect_count == 1
        assert watcher.standing().state == pb.SOURCE_STATE_LIVE
    lost_s = (after.offset.ToMicroseconds() - last.offset.ToMicroseconds()) / 1e6
    assert after.reset_cause == pb.RESET_CAUSE_GAP
    assert lost_s == pytest.approx(back_s + again_s - killed_s, abs=3), "the clock goes on while no frame comes"
    assert failed_s < 2
    assert gap_s < 2 + 3, "max_gap_s, a look, and a busy machine"
    assert again_s < 15
    say(f"failed after {failed_s:.2f} s, gap told after {gap_s:.2f} s, labels {again_s:.2f} s after it was back")


def _freeze(camera: NetworkCamera, watcher: Watcher) -> tuple[float, float, float]:
    """Freeze a camera until it was given up, and longer; return seconds until that was told, and until it was back."""
    frozen_s = time.monotonic()
    camera.freeze()
    stalled_s = watcher.wait(becomes(pb.SOURCE_STATE_STALLED), frozen_s)
    failed_s = watcher.wait(becomes(pb.SOURCE_STATE_FAILED), frozen_s)
    assert "came for 3 s" in watcher.standing().last_error
    time.sleep(4)  # an attempt to open it times out, too
    thawed_s = time.monotonic()
    camera.thaw()
    return stalled_s, failed_s, watcher.wait(is_update, thawed_s)


def test_a_frozen_camera_is_noticed_opened_anew_and_no_thread_stays(model: Path, tmp_path: Path, say: Say) -> None:
    with (
        NetworkCamera() as camera,
        live.running(model, *configure(tmp_path, door(camera.uri))) as server,
        Watcher(server) as watcher,
    ):
        watcher.wait(is_update)
        _freeze(camera, watcher)  # the pools of threads have grown then
        before = footprint(server.process.pid)
        stalled_s, failed_s, again_s = _freeze(camera, watcher)
        wait_for(lambda: footprint(server.process.pid).thread_count <= before.thread_count)
        after = footprint(server.process.pid)
    assert stalled_s + 0.5 >= 1.5  # the last frame came a little before
    assert failed_s < 2 * 3
    assert again_s < 15
    say(
        f"stalled after {stalled_s:.2f} s, given up after {failed_s:.2f} s (timeout 3 s), labels {again_s:.2f} s after "
        f"it went on; threads {before.thread_count} -> {after.thread_count}"
    )


def test_a_server_starts_while_its_camera_is_down(model: Path, tmp_path: Path, say: Say) -> None:
    with NetworkCamera() as camera:
        camera.kill()
        with live.running(model, *configure(tmp_path, door(camera.uri))) as server, Watcher(server) as watcher:
            watcher.wait(becomes(pb.SOURCE_STATE_FAILED))
            assert "Connection refused" in watcher.standing().last_error
            begun_s = time.monotonic()
            camera.start()
            first_s = watcher.wait(is_update, begun_s, 60)
            assert watcher.updates()[0].offset.ToMicroseconds() == 0
            assert watcher.standing().reconnect_count == 0
    assert first_s < 15, "a pause that had begun, and the opening"
    say(f"labels {first_s:.2f} s after the camera was there")


def test_a_wrong_login_is_said_without_it_and_not_tried_again_soon(model: Path, tmp_path: Path, say: Say) -> None:
    with NetworkCamera("bob", "right") as camera:
        wrong = camera.uri.replace("right", "s3cret%2Fword")
        with live.running(model, *configure(tmp_path, door(wrong))) as server, Watcher(server) as watcher:
            # On a busy machine the camera may answer late first: that is no refusal, and is tried again soon.
            watcher.wait(_is_refusal)
            time.sleep(5)
            attempts = [said for _, said in watcher.said if _is_refusal(said)]
            told = "".join(server.log) + str(watcher.said) + str(watcher.standing())
    assert len(attempts) == 1, "a camera that locks out would be locked by now"
    assert "tried again in" in told
    assert not any(word in told for word in ("bob", "s3cret", "word"))
    say("1 attempt in 5 s, no login in any message")


def _is_refusal(said: pb.WatchResponse) -> bool:
    """Say whether a change, or how the source is when the watch begins, is that its login was refused."""
    return any(
        status.state == pb.SOURCE_STATE_FAILED and "401" in status.last_error
        for status in (said.status, said.watching.status)
    )


def test_a_wrong_path_is_said_tried_again_ever_more_rarely_and_hurts_no_other(
    model: Path, tmp_path: Path, say: Say
) -> None:
    with NetworkCamera() as camera:
        wrong = f'[source.attic]\nuri = "{camera.uri}tic"\n{BRISK.replace("max_pause_s = 2", "max_pause_s = 60")}'
        with (
            live.running(model, *configure(tmp_path, door(camera.uri, "\n" + wrong))) as server,
            Watcher(server) as other,
            Watcher(server, "attic") as watcher,
        ):
            other.wait(is_update)
            before, begun_s = len(other.updates()), time.monotonic()
            time.sleep(8)
            used, took_s = len(other.updates()) - before, time.monotonic() - begun_s
            attempts = [at_s for at_s, said in watcher.said if becomes(pb.SOURCE_STATE_FAILED)(said)]
            standing, gaps = watcher.standing(), [said for _, said in other.said if is_gap(said)]
    pauses_s = [later - earlier for earlier, later in pairwise(attempts)]
    assert standing.state in (pb.SOURCE_STATE_FAILED, pb.SOURCE_STATE_CONNECTING)
    assert standing.last_error == f"cannot open {camera.uri}tic: Server returned 404 Not Found"
    assert standing.frame_count == 0
    assert 3 <= len(attempts) <= 6
    assert pauses_s[-1] > pauses_s[0]
    assert not gaps
    assert used > 5 * took_s
    apart = ", ".join(f"{pause_s:.2f}" for pause_s in pauses_s)
    say(f"{len(attempts)} attempts in {took_s:.1f} s, {apart} s apart; {used} updates of the other meanwhile")


@needs_proc
@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_a_camera_that_flaps_leaves_nothing_behind(model: Path, tmp_path: Path, say: Say) -> None:
    flaps = 50
    with (
        NetworkCamera() as camera,
        live.running(model, *configure(tmp_path, door(camera.uri))) as server,
        Watcher(server) as watcher,
    ):
        for flap in range(flaps):
            begun_s = time.monotonic()
            watcher.wait(is_update, begun_s, 90)
            if flap == 5:
                before = footprint(server.process.pid)
            camera.kill()
            camera.start()
        watcher.wait(is_update, time.monotonic(), 90)
        after = footprint(server.process.pid)
        assert watcher.standing().reconnect_count >= flaps - 5
    assert after.thread_count <= before.thread_count + 2
    assert after.file_count <= before.file_count + 2
    assert after.memory_mb < before.memory_mb + 20
    say(f"{flaps} flaps: {before} -> {after}")


@pytest.mark.parametrize("is_encoded", [None, False], ids=["as it is", "pictures"])
def test_a_client_sends_a_camera_on_to_a_server_and_is_told_its_labels(
    model: Path, is_encoded: bool | None, say: Say
) -> None:
    told: list[tuple[Frame, Update | None]] = []
    with NetworkCamera() as camera, live.running(model) as server, open_source(camera.uri) as source:
        trips = pusher.watch(
            source,
            server.address,
            lambda *said: told.append(said),
            needs_pictures=is_encoded is not None,
            is_encoded=is_encoded,
            stop_s=8.0,
        )
    used = [update for _, update in told if update]
    rate = trips.sent_count / 8
    assert len(used) > 40
    assert all(update.labels for update in used)
    assert (rate > 15) == (is_encoded is None), "every packet goes, and of pictures those that the model needs"
    assert used[-1].offset_s > 7
    say(f"{'pictures' if is_encoded is False else 'packets'}: {len(used)} labels in 8 s; {trips}")
