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
    assert Access().client(Context()).name == "ipv6:%5B::1%5D"
    assert Access().client(Context(certified=(b"spiffe://site/cam1",))).name == "spiffe://site/cam1"


def test_no_token_at_all_lets_nobody_in() -> None:
    with pytest.raises(Ended):
        Access({}).client(Context("Bearer x"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[token.a\n", "line 1"),
        ("[tokens.a]\n", r"tokens; accepted: tables \[token.NAME\]"),
        ('[token.a]\nsha256 = "ABC"\n', "sha256 is not what is accepted: 64 hexadecimal digits"),
        ("[token.a]\n", "sha256 is not what is accepted"),
        (f'[token.a]\nsha256 = "{"0" * 64}"\nsources = "door"\n', "sources is 'door'; accepted: a list of names"),
        (f'[token.a]\nsha256 = "{"0" * 64}"\nmax_streams = 0\n', "max_streams is 0; accepted: 1 or more"),
        (f'[token.a]\nsha256 = "{"0" * 64}"\npassword = "x"\n', "accepted: a table .* with sha256"),
        (f'[token."a b"]\nsha256 = "{"0" * 64}"\n', "token.a b; accepted"),
    ],
)
def test_a_file_that_is_not_accepted_says_where_and_what_is(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"tokens.toml.*{words}"):
        clients.load(written(tmp_path, text))


def test_a_token_needs_a_name_that_can_be_written() -> None:
    with pytest.raises(UsageError, match="accepted: 1 to 64 of"):
        clients.new_token("a/b")
