"""A file is fetched whole, goes on where it was cut, and is what was meant, or it is not given."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from stream import downloads
from stream.downloads import Remote, fetch, git_blob
from stream.errors import DownloadError, ModelError

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    """A real HTTP server: `content`, `cuts` (bytes after which a connection ends, in turn), what it was `asked`."""
    told = SimpleNamespace(content=CONTENT, cuts=[], asked=[], ranges=True, etag='"one"', status=200)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            told.asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and told.ranges else 0
            if told.status != 200:
                self.send_error(told.status)
                return
            if start >= len(told.content):
                self.send_error(416)
                return
            if self.headers.get("If-Range", told.etag) != told.etag:
                start = 0
            rest = told.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(told.content) - 1}/{len(told.content)}")
            self.send_header("Content-Length", str(len(rest)))
            self.send_header("ETag", told.etag)
            self.end_headers()
            self.wfile.write(rest[: told.cuts.pop(0)] if told.cuts else rest)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        told.address = f"http://127.0.0.1:{http.server_address[1]}/weights"
        yield told
        http.shutdown()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PAUSE_S", 0.001)


@pytest.fixture
def blob(tmp_path: Path) -> str:
    (tmp_path / "right").write_bytes(CONTENT)
    return git_blob(tmp_path / "right")


def test_the_id_is_gits_own(tmp_path: Path) -> None:
    (tmp_path / "hello").write_bytes(b"hello\n")
    assert git_blob(tmp_path / "hello") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_a_file_comes_whole_and_says_how_far_it_is(server: SimpleNamespace, blob: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    part = fetch(Remote(server.address, blob), tmp_path / "a.part", lambda here, total: seen.append((here, total)))
    assert part.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)


def test_a_cut_connection_goes_on_where_it_ended(server: SimpleNamespace, blob: str, tmp_path: Path) -> None:
    server.cuts = [300_000, 200_000]
    assert fetch(Remote(server.address, blob), tmp_path / "a.part").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=500000-"]


def test_what_a_call_that_failed_left_is_not_fetched_again(server: SimpleNamespace, blob: str, tmp_path: Path) -> None:
    server.cuts = [100_000] * downloads.TRIES
    with pytest.raises(DownloadError, match="the connection was cut"):
        fetch(Remote(server.address, blob), tmp_path / "a.part")
    server.asked.clear()
    assert fetch(Remote(server.address, blob), tmp_path / "a.part").read_bytes() == CONTENT
    assert server.asked == [f"bytes={downloads.TRIES * 100_000}-"]


def test_a_server_that_cannot_go_on_begins_again(server: SimpleNamespace, blob: str, tmp_path: Path) -> None:
    server.cuts, server.ranges = [300_000], False
    assert fetch(Remote(server.address, blob), tmp_path / "a.part").read_bytes() == CONTENT


def test_a_beginning_of_something_else_is_fetched_anew(server: SimpleNamespace, blob: str, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    assert fetch(Remote(server.address, blob), tmp_path / "a.part").read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-", None]


def test_without_an_id_only_the_very_same_file_goes_on(server: SimpleNamespace, tmp_path: Path) -> None:
    server.cuts = [300_000] * downloads.TRIES
    server.etag = 'W/"weak"'
    with pytest.raises(DownloadError):
        fetch(Remote(server.address), tmp_path / "a.part")
    assert server.asked == [None] * downloads.TRIES, "a weak mark does not tell the bytes"
    server.etag, server.cuts = '"strong"', [300_000]
    server.asked.clear()
    assert fetch(Remote(server.address), tmp_path / "a.part").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-"]


def test_another_file_is_refused_with_both_ids_and_not_left(server: SimpleNamespace, blob: str, tmp_path: Path) -> None:
    server.content = b"somebody else's"
    with pytest.raises(DownloadError, match=f"git blob id [0-9a-f]{{40}}, {blob} is expected: refused"):
        fetch(Remote(server.address, blob), tmp_path / "a.part")
    assert not (tmp_path / "a.part").exists()


def test_no_server_is_one_sentence_with_the_address_the_id_and_what_to_do(blob: str, tmp_path: Path) -> None:
    address = "http://127.0.0.1:9/weights"
    with pytest.raises(DownloadError) as caught:
        fetch(Remote(address, blob), tmp_path / "a.part")
    assert str(caught.value).startswith(f"cannot fetch {address}: ")
    assert f"(git blob id {blob}) by hand and give it with --from FILE" in str(caught.value)


def test_a_refusal_is_not_asked_for_again(server: SimpleNamespace, blob: str, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(DownloadError, match="the server answers 404 Not Found"):
        fetch(Remote(server.address, blob), tmp_path / "a.part")
    assert len(server.asked) == 1


def test_a_file_that_never_ends_is_stopped(
    server: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "LARGEST_BYTES", 100_000)
    with pytest.raises(DownloadError, match="larger than"):
        fetch(Remote(server.address), tmp_path / "a.part")
    assert (tmp_path / "a.part").stat().st_size <= 100_000


def test_a_file_fetched_by_hand_passes_the_same_check_and_stays(blob: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"wrong")
    downloads.check(tmp_path / "right", Remote("", blob))
    with pytest.raises(ModelError, match=f"{git_blob(wrong)}, {blob} is expected: refused"):
        downloads.check(wrong, Remote("", blob))
    assert wrong.read_bytes() == b"wrong"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/x", "/etc/passwd", ""])
def test_only_the_web_is_fetched_from(address: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"only http:// and https://"):
        fetch(Remote(address), tmp_path / "a.part")


def test_a_redirection_never_leaves_https() -> None:
    import urllib.error
    import urllib.request
    from email.message import Message

    request = urllib.request.Request("https://host/weights")
    with pytest.raises(urllib.error.URLError, match="from https to http"):
        downloads._Redirects().redirect_request(request, None, 302, "", Message(), "http://host/weights")  # type: ignore[arg-type]
