"""A server is killed, freezes or drains in mid-stream: every label is that of an uninterrupted run, told once."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path

import grpc
import pytest

from stream.config import SessionSettings
from stream.decode import decode_image
from stream.errors import ServiceError
from stream.server.access import clients
from stream.server.client import pusher
from stream.sources import open_source
from stream.types import Frame, Phase, Update
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server import live
from tests.server.live import Line, Server, answers, config, film, frame, jpegs, updates
from tests.server.pushed import test_packets
from tests.toy import Shelf

Say = Callable[[str], None]
COUNT, EVERY = 80, 16
"""Count of frames, and of those from one checkpoint to the next."""
PICTURES = jpegs(COUNT, seed=3)
SETTINGS = SessionSettings(begin_threshold=0.3, end_threshold=0.2, max_gap_s=2.0)
SENSITIVE = {"begin_threshold": 0.3, "end_threshold": 0.2, "top_k": 5, "checkpoint_frames": 4}


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[Server]:
    with live.running(model) as server:
        yield server


def shots(fps: float = 12.0) -> list[Frame]:
    """Return frames of which some are not needed at 12 a second, with a pause that clears the memory."""
    offsets = [number / fps + 4 * (number > 60) for number in range(COUNT)]
    return [Frame(decode_image(jpeg, 10**6), at_s, 0) for jpeg, at_s in zip(PICTURES, offsets, strict=True)]


Told = list[tuple[float, Update | None]]
Act = Callable[[], object]


def watch(
    targets: str, at: dict[int, Callable[[], None]] | None = None, fps: float = 12.0, **options: object
) -> tuple[Told, pusher.Trips]:
    """Watch the frames; do something when the answer to the frame of a number has come."""
    told: Told = []

    def send(frame: Frame, update: Update | None) -> None:
        told.append((frame.offset_s, update and replace(update, age_s=0.0)))
        if at and (act := at.pop(len(told), None)):
            act()

    with Shelf(shots(fps)) as source:
        options = {"settings": SETTINGS, "checkpoint_frames": EVERY} | options
        trips = pusher.watch(source, targets, send, **options)
    return told, trips


@pytest.fixture(scope="module")
def uncut(server: Server) -> Told:
    told, trips = watch(server.address)
    used = [update for _, update in told if update]
    assert trips.resume_count == 0
    assert {"gap", "cut"} <= {update.reset for update in used}
    assert sum(len(update.events) for update in used) > 20
    return told


@pytest.mark.parametrize("when", [3, 24, 50, 79])
def test_a_killed_server_costs_no_label(server: Server, model: Path, uncut: Told, when: int, say: Say) -> None:
    with live.started(model) as doomed:
        began: list[float] = []

        def kill() -> None:
            doomed.kill()
            began.append(time.monotonic())

        told, trips = watch(
            f"{doomed.address},{server.address}", {when: kill, when + 8: lambda: began.append(time.monotonic())}
        )
    assert trips.resume_count == 1
    assert told == uncut
    took = f"frame {when + 8} {began[1] - began[0]:.2f} s later" if len(began) > 1 else "the last frames"
    say(f"killed at frame {when} of {COUNT}: 0 wrong labels, {took}")


def test_a_server_that_comes_back_at_its_place_goes_on_as_if_it_had_never_gone(
    model: Path, uncut: Told, say: Say
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(live.started(model))
        port = first.address.rpartition(":")[2]

        def restart() -> None:
            first.kill()
            threading.Thread(target=lambda: stack.enter_context(live.running(model, "--port", port))).start()

        began_s = time.monotonic()
        told, trips = watch(first.address, {30: restart})
    assert told == uncut
    assert trips.resume_count == 1
    say(f"killed and started again: 0 wrong labels of {COUNT}, {time.monotonic() - began_s:.1f} s in all")


def test_a_draining_server_is_left_at_once_and_costs_no_label(
    server: Server, model: Path, uncut: Told, say: Say
) -> None:
    with live.running(model, "--drain-s", "30") as leaving:
        began_s = []

        def ask() -> None:
            began_s.append(time.monotonic())
            leaving.process.send_signal(signal.SIGTERM)

        told, trips = watch(f"{leaving.address},{server.address}", {30: ask}, in_flight=1)
        assert leaving.process.wait(10) == 0
        took_s = time.monotonic() - began_s[0]
    assert told == uncut
    assert trips.resume_count == 1
    assert took_s < 10, "of the 30 s it would have waited"
    say(f"SIGTERM at frame 30 of {COUNT}: 0 wrong labels, exit 0 after {took_s:.2f} s of 30")


def test_a_frozen_server_is_left_and_what_it_says_later_is_not_heard(
    server: Server, model: Path, uncut: Told, say: Say
) -> None:
    with live.running(model) as frozen:
        at_s: list[float] = []

        def freeze() -> None:
            at_s.append(time.monotonic())
            frozen.process.send_signal(signal.SIGSTOP)

        def thaw() -> None:
            at_s.append(time.monotonic())
            frozen.process.send_signal(signal.SIGCONT)
            time.sleep(0.5)  # what it still has to say has time to come

        told, trips = watch(f"{frozen.address},{server.address}", {30: freeze, 40: thaw})
    assert told == uncut
    assert trips.resume_count == 1
    found_s = at_s[1] - at_s[0]
    assert found_s < 8
    say(f"frozen at frame 30: found, and 10 frames further elsewhere, after {found_s:.2f} s; 0 wrong labels")


def told_of(film: Path, targets: str, at: dict[int, Act] | None = None) -> tuple[Told, pusher.Trips]:
    """Watch a compressed film, whose packets are sent as they are; do something at the answer of a number."""
    told: Told = []

    def send(frame: Frame, update: Update | None) -> None:
        told.append((frame.offset_s, update and replace(update, age_s=0.0)))
        if at and (act := at.pop(len(told), None)):
            act()

    with open_source(str(film)) as source:
        trips = pusher.watch(source, targets, send, settings=SETTINGS, checkpoint_frames=EVERY, needs_pictures=False)
    return told, trips


@pytest.mark.parametrize("when", [3, 30, 55])
def test_a_killed_server_costs_no_label_of_a_video_that_is_sent_as_it_is(
    server: Server, model: Path, tmp_path: Path, when: int, say: Say
) -> None:
    film = test_packets.write(tmp_path / "film.mp4", "libx264", {"bf": "3", "g": "25"}, count=COUNT)
    uncut, trips = told_of(film, server.address)
    assert trips.sent_count == len(uncut) == COUNT
    assert sum(update is not None for _, update in uncut) > 60
    with live.started(model) as doomed:
        told, trips = told_of(film, f"{doomed.address},{server.address}", {when: doomed.kill})
    assert trips.resume_count == 1
    assert told == uncut
    say(f"killed at packet {when} of {COUNT}, key frames every 25: 0 wrong labels")


EVERY_ONE_NEEDED = 10.0
"""Frames a second, the model's own: a stream that begins anew at any of them needs the same ones."""
OTHERS = {
    "another key": (("--checkpoint-key", "KEY"), "was not signed with this server's key"),
    "another model": (("--model", "MODEL"), "is of another model, of other settings"),
}


@pytest.mark.parametrize(("flags", "words"), OTHERS.values(), ids=OTHERS.keys())
def test_a_server_that_refuses_the_checkpoint_begins_the_stream_anew_and_that_is_said(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, say: Say, flags, words: str
) -> None:
    (tmp_path / "key").write_text("0123456789abcdef" * 4 + "\n")
    places = {
        "KEY": str(tmp_path / "key"),
        "MODEL": str(live.write_model(tmp_path, lambda net: net.classifier.bias.mul_(-1))),
    }
    shown = places["MODEL"] if flags[0] == "--model" else str(model)
    more = () if flags[0] == "--model" else tuple(places.get(flag, flag) for flag in flags)
    with live.started(model) as doomed, live.running(Path(shown), *more) as other:
        told, trips = watch(f"{doomed.address},{other.address}", {30: doomed.kill}, EVERY_ONE_NEEDED)
        assert trips.resume_count == 1
        [line] = [record.getMessage() for record in caplog.records if "anew" in record.getMessage()]
        assert words in line
        anew = next(at for at in range(29, 45) if _labels(told).endswith(_labels(_alone(other, at))))
    offsets = [at_s for at_s, _ in groupby(told, lambda one: one[0])]
    assert offsets == [shot.offset_s for shot in shots(EVERY_ONE_NEEDED)], "every frame once, in order"
    for label in {event.label for _, update in told if update for event in update.events}:
        phases = [event.phase for _, update in told if update for event in update.events if event.label == label]
        edges = [phase for phase in phases if phase is not Phase.UPDATE]
        assert all(one is not two for one, two in pairwise(edges)), "what began is ended before it begins again"
        assert edges[0] is Phase.BEGIN
    say(f"refused at frame {anew}: {line.rpartition('; ')[2]}; from there on as a fresh stream")


def _alone(server: Server, begin: int) -> Told:
    found: Told = []
    with Shelf(shots(EVERY_ONE_NEEDED)[begin:]) as source:
        pusher.watch(
            source, server.address, lambda frame, update: found.append((frame.offset_s, update)), settings=SETTINGS
        )
    return found


def _labels(told: Told) -> str:
    return "".join(f"{at_s}: {update and update.labels}\n" for at_s, update in told)


class Camera(Shelf):
    """Pictures at 12 a second, as long as it is open."""

    uri, is_live = "camera://", True

    def __init__(self, seconds: float) -> None:
        super().__init__([])
        self._seconds = seconds

    def __iter__(self) -> Iterator[Frame]:
        began_s = time.monotonic()
        for number in range(round(12 * self._seconds)):
            time.sleep(max(0.0, began_s + number / 12 - time.monotonic()))
            yield Frame(decode_image(PICTURES[number % COUNT]), number / 12, time.monotonic_ns())


def test_a_live_camera_is_seen_again_within_seconds(server: Server, model: Path, say: Say) -> None:
    used: list[tuple[float, float]] = []
    with live.started(model) as doomed:

        def send(frame: Frame, update: Update | None) -> None:
            if update:
                used.append((frame.offset_s, time.monotonic()))
                if len(used) == 20:
                    doomed.kill()

        with Camera(5) as source:
            trips = pusher.watch(source, f"{doomed.address},{server.address}", send, settings=SETTINGS)
    assert trips.resume_count == 1
    assert all(one < two for (one, _), (two, _) in pairwise(used))
    silence_s = max(two - one for (_, one), (_, two) in pairwise(used))
    assert silence_s < 5
    say(f"killed under a live camera: {silence_s:.2f} s without a label")


def test_a_server_that_does_not_come_back_is_given_up(model: Path) -> None:
    with live.started(model) as doomed, pytest.raises(ServiceError, match="UNAVAILABLE"):
        began_s = time.monotonic()
        watch(doomed.address, {20: doomed.kill}, patience_s=2.0)
    assert 2 < time.monotonic() - began_s < 20


# The protocol's own words, for clients in other languages


def first_part(server: Server, count: int) -> tuple[pb.Configured, list[pb.Update], pb.Checkpoint]:
    """Send some frames, ask for checkpoints, and lose the line."""
    with server.channel() as channel:
        call = rpc.RecognitionServiceStub(channel).Recognize(iter([config(**SENSITIVE), *film(PICTURES[:count])]))
        replies = [reply for reply, _ in zip(call, range(1 + count + count // 4), strict=False)]
        call.cancel()
    checkpoints = [reply.checkpoint for reply in replies if reply.HasField("checkpoint")]
    assert [one.sequence for one in checkpoints] == list(range(4, count + 1, 4))
    return replies[0].configured, answers(replies), checkpoints[-1]


def resume(stream_id: str, epoch: int = 2, checkpoint: bytes = b"", **fields: object) -> pb.RecognizeRequest:
    asked = pb.Config(**(SENSITIVE | fields))
    return pb.RecognizeRequest(resume=pb.Resume(config=asked, stream_id=stream_id, epoch=epoch, checkpoint=checkpoint))


def test_what_follows_a_checkpoint_is_what_would_have_followed(server: Server) -> None:
    whole = answers(server.talk([config(**SENSITIVE), *film(PICTURES)]))
    configured, before, checkpoint = first_part(server, 41)
    assert (configured.epoch, checkpoint.sequence, checkpoint.offset.ToMicroseconds()) == (1, 40, 3_900_000)
    replies = server.talk([resume(configured.stream_id, checkpoint=checkpoint.data), *film(PICTURES)[40:]])
    assert (replies[0].configured.stream_id, replies[0].configured.epoch) == (configured.stream_id, 2)
    assert before[:40] + answers(replies) == whole


def test_frames_that_were_used_are_used_again_whatever_the_policy(server: Server) -> None:
    whole = answers(server.talk([config(**SENSITIVE), *film(PICTURES[:40])]))
    again = film(PICTURES[:40])
    for request in again:
        request.frame.is_repeated = True
    asked = resume("k3-1", drop_policy=pb.DROP_POLICY_LATEST, max_age_s=0.001)
    assert answers(server.talk([asked, *again])) == whole


def test_of_two_calls_with_one_stream_the_newer_epoch_has_it(server: Server) -> None:
    with server.channel() as channel:
        stub, lines = rpc.RecognitionServiceStub(channel), [Line(resume("door-1", 3)), Line(resume("door-1", 4))]
        older = stub.Recognize(iter(lines[0]))
        assert next(older).configured.epoch == 3
        with pytest.raises(grpc.RpcError, match="epoch 3 of stream door-1 is over: 3 is open here") as caught:
            server.talk([resume("door-1", 3)])
        assert caught.value.code() is grpc.StatusCode.ABORTED
        newer = stub.Recognize(iter(lines[1]))
        assert next(newer).configured.epoch == 4
        with pytest.raises(grpc.RpcError, match="resumed by another call, as epoch 4") as caught:
            list(older)
        assert caught.value.code() is grpc.StatusCode.ABORTED
        lines[1].say(frame(1, 0, PICTURES[0]))
        assert next(newer).HasField("update"), "the newer one is untouched"
        for line in lines:
            line.close()
        assert [reply.WhichOneof("message") for reply in newer] == ["finished"]


BAD = {
    "no checkpoint at all": (b"something", {}, "are no checkpoint of this version"),
    "one cut short": (None, {}, "bytes; accepted"),
    "other settings": (b"", {"begin_threshold": 0.9}, "of other settings"),
}


@pytest.mark.parametrize(("data", "fields", "words"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_gone_on_from_is_refused(server: Server, data, fields, words) -> None:
    configured, _, checkpoint = first_part(server, 4)
    tried = {None: checkpoint.data[:-1], b"": checkpoint.data}.get(data, data)
    with pytest.raises(grpc.RpcError, match=words) as caught:
        server.talk([resume(configured.stream_id, checkpoint=tried, **fields)])
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize(
    ("stream_id", "epoch", "words"), [("../x", 2, "stream_id is"), ("", 2, "stream_id is"), ("a", 1, "epoch is 1")]
)
def test_what_is_no_name_or_no_epoch_is_answered_with_what_is(server: Server, stream_id, epoch, words) -> None:
    with pytest.raises(grpc.RpcError, match=words) as caught:
        server.talk([resume(stream_id, epoch)])
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_with_a_key_only_what_it_signed_is_taken(server: Server, model: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123456789abcdef" * 4 + "\n")
    with live.running(model, "--checkpoint-key", str(tmp_path / "key")) as one:
        configured, _, checkpoint = first_part(one, 8)
        with live.running(model, "--checkpoint-key", str(tmp_path / "key")) as two:
            replies = two.talk([resume(configured.stream_id, checkpoint=checkpoint.data), *film(PICTURES[:12])[8:]])
            assert len(updates(replies)) == 4
        unsigned = first_part(server, 8)[2]
        changed = checkpoint.data[:-1] + bytes([checkpoint.data[-1] ^ 1])
        for bad in (unsigned.data, changed):
            with pytest.raises(
                grpc.RpcError, match="not signed with this server's key, or for another token"
            ) as caught:
                one.talk([resume(configured.stream_id, checkpoint=bad)])
            assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_with_a_key_nobody_goes_on_from_what_another_token_was_given(model: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123456789abcdef" * 4 + "\n")
    tokens = tmp_path / "tokens.toml"
    one, other = clients.add_token("one", tokens), clients.add_token("other", tokens)

    def talk(token: str, requests: list[pb.RecognizeRequest]) -> list[pb.RecognizeResponse]:
        shown = (("authorization", f"Bearer {token}"),)
        with server.channel() as channel:
            stub = rpc.RecognitionServiceStub(channel)
            return list(stub.Recognize(iter(requests), metadata=shown, timeout=60))

    with live.running(model, "--checkpoint-key", str(tmp_path / "key"), "--tokens", str(tokens)) as server:
        replies = talk(one, [config(**SENSITIVE), *film(PICTURES[:4])])
        data = next(reply.checkpoint.data for reply in reversed(replies) if reply.HasField("checkpoint"))
        assert len(updates(talk(one, [resume("mine", checkpoint=data), *film(PICTURES[:6])[4:]]))) == 2
        with pytest.raises(grpc.RpcError, match="or for another token") as caught:
            talk(other, [resume("mine", checkpoint=data)])
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
