"""What HTTP listens with: a certificate that is renewed holds from the next connection on, without a restart."""

import asyncio
import shutil
import ssl
from pathlib import Path

import pytest

from stream.errors import UsageError
from stream.server.access.listening import Tls
from tests.reliability.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


def put(folder: Path, certificate: Path, key: Path) -> Tls:
    """Put a certificate and its key where the server looks."""
    shutil.copy(certificate, folder / "server.pem")
    shutil.copy(key, folder / "server.key")
    return Tls(folder / "server.pem", folder / "server.key")


async def shown(port: int, authority: Authority, name: str | None = "localhost") -> int:
    """Connect; return the serial number of the certificate that the server shows."""
    trusting = ssl.create_default_context(cafile=str(authority.certificate))
    trusting.check_hostname = name is not None
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name or "")
    found = writer.get_extra_info("peercert")
    writer.close()
    await writer.wait_closed()
    return int(found["serialNumber"], 16)


@pytest.mark.parametrize("name", ["localhost", None])
def test_a_renewed_certificate_is_shown_to_whoever_comes_next(
    tmp_path: Path, authority: Authority, name: str | None
) -> None:
    one, two = authority.sign("one", "DNS:localhost"), authority.sign("two", "DNS:localhost")

    async def check() -> tuple[int, int, int]:
        context = put(tmp_path, *one).context()
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        async with server:
            first = await shown(port, authority, name)
            put(tmp_path, *two)
            second = await shown(port, authority, name)
            (tmp_path / "server.pem").write_text("half of it")
            return first, second, await shown(port, authority, name)

    first, second, third = asyncio.run(check())
    assert first != second
    assert second == third, "what is broken leaves everything as it was"


def test_what_is_no_certificate_is_said_at_once(tmp_path: Path, authority: Authority) -> None:
    made = put(tmp_path, *authority.sign("three", "DNS:localhost"))
    (tmp_path / "server.key").write_text("none")
    with pytest.raises(UsageError, match=r"server\.pem and .*server\.key do not serve HTTP"):
        made.context()
