"""stream.toml and the tokens are read again while the server serves."""

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from stream.server.access import clients
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests import clips
from tests.reliability.watcher import Watcher, configure, is_update
from tests.server import live
from tests.server.live import Line, Server, config, frame, jpegs, wait_for

Say = Callable[[str], None]
STEADY = '[source.steady]\nuri = "square.mp4"\nloop = true\n'
OTHER = '[source.other]\nuri = "square.mp4"\nloop = true\ntop_k = {top_k}\n'


def names(server: Server) -> list[str]:
    with server.channel() as channel:
        stub = rpc.RecognitionServiceStub(channel)
        return [one.name for one in stub.ListSources(pb.ListSourcesRequest(), timeout=10).sources]


def reloads(server: Server) -> int:
    return sum("stays as it was" in line or "INFO sources: " in line for line in server.log)


def ask(server: Server) -> None:
    """Send SIGHUP and wait for what comes of it."""
    before = reloads(server)
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: reloads(server) > before)


def test_only_what_changed_begins_anew(model: Path, tmp_path: Path) -> None:
    clips.write(tmp_path / "square.mp4")
    with live.running(model, *configure(tmp_path, STEADY + OTHER.format(top_k=2))) as server:  # noqa: SIM117
        with Watcher(server, "steady") as steady, Watcher(server, "other") as other:
            steady.wait(is_update)
            other.wait(is_update)
            configure(tmp_path, STEADY + OTHER.format(top_k=4))
            ask(server)
            wait_for(lambda: other.error is not None)
            assert other.error.code() is grpc.StatusCode.UNAVAILABLE
            assert "'other' has changed; watch it again" in other.error.details()
            assert other.said[-1][1].HasField("finished")
            with Watcher(server, "other") as again:
                again.wait(is_update)
                assert {len(update.labels) for update in again.updates()} == {4}
            count = len(steady.updates())
            wait_for(lambda: len(steady.updates()) > count + 5)
            numbers = [update.sequence for update in steady.updates()]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "it was left alone"
            configure(tmp_path, STEADY)
            ask(server)
            assert names(server) == ["steady"]
            assert steady.error is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (STEADY + "[source.\n", r"stream.toml: .*line 4"),
        (
            STEADY.replace("loop = true", "loop = 3"),
            r"stream.toml:3: source.steady: loop is 3; accepted: true or false",
        ),
        (STEADY + 'model = "huge"\n', r"stream.toml:4: source.steady: no model named 'huge'"),
        (STEADY + 'allow = ["oak"]\n', r"stream.toml:4: source.steady: no label named 'oak'; known: ash"),
        ('[defaults]\ndeny = ["oak"]\n' + STEADY, r"stream.toml:3: source.steady: no label named 'oak'"),
    ],
)
def test_a_broken_file_keeps_the_old_one_and_says_where(model: Path, tmp_path: Path, text: str, words: str) -> None:
    clips.write(tmp_path / "square.mp4")
    with live.running(model, *configure(tmp_path, STEADY)) as server, Watcher(server, "steady") as steady:
        steady.wait(is_update)
        configure(tmp_path, text)
        ask(server)
        assert re.search(words + ".*; everything stays as it was", "".join(server.log))
        count = len(steady.updates())
        wait_for(lambda: len(steady.updates()) > count)
        assert (names(server), steady.error) == (["steady"], None)


def test_a_change_is_found_without_being_asked(model: Path, tmp_path: Path, say: Say) -> None:
    clips.write(tmp_path / "square.mp4")
    with live.running(model, *configure(tmp_path, STEADY)) as server:
        (tmp_path / "new.toml").write_text(STEADY + OTHER.format(top_k=1))
        began_s = time.monotonic()
        (tmp_path / "new.toml").replace(tmp_path / "stream.toml")
        wait_for(lambda: names(server) == ["other", "steady"])
        took_s = time.monotonic() - began_s
    assert took_s < 10
    say(f"found after {took_s:.1f} s")


def test_a_token_that_is_taken_away_ends_what_it_opened_and_no_other(model: Path, tmp_path: Path, say: Say) -> None:
    clips.write(tmp_path / "square.mp4")
    (one, one_words), (two, two_words) = clients.new_token("one"), clients.new_token("two")
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(one_words + two_words)
    configured = configure(tmp_path, STEADY)
    with live.running(model, "--tokens", str(tokens), *configured) as server, server.channel() as channel:
        stub, lines = rpc.RecognitionServiceStub(channel), [Line(config()), Line(config())]
        shown = [[("authorization", f"Bearer {token}")] for token in (one, two)]
        pushed = [stub.Recognize(iter(line), metadata=token) for line, token in zip(lines, shown, strict=True)]
        watched = [stub.Watch(pb.WatchRequest(source="steady"), metadata=token) for token in shown]
        assert all(next(call).HasField("configured") for call in pushed)
        assert all(next(call).HasField("watching") for call in watched)
        tokens.write_text(two_words)
        began_s = time.monotonic()
        server.process.send_signal(signal.SIGHUP)
        for call in (pushed[0], watched[0]):
            with pytest.raises(grpc.RpcError, match="this stream's token is not one of this server's any more"):
                list(call)
            assert call.code() is grpc.StatusCode.UNAUTHENTICATED
        took_s = time.monotonic() - began_s
        lines[1].say(frame(1, 0, jpegs(1)[0]))
        assert next(pushed[1]).HasField("update")
        assert next(watched[1])
        tokens.write_text(two_words + 'sources = ["steady"]\n')
        server.process.send_signal(signal.SIGHUP)
        with pytest.raises(grpc.RpcError, match="what this token may do has changed; come again"):
            list(watched[1])
        for line in lines:
            line.close()
    assert took_s < 3
    say(f"ended {took_s:.2f} s after SIGHUP")


def test_a_token_that_is_taken_away_opens_nothing_more(model: Path, tmp_path: Path) -> None:
    (one, one_words), (two, two_words) = clients.new_token("one"), clients.new_token("two")
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(one_words)
    with live.running(model, "--tokens", str(tokens)) as server, server.channel() as channel:
        stub = rpc.RecognitionServiceStub(channel)

        def is_let_in(token: str) -> bool:
            try:
                stub.Describe(pb.DescribeRequest(), metadata=[("authorization", f"Bearer {token}")], timeout=10)
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.UNAUTHENTICATED
                return False
            return True

        assert (is_let_in(one), is_let_in(two)) == (True, False)
        tokens.write_text(two_words)
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: is_let_in(two))
        assert not is_let_in(one)
        tokens.write_text("[token.")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: any("stays as it was" in line for line in server.log))
        assert is_let_in(two)
        assert not any(one in line or two in line for line in server.log)
