"""What deploy/ promises: the unit is accepted and hardened, the image runs without rights, the health check works."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

from stream.cli.notify import notify
from tests.server import live
from tests.server.live import ROOT
from tests.test_docs import shown

UNIT = ROOT / "deploy/stream-serve.service"
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()
COMPOSE = (ROOT / "deploy/compose.yaml").read_text()
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze (Debian: systemd)")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live.write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def unit() -> dict[str, str]:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return dict(parser["Service"])


def steps(word: str) -> list[str]:
    """Return what follows an instruction of the Dockerfile's last stage."""
    last = DOCKERFILE.replace("\\\n", " ").rpartition("\nFROM ")[2]
    return re.findall(rf"^{word} +(.*)$", last, re.MULTILINE)


def flags(words: str) -> Iterator[str]:
    return (word for word in words.split() if word.startswith("--"))


@needs_systemd
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    here = UNIT.read_text().replace("/opt/stream/bin/stream-serve", shutil.which("true") or "")
    (tmp_path / "stream-serve.service").write_text(here)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "stream-serve.service")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if "stream-serve.service" in line]
    assert said == []


@needs_systemd
def test_systemd_calls_the_unit_well_confined(tmp_path: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(UNIT)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if "offline" in done.stderr and "unrecognized" in done.stderr:
        pytest.skip("this systemd-analyze reads no files")
    level = re.search(r"Overall exposure level.*?: ([\d.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    assert float(level[1]) < 2.0
    assert done.returncode == 0


def test_the_unit_waits_longer_than_the_server_drains(unit: dict[str, str]) -> None:
    assert unit["Type"] == "notify"
    assert unit["User"] not in ("", "root")
    assert float(unit["TimeoutStopSec"]) > 10 + 2, "--drain-s and the last words"
    assert unit["ExecReload"].endswith("-HUP $MAINPID")


def test_every_flag_of_unit_and_image_exists(unit: dict[str, str]) -> None:
    for words in (unit["ExecStart"], *(" ".join(json.loads(line)) for line in (*steps("ENTRYPOINT"), *steps("CMD")))):
        assert list(flags(words))
        for flag in flags(words):
            assert flag in shown("stream-serve"), flag


def test_the_image_runs_without_rights_and_writes_only_where_it_may() -> None:
    [user] = steps("USER")
    assert int(user.split(":")[0]) > 0
    assert steps("VOLUME") == ["/var/lib/stream"]
    assert steps("STOPSIGNAL") == ["SIGTERM"]
    assert "COPY . " not in DOCKERFILE.rpartition("\nFROM ")[2], "the sources stay behind"
    for line in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "stop_grace_period: 30s"):
        assert line in COMPOSE


def test_the_health_check_of_the_image_tells_a_server_that_serves_from_one_that_does_not(model: Path) -> None:
    [line] = steps("HEALTHCHECK")
    command = json.loads(line.partition("CMD ")[2])
    with live.running(model, "--http-port", "0") as server:
        port = server.http.rpartition(":")[2]
        check = [sys.executable, *(word.replace(":9090", f":{port}") for word in command[1:])]
        assert subprocess.run(check, check=False, capture_output=True, timeout=60).returncode == 0
    assert subprocess.run(check, check=False, capture_output=True, timeout=60).returncode != 0


def test_a_server_that_systemd_started_says_when_it_is_ready(model: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(0.05)
        with live.running(model, NOTIFY_SOCKET=str(tmp_path / "notify")):
            systemd.settimeout(20)
            assert systemd.recv(100) == b"READY=1"


def test_nobody_is_told_where_nobody_asked_or_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "@nobody-is-here")
    notify("READY=1")


def test_a_server_under_the_limits_of_the_unit_starts_and_drains(model: Path, unit: dict[str, str]) -> None:
    files, tasks = int(unit["LimitNOFILE"]), int(unit["TasksMax"])
    with live.running(model) as server:
        held = Path(f"/proc/{server.process.pid}")
        if not held.exists():
            pytest.skip("a process is looked at through /proc")
        assert len(list((held / "fd").iterdir())) < files / 10
        assert len(list((held / "task").iterdir())) < tasks / 4
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0


def test_the_composition_comes_up_with_what_lies_beside_it(tmp_path: Path) -> None:
    words = json.loads(re.findall(r"^ +command: (.*)$", COMPOSE, re.MULTILINE)[0])
    here = [word.replace("/etc/stream", str(ROOT / "deploy" / "stream")) for word in words]
    [entry] = steps("ENTRYPOINT")
    first = [word.replace("9090", "0") for word in json.loads(entry)[1:]]
    command = [sys.executable, "-m", "stream.cli.serve", *first, "--port", "0", *here]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout
        try:
            assert process.stdout.readline().startswith("listening on 0.0.0.0:")
            assert process.stderr
            assert any("demo: live" in line for line in process.stderr), "its source comes up"
        finally:
            process.terminate()
            process.communicate(timeout=60)
    published = re.findall(r'"127\.0\.0\.1:(\d+):\1"', COMPOSE)
    assert published == ["50051", "9090"], "without TLS nobody else is let in"


def test_the_image_is_well_written() -> None:
    if not (hadolint := shutil.which("hadolint")):
        pytest.skip("needs hadolint")
    done = subprocess.run([hadolint, ROOT / "deploy" / "Dockerfile"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
