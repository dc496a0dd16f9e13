"""A certificate that the machine signs for itself, and the page that is served with it."""

import asyncio
import os
import pty
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
import segno

from stream.errors import UsageError
from stream.server.web import page, selfsigned
from tests import tiny


def test_a_certificate_is_kept_until_another_name_is_asked_for(tmp_path: Path) -> None:
    made = selfsigned.tls(tmp_path / "new", ["192.0.2.7", "localhost"])
    first = made.certificate.read_bytes()
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert selfsigned.tls(tmp_path / "new", ["localhost"]).certificate.read_bytes() == first
    assert selfsigned.tls(tmp_path / "new", ["localhost", "elsewhere"]).certificate.read_bytes() != first


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UsageError, match="no certificate can be kept"):
        selfsigned.tls(tmp_path / "file" / "tls", ["localhost"])


def test_a_page_that_was_not_built_says_how(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make web"):
        page.files(None, tmp_path)
    (tmp_path / "ort").mkdir()
    with pytest.raises(UsageError, match=r"no wire/protocol\.js: make web"):
        page.files(None, tmp_path)
    (tmp_path / "wire").mkdir()
    (tmp_path / page.WIRE).write_text("x")
    with pytest.raises(UsageError, match=r"no model\.json; accepted: .* as stream-export NAME --to onnx-int8"):
        page.files(None, tmp_path)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ("not JSON", r"cannot be read as JSON; accepted: one as stream-export"),
        ("[]", r"is no JSON object that names a file; accepted: "),
        ("{}", r"is no JSON object that names a file; accepted: "),
        ('{"file": "gestures-a0.ort"}', r"names gestures-a0\.ort; the page runs \.onnx, as stream-export NAME"),
        ('{"file": "away.onnx"}', r"names away\.onnx, which is not in "),
        ('{"file": "../ort/away.onnx"}', r"names \.\./ort/away\.onnx, which is not in "),
    ],
)
def test_a_model_that_the_page_cannot_run_is_refused_at_once(tmp_path: Path, about: str, words: str) -> None:
    for name in ("ort/away.onnx", page.WIRE, "model/model.json", "model/gestures-a0.ort"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(about)
    with pytest.raises(UsageError, match=words):
        page.files(tmp_path / "model", tmp_path)


def test_only_the_pages_own_files_are_served(tmp_path: Path) -> None:
    own = {"ort/ort.mjs", page.WIRE, "model/model.json", "model/a.onnx", "index.html"}
    for name in (*own, "model/card.toml", "wire/entry.js", "package.json", "secret.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"file": "a.onnx"}')
    assert set(page.files(None, tmp_path)) == {"", *own}


WHITE_ON_BLACK = "\x1b[97m\x1b[40m"
LAST = "The browser will warn once: this machine has signed the certificate itself.\n"


async def _get(address: str, path: str, context: ssl.SSLContext) -> tuple[int, dict[str, str]]:
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as client,
        client.get(address + path) as answer,
    ):
        found = answer.status, dict(answer.headers)
    await asyncio.sleep(0.25)  # aiohttp's advice: an encrypted line takes a moment to close
    return found


@pytest.mark.skipif(not (page.FOLDER / "ort").is_dir(), reason="the page was not built: make web")
def test_the_page_comes_encrypted_and_isolated_and_no_code_leads_a_phone_to_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAM_HOME", str(tmp_path))
    tiny.write(tmp_path, "relu6")
    model = str(tmp_path / "relu6.toml")
    command = [sys.executable, "-m", "stream.cli.serve", "--model", model, "--port", "0", "--quiet"]
    options = ["--web", "--web-port", "0", "--web-model", str(tmp_path), "--tls", "self-signed"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        said = list(iter(server.stdout.readline, LAST))
        context = ssl.create_default_context(cafile=str(tmp_path / "tls" / "self-signed.pem"))
        address = next(line for line in said if line.startswith("page at ")).split()[-1]
        status, headers = asyncio.run(_get(address, "", context))
        missing, _ = asyncio.run(_get(address, "../pyproject.toml", context))
        server.terminate()
    assert address.startswith("https://127.0.0.1:")
    assert (status, missing) == (200, 404)
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "No phone reaches this address: --host 0.0.0.0 lets one come here.\n" in said
    assert not any(set("█▀▄") & set(line) for line in said)


def test_a_phone_reads_the_address_off_a_terminal_of_any_colours() -> None:
    address, (ours, theirs) = "https://192.0.2.7:8443/", pty.openpty()
    code = f"from stream.cli._page import show; show({address!r}, is_self_signed=True)"
    subprocess.run([sys.executable, "-c", code], stdout=theirs, check=True, timeout=120)
    os.close(theirs)
    with os.fdopen(ours, "rb") as terminal:
        said = terminal.read1(2**16).decode()
    lines = [line[len(WHITE_ON_BLACK) :] for line in said.splitlines() if line.startswith(WHITE_ON_BLACK)]
    rows = [[letter in half for letter in line.split("\x1b")[0]] for line in lines for half in ("█▀", "█▄")]
    dark = [[bool(module) for module in row] for row in segno.make(address, error="l").matrix_iter(border=4)]
    assert [[not is_white for is_white in row] for row in rows[: len(dark)]] == dark
    assert (said.count("signed the certificate"), said.count("No phone reaches")) == (1, 0)


def test_another_kind_of_tls_is_refused() -> None:
    command = [sys.executable, "-m", "stream.cli.serve", "--tls", "magic"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, "accepted: self-signed" in done.stderr) == (2, True)


@pytest.mark.parametrize("flags", [["--web-port", "0"], ["--web-model", "phone"], ["--no-web-bridge"]])
def test_what_is_about_the_page_is_refused_without_it(flags: list[str]) -> None:
    command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", *flags]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, f"{flags[0]} without --web: " in done.stderr) == (2, True)
