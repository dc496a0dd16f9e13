"""What a server in another process says of frames."""

import time
from dataclasses import fields

import grpc
import numpy as np
import pytest

from stream import engines, recogniser
from stream.config import USUAL
from stream.decode import decode_image
from stream.types import Drops, Frame, Update
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.server.live import CARD, Server, answers, bare, config, film, frame, jpegs, updates

PICTURES = jpegs(40)


def alone(model, pictures, fps=10.0, **settings) -> list[Update]:
    """Feed the same frames to a session here."""
    session = recogniser.load(str(model)).session(**settings)
    fed = [session.feed(Frame(decode_image(p), i / fps, time.monotonic_ns())) for i, p in enumerate(pictures)]
    return [update for update in fed if update]


def test_answers_are_those_of_a_session_here_frame_by_frame_and_in_order(server: Server, model) -> None:
    replies = server.talk([config(), *film(PICTURES)])
    here, there = alone(model, PICTURES), updates(replies)
    assert [said.sequence for said in there] == list(range(1, 41))
    assert [said.offset.ToMicroseconds() for said in there] == [i * 100_000 for i in range(40)]
    for ours, theirs in zip(here, there, strict=True):
        assert [label.name for label in theirs.labels] == [label.name for label in ours.labels]
        np.testing.assert_allclose(
            [label.probability for label in theirs.labels], [label.probability for label in ours.labels], atol=1e-5
        )
        assert [(e.label, pb.Phase.Name(e.phase)) for e in theirs.events] == [
            (e.label, f"PHASE_{e.phase.name}") for e in ours.events
        ]
        assert theirs.age.ToMicroseconds() > 0
    assert len({said.labels[0].name for said in there}) > 1, "the network should not say the same of everything"
    assert {pb.PHASE_BEGIN, pb.PHASE_END} <= {event.phase for said in there for event in said.events}


def test_the_first_reply_says_how_the_configuration_was_understood(server: Server) -> None:
    first, last = server.talk([config(top_k=2, begin_threshold=0.7, deny=["ash"])])
    assert first.configured.model.labels == list(CARD.labels)
    said = first.configured.config
    assert (said.model, said.top_k, said.memory_s, said.is_cut_aware) == ("tiny", 2, 2.0, True)
    assert (said.drop_policy, said.end_threshold) == (pb.DROP_POLICY_WAIT, USUAL.end_threshold)
    assert first.configured.stream_id
    assert last.HasField("finished")


def test_settings_are_heeded(server: Server, model) -> None:
    settings = {"top_k": 1, "memory_s": float("inf"), "smoothing_s": 0.0, "is_cut_aware": False, "deny": ("elm",)}
    there = updates(server.talk([config(**settings), *film(PICTURES)]))
    here = alone(model, PICTURES, **settings)
    assert [[label.name for label in said.labels] for said in there] == [
        [label.name for label in said.labels] for said in here
    ]
    assert all(len(said.labels) == 1 and said.labels[0].name != "elm" for said in there)


def test_every_frame_gets_one_reply_in_order(server: Server) -> None:
    sent = film(jpegs(30), fps=25.0)
    sent[7] = frame(8, 7 / 25, b"not a picture")
    sent[9] = frame(10, 0.0, PICTURES[9])
    replies = server.talk([config(), *sent])[1:-1]
    kinds = [reply.WhichOneof("message") for reply in replies]
    assert [getattr(reply, kind).sequence for reply, kind in zip(replies, kinds, strict=True)] == list(range(1, 31))
    assert {"update", "frame_skipped", "frame_error"} == set(kinds)


def test_frames_above_the_models_rate_are_skipped_and_counted(server: Server) -> None:
    replies = server.talk([config(), *film(jpegs(30), fps=30.0)])
    skipped = [reply.frame_skipped for reply in replies if reply.HasField("frame_skipped")]
    assert len(updates(replies)) == 10
    assert {skip.cause for skip in skipped} == {pb.DROP_CAUSE_RATE}
    assert replies[-1].finished.drops.rate == len(skipped) == 20


BAD = {
    "text": {"image": b"hello"},
    "nothing": {"image": b""},
    "a cut JPEG": {"image": PICTURES[0][: len(PICTURES[0]) // 2]},
    "raw of a wrong size": {
        "raw": pb.RawPicture(width_px=8, height_px=8, pixel_format=pb.PIXEL_FORMAT_RGB24, data=bytes(191))
    },
    "raw of an odd size": {
        "raw": pb.RawPicture(width_px=7, height_px=8, pixel_format=pb.PIXEL_FORMAT_I420, data=bytes(84))
    },
    "raw without a size": {"raw": pb.RawPicture(pixel_format=pb.PIXEL_FORMAT_NV12)},
    "raw that says it is huge": {
        "raw": pb.RawPicture(width_px=2**32 - 1, height_px=2**32 - 1, pixel_format=pb.PIXEL_FORMAT_RGB24, data=b"x")
    },
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_picture_is_an_error_of_that_frame_and_the_stream_goes_on_as_if_it_had_not_come(
    server: Server, bad
) -> None:
    good = film(PICTURES[:20], fps=12.0)
    odd = frame(99, 0.95, **bad)
    replies = server.talk([config(), *good[:11], odd, *good[11:]])
    errors = [reply.frame_error for reply in replies if reply.HasField("frame_error")]
    assert [(error.sequence, error.cause) for error in errors] == [(99, pb.DROP_CAUSE_DECODE)]
    assert errors[0].message
    assert errors[0].offset.ToMicroseconds() == 950_000
    assert answers(replies) == answers(server.talk([config(), *good]))
    assert replies[-1].finished.drops.decode == 1


@pytest.mark.parametrize("offset_s", [0.5, 0.3, 0.0, -1.0, 2e9])
def test_an_offset_that_does_not_increase_is_an_error_of_that_frame(server: Server, offset_s) -> None:
    good = film(PICTURES[:12])
    odd = frame(99, offset_s, PICTURES[30])
    replies = server.talk([config(), *good[:6], odd, *good[6:]])
    errors = [reply.frame_error for reply in replies if reply.HasField("frame_error")]
    assert [(error.sequence, error.cause) for error in errors] == [(99, pb.DROP_CAUSE_ORDER)]
    assert "accepted" in errors[0].message
    assert answers(replies) == answers(server.talk([config(), *good]))


def test_raw_layouts_and_png_are_taken(server: Server) -> None:
    grey = bytes([120]) * (16 * 16)
    raw = [
        pb.RawPicture(width_px=16, height_px=16, pixel_format=kind, data=data)
        for kind, data in (
            (pb.PIXEL_FORMAT_RGB24, grey * 3),
            (pb.PIXEL_FORMAT_I420, grey + bytes([128]) * 128),
            (pb.PIXEL_FORMAT_NV12, grey + bytes([128]) * 128),
        )
    ]
    replies = server.talk([config(), *(frame(i, i / 10, raw=picture) for i, picture in enumerate(raw))])
    assert len(updates(replies)) == 3


def test_half_closing_ends_what_still_goes_on(server: Server) -> None:
    still = [PICTURES[0]] * 15
    replies = server.talk([config(begin_threshold=0.2, end_threshold=0.05), *film(still)])
    begun = {event.label for said in updates(replies) for event in said.events if event.phase == pb.PHASE_BEGIN}
    ended = replies[-1].finished.events
    assert begun
    assert {event.label for event in ended} == begun
    assert all(event.phase == pb.PHASE_END for event in ended)


def test_a_pause_in_the_offsets_clears_the_memory(server: Server) -> None:
    replies = server.talk([config(), frame(1, 0, PICTURES[0]), frame(2, 60, PICTURES[0])])
    assert [said.reset_cause for said in updates(replies)] == [pb.RESET_CAUSE_UNSPECIFIED, pb.RESET_CAUSE_GAP]


WRONG = {
    "a frame first": ([frame(1, 0, PICTURES[0])], "INVALID_ARGUMENT", "first message is frame; accepted: config"),
    "nothing first": ([pb.RecognizeRequest()], "INVALID_ARGUMENT", "first message is empty"),
    "the first message is missing": ([], "INVALID_ARGUMENT", "the first message is missing"),
    "a second config": ([config(), config()], "INVALID_ARGUMENT", "second config; accepted: frame"),
    "an empty message": ([config(), pb.RecognizeRequest()], "INVALID_ARGUMENT", "later message is empty"),
    "no offset": (
        [config(), pb.RecognizeRequest(frame=pb.Frame(sequence=5, image=b"x"))],
        "INVALID_ARGUMENT",
        "frame 5 has no offset",
    ),
    "no picture": ([config(), bare(5)], "INVALID_ARGUMENT", "frame 5 has no picture; accepted: image, raw"),
    "no pixel format": (
        [config(), frame(5, 0, raw=pb.RawPicture(width_px=2, height_px=2))],
        "INVALID_ARGUMENT",
        "pixel_format is PIXEL_FORMAT_UNSPECIFIED; accepted: PIXEL_FORMAT_RGB24",
    ),
    "an unknown pixel format": (
        [config(), frame(5, 0, raw=pb.RawPicture(pixel_format=77))],
        "INVALID_ARGUMENT",
        "pixel_format is 77; accepted",
    ),
    "an unknown policy": ([config(drop_policy=9)], "INVALID_ARGUMENT", "drop_policy is 9; accepted"),
    "a threshold out of range": (
        [config(begin_threshold=1.5)],
        "INVALID_ARGUMENT",
        "begin_threshold is 1.5; accepted: in (0, 1]",
    ),
    "a threshold that is no number": ([config(end_threshold=float("nan"))], "INVALID_ARGUMENT", "end_threshold is nan"),
    "no labels wanted": ([config(top_k=0)], "INVALID_ARGUMENT", "top_k is 0; accepted: 1 or more"),
    "an unknown model": ([config(model="huge")], "NOT_FOUND", "no model named 'huge'; known: tiny"),
    "a path for a model": ([config(model="../../etc/passwd")], "NOT_FOUND", "known: tiny"),
    "an unknown label": ([config(allow=["oak"])], "NOT_FOUND", "ash"),
}


@pytest.mark.parametrize(("requests", "code", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_protocol_mistake_ends_the_stream_and_says_what_is_accepted(server: Server, requests, code, words) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        server.talk(requests)
    assert caught.value.code().name == code
    assert words in caught.value.details()


def test_frames_before_a_mistake_are_answered(server: Server) -> None:
    replies: list[pb.RecognizeResponse] = []
    with server.channel() as channel, pytest.raises(grpc.RpcError):
        for reply in rpc.RecognitionServiceStub(channel).Recognize(iter([config(), *film(PICTURES[:4]), config()])):
            replies.append(reply)
    assert len(updates(replies)) == 4


def test_describe_lists_models_and_limits(server: Server) -> None:
    said = server.describe()
    (model,) = said.models
    assert (model.name, model.side_px, model.fps, model.memory_s) == ("tiny", 32, 10.0, 2.0)
    assert (model.labels, model.architecture, model.licence) == (list(CARD.labels), "movinet t0", "Apache-2.0")
    assert model.engine.startswith(f"{engines.choose(CARD)} ")
    assert len(model.sha256) == 64
    assert said.limits.max_streams == 128
    assert said.limits.max_message_bytes == 16 * 2**20
    assert said.version


def test_drops_have_the_same_causes_on_both_sides() -> None:
    ours = [item.name for item in fields(Drops)]
    assert ours == [field.name for field in pb.Drops.DESCRIPTOR.fields]
    assert {f"DROP_CAUSE_{name.upper()}" for name in ours} == set(pb.DropCause.keys()) - {"DROP_CAUSE_UNSPECIFIED"}
