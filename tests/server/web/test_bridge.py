"""The WebSocket of the page's second tab: what gRPC says within gRPC's limits, and for our own page only."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("aiohttp", reason="the extra `web` is not installed")

import aiohttp

from stream.server.access import clients
from stream.server.web import page
from stream.v1 import recognition_pb2 as pb
from tests.reliability.certificates import Authority
from tests.server import live
from tests.server.live import Server, answers, config, film, frame, jpegs, wait_for

pytestmark = pytest.mark.skipif(not (page.FOLDER / page.WIRE).is_file(), reason="the page was not built: make web")

PICTURES = jpegs(8)


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("shown")
    (folder / "model.json").write_text('{"file": "any.onnx"}')
    (folder / "any.onnx").touch()  # what the page would run: no matter here
    return ["--web", "--web-port", "0", "--web-model", str(folder)]


@pytest.fixture(scope="module")
def server(model: Path, flags: list[str]) -> Iterator[Server]:
    with live.running(model, *flags, "--max-streams-per-client", "3", "--max-message-mb", "1") as server:
        yield server


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    async def limited() -> Any:
        async with asyncio.timeout(120):
            found = await work()
            await asyncio.sleep(0.2)  # aiohttp closes its sockets a moment after it was told
            return found

    return asyncio.run(limited())


@asynccontextmanager
async def socket(
    server: Server, token: str = "", protocol: str = "stream.v1", **headers: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    place = urlsplit(server.page)
    headers = {"Origin": f"{place.scheme}://{place.netloc}", **headers}
    protocols = (protocol, *([f"bearer.{token}"] if token else []))
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{server.page}bridge", protocols=protocols, headers=headers, max_msg_size=2**26) as line,
    ):
        assert line.protocol == protocol
        yield line


async def say(line: Any, requests: Iterable[pb.RecognizeRequest]) -> None:
    for request in requests:
        await line.send_bytes(request.SerializeToString())


async def hear(line: Any) -> pb.RecognizeResponse:
    return pb.RecognizeResponse.FromString(await line.receive_bytes())


async def rest(line: Any) -> tuple[list[pb.RecognizeResponse], int, str]:
    """Return what is still said, and how the socket closes."""
    said = []
    while (message := await line.receive()).type is aiohttp.WSMsgType.BINARY:
        said.append(pb.RecognizeResponse.FromString(message.data))
    return said, line.close_code, message.extra or ""


async def refusal(server: Server, protocol: str = "stream.v1", **headers: str) -> tuple[int, str]:
    """Return the status of a socket that is not opened."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        async with socket(server, protocol=protocol, **headers):
            pass
    return caught.value.status, caught.value.message


def test_it_says_what_grpc_says(server: Server) -> None:
    requests = [config(), *film(PICTURES)]

    async def talk() -> Any:
        async with socket(server) as line:
            await say(line, requests)
            await line.send_str("end")
            return await rest(line)

    said, code, why = run(talk)
    by_grpc = server.talk(requests)
    assert [one.WhichOneof("message") for one in said] == [one.WhichOneof("message") for one in by_grpc]
    assert said[-1] == by_grpc[-1]
    assert len(by := answers(said)) == len(PICTURES)
    assert by == answers(by_grpc)
    assert (code, why) == (1000, "the stream has ended")


def test_somebody_elses_page_opens_nothing(server: Server) -> None:
    port = urlsplit(server.page).port
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": f"http://127.0.0.1:{port + 1}"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},  # no address at all
        {"Origin": f"http://evil.example:{port}", "Host": f"evil.example:{port}"},  # a name made to mean this machine
    ):
        assert run(lambda headers=headers: refusal(server, **headers))[0] == 403, headers
    assert run(lambda: refusal(server, "chat"))[0] == 403
    assert server.describe().limits.open_streams == 0


def test_streams_of_one_client_are_counted_whichever_way_they_came(server: Server) -> None:
    async def open_too_many() -> Any:
        async with socket(server) as one, socket(server) as two:
            for line in (one, two):
                await say(line, [config()])
                assert (await hear(line)).HasField("configured")
            with server.channel() as channel:
                stub, held = live.rpc.RecognitionServiceStub(channel), live.Line(config())
                call = stub.Recognize(iter(held))
                assert (await asyncio.to_thread(next, call)).HasField("configured")
                async with socket(server) as line:
                    found = await rest(line)
                held.close()
                assert [reply.WhichOneof("message") for reply in call] == ["finished"]
            return found

    said, code, why = run(open_too_many)
    assert (said, code) == ([], 4008)  # RESOURCE_EXHAUSTED
    assert why == "3 streams of ipv4:127.0.0.1 are open; accepted: 3 at once"
    wait_for(lambda: server.describe().limits.open_streams == 0)


LONG = "x" * 300


@pytest.mark.parametrize(
    ("messages", "code", "words"),
    [
        ([b"\xff\xff\xff\xff"], 4003, "a message is not a RecognizeRequest"),
        (["hello"], 4003, "it is the text 'hello'; accepted: binary messages"),
        ([frame(1, 0, PICTURES[0]).SerializeToString()], 4003, "the first message is frame; accepted: config, resume"),
        ([b""], 4003, "the first message is empty"),
        ([config(top_k=0).SerializeToString()], 4003, "top_k is 0"),
        ([config(model=LONG).SerializeToString()], 4005, "no model named 'xxx"),
        ([config().SerializeToString(), live.bare(1).SerializeToString()], 4003, "frame 1 has no picture"),
        ([bytes(2**20 + 1)], 1009, ""),
    ],
)
def test_what_is_no_message_ends_its_own_stream_and_says_why(server: Server, messages, code: int, words: str) -> None:
    async def talk() -> Any:
        async with socket(server) as line:
            for message in messages:
                await (line.send_str(message) if isinstance(message, str) else line.send_bytes(message))
            return await rest(line)

    _, found, why = run(talk)
    assert found == code
    assert words in why
    assert len(why.encode()) <= 123
    wait_for(lambda: server.describe().limits.open_streams == 0)


def test_the_largest_message_is_taken(server: Server) -> None:
    async def talk() -> pb.RecognizeResponse:
        async with socket(server) as line:
            await say(line, [config()])
            await hear(line)
            whole = frame(1, 0, PICTURES[0] + bytes(2**20 - 100 - len(PICTURES[0])))
            whole.frame.image += bytes(2**20 - whole.ByteSize())
            assert whole.ByteSize() == 2**20
            await say(line, [whole])
            return await hear(line)

    assert run(talk).update.sequence == 1


def test_a_page_that_goes_away_frees_its_stream(server: Server) -> None:
    async def vanish() -> None:
        async with socket(server) as line:
            await say(line, [config(), frame(1, 0, PICTURES[0])])
            assert (await hear(line)).HasField("configured")
            assert (await hear(line)).HasField("update")
            assert server.describe().limits.open_streams == 1
            line._response.connection.transport.abort()  # no goodbye
            await asyncio.to_thread(wait_for, lambda: server.describe().limits.open_streams == 0, 5.0)

    run(vanish)


def test_a_silent_page_is_ended_and_a_token_is_asked_for(model: Path, flags: list[str], tmp_path: Path) -> None:
    token, words = clients.new_token("phone")
    (tmp_path / "tokens.toml").write_text(words)
    more = ["--tokens", str(tmp_path / "tokens.toml"), "--idle-timeout-s", "1"]

    async def talk(server: Server, shown: str) -> Any:
        async with socket(server, shown) as line:
            await say(line, [config()] if shown == token else [])
            return await rest(line)

    async def about(server: Server) -> Any:
        async with aiohttp.ClientSession() as client, client.get(f"{server.page}bridge") as answer:
            return await answer.json()

    with live.running(model, *flags, *more) as server:
        assert run(lambda: about(server)) == {"is_open": True, "why": "", "needs_token": True}
        for wrong in ("", "of-another"):
            assert run(lambda wrong=wrong: talk(server, wrong))[1] == 4016  # UNAUTHENTICATED
        said, code, why = run(lambda: talk(server, token))
        assert [one.WhichOneof("message") for one in said] == ["configured", "finished"]
        assert (code, why) == (4004, "no frame came for 1 s, this server's limit")


def test_draining_tells_the_page_to_go_and_answers_what_it_has_sent(model: Path, flags: list[str]) -> None:
    async def talk(server: Server) -> Any:
        async with socket(server) as leaving, socket(server) as staying:
            for line in (leaving, staying):
                await say(line, [config(), frame(1, 0, PICTURES[0])])
                assert [(await hear(line)).WhichOneof("message") for _ in range(2)] == ["configured", "update"]
            server.process.send_signal(signal.SIGTERM)
            for line in (leaving, staying):
                assert (await hear(line)).go_away.grace.ToMicroseconds() == 3_000_000
            await say(leaving, [frame(2, 0.1, PICTURES[1])])
            await leaving.send_str("end")
            return await rest(leaving), await rest(staying)

    with live.running(model, *flags, "--drain-s", "3") as server:
        (said, code, _), (last, why_code, why) = run(lambda: talk(server))
        assert server.process.wait(10) == 0
    assert ([one.WhichOneof("message") for one in said], code) == (["update", "finished"], 1000)
    assert ([one.WhichOneof("message") for one in last], why_code) == (["finished"], 4014)  # UNAVAILABLE
    assert why == "the server is shutting down"


def test_an_operator_can_shut_it(model: Path, flags: list[str], tmp_path: Path) -> None:
    async def about(server: Server, **options: Any) -> tuple[str, str]:
        async with aiohttp.ClientSession() as client:
            async with client.get(f"{server.page}bridge", **options) as answer:
                why = (await answer.json())["why"]
            async with client.get(server.page, **options) as answer:
                return why, answer.headers["Content-Security-Policy"]

    with live.running(model, *flags, "--no-web-bridge") as server:
        why, policy = run(lambda: about(server))
        assert why == "this server takes no frames from its page (--no-web-bridge)"
        assert run(lambda: refusal(server))[0] == 403
        assert "connect-src 'self'" in policy
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.sign("server", "IP:127.0.0.1")
    tls = ["--tls-cert", str(certificate), "--tls-key", str(key), "--tls-client-ca", str(authority.certificate)]
    with live.running(model, *flags, *tls) as server:
        why, _ = run(lambda: about(server, ssl=False))
        assert why == "this server wants a certificate of every client, and a page has none"
