"""The page of the operator's: who sees it, and what a real browser shows."""

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="the extra `http` is not installed")

from stream.decode import decode_image
from stream.server.access import clients
from stream.server.web.gallery import is_ours
from tests.reliability.certificates import Authority
from tests.server import live
from tests.server.live import Server, wait_for
from tests.server.web.browser import tab

CONFIG = """
[defaults]
begin_threshold = 0.3
end_threshold = 0.15
min_duration_s = 0

[source.door]
uri = "synthetic://gestures?seconds=inf&size=320x240&fps=10&seed=3"
realtime = true

[source.yard]
uri = "synthetic://gestures?seconds=inf&size=320x240&fps=10"
realtime = true

[source.away]
uri = "rtsp://bob:s3cret@127.0.0.1:1/cam"
"""


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "stream.toml").write_text(CONFIG)
    return ["--config", str(folder / "stream.toml"), "--http-port", "0"]


@pytest.fixture(scope="module")
def server(model: Path, flags: list[str]) -> Iterator[Server]:
    with live.running(model, *flags) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(
    model: Path, flags: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, str, str]]:
    file = tmp_path_factory.mktemp("tokens") / "tokens.toml"
    (all_token, words), (door_token, door_words) = clients.new_token("all"), clients.new_token("door")
    file.write_text(words + door_words + 'sources = ["door"]\n')
    with live.running(model, *flags, "--tokens", str(file)) as server:
        yield server, all_token, door_token


def get(server: Server, path: str, token: str = "", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(server.http + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def sources(server: Server, token: str = "") -> dict[str, dict]:
    return {one["name"]: one for one in json.loads(get(server, "/sources", token)[1])["sources"]}


def test_every_source_is_told_with_its_labels_and_its_last_hour(server: Server) -> None:
    wait_for(lambda: bool(sources(server)["door"]["actions"]), 60)
    wait_for(lambda: sources(server)["away"]["state"] == "failed")
    found = sources(server)
    assert sorted(found) == ["away", "door", "yard"]
    door, away = found["door"], found["away"]
    assert (door["state"], door["error"], door["model"]) == ("live", "", "tiny")
    assert len(door["labels"]) == 3
    assert [one["name"] for one in door["states"]][-1] == "live"
    begin, end = door["actions"][0]["begin"], door["actions"][0]["end"]
    assert end is None or begin <= end
    assert "Connection refused" in away["error"]
    assert not any(word in json.dumps(found) for word in ("bob", "s3cret"))


def test_a_picture_is_the_newest_and_small(server: Server) -> None:
    wait_for(lambda: get(server, "/sources/door.jpg")[0] == 200)
    status, jpeg, headers = get(server, "/sources/door.jpg")
    picture = decode_image(jpeg)
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert (picture.width_px, picture.height_px) == (320, 240)
    wait_for(lambda: get(server, "/sources/door.jpg")[1] != jpeg)
    assert get(server, "/sources/away.jpg")[0] == 404


@pytest.mark.parametrize("name", ["nobody", "..%2f..%2fetc%2fpasswd", "%00", "door.jpg%2f..%2fyard"])
def test_nothing_but_a_configured_name_has_a_picture(server: Server, name: str) -> None:
    assert get(server, f"/sources/{name}.jpg")[0] == 404


def test_nothing_of_it_is_for_other_pages(server: Server) -> None:
    for path in ("/", "/page.js", "/page.css", "/sources", "/sources/door.jpg"):
        headers = get(server, path)[2]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


def test_a_name_that_was_made_to_mean_this_machine_is_refused(server: Server) -> None:
    port = server.http.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", "localhost", f"[::1]:{port}"):
        assert get(server, "/sources", Host=host)[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example"):
        status, body, _ = get(server, "/sources", Host=host)
        assert (status, body) == (421, b"ask for this machine by its address\n")


def test_a_host_is_ours_by_address_or_by_what_it_listens_at() -> None:
    assert is_ours("camera-box:9090", "camera-box")
    assert not is_ours("camera-box:9090", "0.0.0.0")
    assert not is_ours("", "127.0.0.1")


def test_with_tokens_the_page_is_public_and_what_it_shows_is_not(guarded: tuple[Server, str, str]) -> None:
    server, all_token, door_token = guarded
    assert get(server, "/")[0] == 200
    for path in ("/sources", "/sources/door.jpg"):
        assert get(server, path)[0] == 401
        assert get(server, path, "wr0ng")[0] == 401
    assert sorted(sources(server, all_token)) == ["away", "door", "yard"]
    assert sorted(sources(server, door_token)) == ["door"]
    wait_for(lambda: get(server, "/sources/door.jpg", door_token)[0] == 200)
    assert get(server, "/sources/yard.jpg", door_token)[0] == 404
    assert not any(word in "".join(server.log) for word in (all_token, door_token, "wr0ng"))


def test_other_machines_see_metrics_but_no_page_unless_it_is_encrypted(
    model: Path, flags: list[str], tmp_path: Path
) -> None:
    with live.running(model, *flags, "--http-host", "0.0.0.0") as server:
        assert get(server, "/healthz")[0] == 200
        status, body, _ = get(server, "/")
        assert status == 403
        assert b"accepted: --http-host 127.0.0.1, --tls-cert and --tls-key, or --insecure" in body
        assert get(server, "/sources")[0] == 403
    authority = Authority(tmp_path / "site", "ours")
    certificate, key = authority.sign("server", "DNS:localhost,IP:0.0.0.0,IP:127.0.0.1")
    tls = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with live.running(model, *flags, "--http-host", "0.0.0.0", *tls) as server:
        assert server.http.startswith("https://0.0.0.0:")
        trusting = ssl.create_default_context(cafile=str(authority.certificate))
        address = server.http.replace("0.0.0.0", "127.0.0.1")
        with urllib.request.urlopen(f"{address}/sources", timeout=20, context=trusting) as answer:
            assert len(json.loads(answer.read())["sources"]) == 3
        with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
            urllib.request.urlopen(f"{address}/sources", timeout=20)


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_a_browser_shows_every_source(server: Server, is_dark: bool, tmp_path: Path) -> None:
    wait_for(lambda: bool(sources(server)["door"]["actions"]), 60)

    async def look() -> None:
        async with tab(server.http, is_dark=is_dark) as page:
            await page.until("document.querySelectorAll('article').length === 3")
            await page.until(
                "[...document.querySelectorAll('img')].filter(one => one.naturalWidth === 320).length === 2"
            )
            first = await page.value("document.querySelector('img').src")
            await page.until("Number(document.body.dataset.turns) > 2")
            names = await page.value("[...document.querySelectorAll('h2')].map(one => one.textContent)")
            assert names == ["away", "door", "yard"]
            states = await page.value("[...document.querySelectorAll('.state')].map(one => one.textContent)")
            assert all(state.split()[0] in ("live", "stalled") for state in states[1:]), "a busy machine is late"
            errors = await page.value("[...document.querySelectorAll('.error')].map(one => one.textContent)")
            assert errors[0].startswith("cannot open rtsp://127.0.0.1:1/cam")
            assert await page.value("document.querySelectorAll('article')[1].querySelectorAll('li').length") == 3
            assert await page.value("document.querySelectorAll('article')[1].querySelectorAll('.lane').length") > 1
            assert await page.value("document.querySelectorAll('img')[1].src") != first
            paper = await page.value("getComputedStyle(document.body).backgroundColor")
            assert paper == ("rgb(27, 32, 39)" if is_dark else "rgb(255, 255, 255)")
            assert await page.value("document.querySelector('#door').hidden")
            await page.picture(tmp_path / "page.png")
            assert not [one for one in page.complaints if "favicon" not in one and ".jpg" not in one]

    asyncio.run(look())
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_a_browser_asks_for_the_token_and_shows_what_it_may(guarded: tuple[Server, str, str]) -> None:
    server, _, door_token = guarded

    async def look() -> None:
        async with tab(server.http) as page:
            await page.until("!document.querySelector('#door').hidden")
            assert await page.value("document.querySelectorAll('article').length") == 0
            enter = "document.querySelector('#token').value = {!r}; document.querySelector('#door button').click()"
            await page.value(enter.format("wr0ng"))
            await page.until("document.querySelector('#summary').textContent === 'that token is not accepted'")
            await page.value(enter.format(door_token))
            await page.until("document.querySelectorAll('article').length === 1")
            assert await page.value("document.querySelector('h2').textContent") == "door"
            await page.until("document.querySelector('#door').hidden")
            assert await page.value("document.cookie") == ""

    asyncio.run(look())


def test_words_of_a_source_are_never_markup(model: Path, tmp_path: Path) -> None:
    text = '[source.x]\nuri = "images:///nowhere/<img src=x onerror=document.body.dataset.bad=1>"\n'
    (tmp_path / "stream.toml").write_text(text)
    with live.running(model, "--config", str(tmp_path / "stream.toml"), "--http-port", "0") as server:
        wait_for(lambda: "<img" in sources(server)["x"]["error"])

        async def look() -> None:
            async with tab(server.http) as page:
                await page.until("document.querySelector('.error')?.textContent.includes('<img')")
                assert await page.value("document.body.dataset.bad") is None
                assert await page.value("document.querySelectorAll('.error img').length") == 0

        asyncio.run(look())
