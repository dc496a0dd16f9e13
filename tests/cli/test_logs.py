"""What a server that others run writes to its log."""

import json
import socket
from pathlib import Path

import pytest

from tests.reliability.certificates import Authority
from tests.server import live


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live.write_model(tmp_path_factory.mktemp("model"))


def test_every_line_is_an_object_whoever_knocks_and_names_its_stream_and_stage(model: Path, tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path, "ours").sign("server", "DNS:localhost")
    (tmp_path / "stream.toml").write_text('[source.away]\nuri = "rtsp://127.0.0.1:1/cam"\n')
    flags = ["--tls-cert", str(certificate), "--tls-key", str(key), "--config", str(tmp_path / "stream.toml")]
    with live.running(model, "--log-json", *flags) as server:
        live.wait_for(lambda: any("tried again" in line for line in server.log))
        host, _, port = server.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as stranger:  # who speaks no TLS
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert stranger.recv(100) == b""
    said = [json.loads(line) for line in server.log]
    assert {tuple(row)[:6] for row in said} == {("time", "level", "logger", "stream", "stage", "message")}
    assert {(row["stream"], row["stage"]) for row in said if "tried again" in row["message"]} == {("away", "source")}
    assert {row["stage"] for row in said} <= {None, "source", "decode", "preprocess", "step", "smooth", "event", "sink"}
