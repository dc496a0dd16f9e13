"""Who is let in."""

import hashlib
from pathlib import Path

import pytest
from grpc import StatusCode

from stream.errors import UsageError
from stream.server.access import clients
from stream.server.access.clients import Access, Client
from stream.server.access.leash import Ended


class Context:
    """What gRPC says of a call."""

    def __init__(self, authorization: str | bytes | None = None, certified: tuple[bytes, ...] = ()) -> None:
        self._metadata = () if authorization is None else (("authorization", authorization),)
        self._certified = certified

    def invocation_metadata(self):
        return self._metadata

    def peer_identities(self):
        return self._certified

    def peer(self) -> str:
        return "ipv6:%5B::1%5D:50123"


def written(folder: Path, text: str) -> Path:
    (folder / "tokens.toml").write_text(text)
    return folder / "tokens.toml"


def test_a_token_opens_and_is_written_nowhere(tmp_path: Path) -> None:
    token, words = clients.new_token("kiosk")
    assert token not in words
    path = written(tmp_path, words + 'sources = ["door"]\nmax_streams = 2\n')
    found = Access(clients.load(path)).client(Context(f"Bearer {token}"))
    assert found == Client("kiosk", frozenset({"door"}), 2, hashlib.sha256(token.encode()).hexdigest())
    assert found.may_watch("door")
    assert not found.may_watch("yard")


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer wrong", "Bearer \udcff", b"x"])
def test_anything_else_is_refused_and_not_repeated(tmp_path: Path, given) -> None:
    _, words = clients.new_token("kiosk")
    with pytest.raises(Ended) as caught:
        Access(clients.load(written(tmp_path, words))).client(Context(given))
    assert caught.value.status is StatusCode.UNAUTHENTICATED
    assert "wrong" not in str(caught.value)


def test_two_tokens_are_never_alike() -> None:
    assert clients.new_token("a")[0] != clients.new_token("a")[0]
    assert len(clients.new_token("a")[0]) >= 43  # 32 random bytes


def test_without_tokens_a_client_is_its_certificate_or_its_address_without_the_port() -> None:
    assert Access().client(Context()).name == "ipv6:::1"
    assert Access().client(Context(certified=(b"spiffe://site/cam1",))).name == "spiffe://site/cam1"


def test_no_token_at_all_lets_nobody_in() -> None:
    with pytest.raises(Ended):
        Access({}).client(Context("Bearer x"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[token.a\n", "line 1"),
        ("[tokens.a]\n", r":1: there is no tokens; accepted: token$"),
        ("token = 3\n", "token is 3; accepted: a table"),
        ('[token.a]\nsha256 = "ABC"\n', ":2: token.a: sha256 is not what is accepted: 64 hexadecimal digits"),
        ("[token.a]\nsha256 = 7\n", ":2: token.a: sha256 is 7; accepted: a text"),
        ("[token.a]\n", ":1: token.a: sha256 is not what is accepted"),
        (f'[token.a]\nsha256 = "{"0" * 64}"\nsources = "door"\n', ":3: .*sources is 'door'; accepted: a list of texts"),
        (f'[token.a]\nsha256 = "{"0" * 64}"\nmax_streams = 0\n', ":3: .*max_streams is 0; accepted: 1 or more"),
        (
            f'[token.a]\nsha256 = "{"0" * 64}"\npassword = "x"\n',
            ":3: .*no password; accepted: max_streams, sha256, sou",
        ),
        (f'[token."a b"]\nsha256 = "{"0" * 64}"\n', ":1: token.a b: name is 'a b'; accepted: 1 to 64 of"),
        (f'[token.a]\nsha256 = "{"0" * 64}"\n[token.b]\nsha256 = "{"0" * 64}"\n', ":4: token.b: it is that of token.a"),
    ],
)
def test_a_file_that_is_not_accepted_says_where_and_what_is(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"tokens.toml.*{words}"):
        clients.load(written(tmp_path, text))


def test_a_token_needs_a_name_that_can_be_written() -> None:
    with pytest.raises(UsageError, match="accepted: 1 to 64 of"):
        clients.new_token("a/b")


def test_tokens_are_added_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    one = clients.add_token("one", path)
    assert path.stat().st_mode & 0o077 == 0
    path.write_text(path.read_text().rstrip() + '\nsources = ["door"]')  # as an editor may leave it
    two = clients.add_token("two", path)
    access = Access(clients.load(path))
    assert access.client(Context(f"Bearer {one}")).sources == {"door"}
    assert access.client(Context(f"Bearer {two}")).name == "two"
    assert one not in path.read_text()
    with pytest.raises(UsageError, match="has a token 'two' already"):
        clients.add_token("two", path)
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        clients.add_token("three", tmp_path / "none" / "tokens.toml")
