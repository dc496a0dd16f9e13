"""The borders of the process: signals, logs, HTTP, configuration that is odd, files that vanish, who is phoned."""

import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from stream.server.access import clients
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.reliability.watcher import configure
from tests.server import live
from tests.server.live import ROOT, Server, config, film, jpegs, wait_for

Say = Callable[[str], None]
GESTURES = "synthetic://gestures?seconds=inf&size=32x24&fps=10&realtime=1"
SOURCE = f'[source.a]\nuri = "{GESTURES}"\n'


def get(server: Server, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    asked = urllib.request.Request(server.http + path, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def names(server: Server, token: str = "") -> list[str]:
    shown = (("authorization", f"Bearer {token}"),) if token else ()
    with server.channel() as channel:
        stub = rpc.RecognitionServiceStub(channel)
        return [one.name for one in stub.ListSources(pb.ListSourcesRequest(), metadata=shown, timeout=20).sources]


@pytest.mark.parametrize("text", ["uri = 'http://[::1/x'", "x = " + "[" * 5000, "x = " + "9" * 5000, "a = 1e308"])
def test_whatever_a_file_says_tokens_that_are_taken_away_end(model: Path, tmp_path: Path, text: str) -> None:
    tokens = tmp_path / "tokens.toml"
    token = clients.add_token("kiosk", tokens)
    with live.running(model, *configure(tmp_path, SOURCE), "--tokens", str(tokens)) as server:
        assert names(server, token) == ["a"]
        configure(tmp_path, f"[source.a]\n{text}\n")
        wait_for(lambda: any("stays as it was" in line for line in server.log))
        tokens.write_text("")
        server.process.send_signal(signal.SIGHUP)

        def is_out() -> bool:
            try:
                names(server, token)
            except grpc.RpcError as error:
                return error.code() is grpc.StatusCode.UNAUTHENTICATED
            return False

        wait_for(is_out)
        said = next(line for line in server.log if "stays as it was" in line)
        assert re.search(r"stream\.toml:\d+: ", said), said


def test_what_is_saved_while_files_are_read_is_read_next(model: Path, tmp_path: Path, say: Say) -> None:
    with socket.socket() as deaf:  # takes connections, and never answers: the output's end takes its two seconds
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(50)
        hook = f'[output.x]\nkind = "webhook"\nurl = "http://127.0.0.1:{deaf.getsockname()[1]}/"\ntell = ["labels"]\n'
        with live.running(model, *configure(tmp_path, SOURCE + hook)) as server:
            time.sleep(2)
            configure(tmp_path, SOURCE + hook + "max_waiting = 9\n")
            time.sleep(2.6)  # it is being read, or has just been
            configure(tmp_path, SOURCE.replace("source.a", "source.b"))
            began_s = time.monotonic()
            wait_for(lambda: names(server) == ["b"], 20)
            say(f"the second edit was done {time.monotonic() - began_s:.1f} s after it was saved")


def test_no_secret_of_an_output_is_in_the_log_or_in_an_error(model: Path, tmp_path: Path) -> None:
    cases = {
        "url": ["http://user:S3CRET@h/x", "http://h/S3CRET /x", "http://h:S3CRET/x", "http://u:S3CRET@ex\u2100mple/x"],
        "token": ["S3CRET\\n# rotated in May", "S3CRET\u00e9"],
    }
    for key, values in cases.items():
        for value in values:
            (tmp_path / "secret").write_text(value.replace("\\n", "\n"), "utf-8")
            url = "" if key == "url" else 'url = "http://127.0.0.1:1/"\n'
            text = f'{SOURCE}[output.x]\nkind = "webhook"\n{url}{key}_file = "secret"\n'
            command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--model", str(model)]
            ended = subprocess.run(
                [*command, *configure(tmp_path, text)],
                capture_output=True,
                text=True,
                cwd=ROOT,
                timeout=120,
                check=False,
            )
            assert ended.returncode == 2, ended.stderr
            assert "S3CRET" not in ended.stderr + ended.stdout
            assert "Traceback" not in ended.stderr
            assert re.search(r"stream\.toml:\d: output\.x", ended.stderr.replace("\n", "")), ended.stderr


@contextlib.contextmanager
def dripping() -> Iterator[int]:
    """Answer a byte a second, for ever; give the port."""
    with socket.socket() as ear:
        ear.bind(("127.0.0.1", 0))
        ear.listen(5)

        def one(line: socket.socket) -> None:
            with contextlib.suppress(OSError), line:
                line.recv(65536)
                line.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while True:
                    line.sendall(b"a")
                    time.sleep(0.3)

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=one, args=(ear.accept()[0],), daemon=True).start()

        threading.Thread(target=take, daemon=True).start()
        yield ear.getsockname()[1]


def test_a_receiver_that_drips_is_told_as_failing(model: Path, tmp_path: Path) -> None:
    with dripping() as port:
        hook = f'[output.x]\nkind = "webhook"\nurl = "http://127.0.0.1:{port}/"\ntimeout_s = 2\ntell = ["labels"]\n'
        with live.running(model, *configure(tmp_path, SOURCE + hook), "--http-port", "0") as server:
            wait_for(lambda: get(server, "/readyz")[2].startswith("degraded: output x fails since"), 30)
            assert any("did not answer within 2 s" in line for line in server.log)


def test_a_reader_of_the_log_that_stalls_stops_nobody(model: Path, say: Say) -> None:
    command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--model", str(model), "--log-json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        assert process.stdout and process.stderr
        try:
            server = Server(process, process.stdout.readline().split()[-1], [])
            slowest_s = 0.0
            with server.channel() as channel:
                stub = rpc.RecognitionServiceStub(channel)
                for _ in range(1500):  # two lines each: more than a pipe holds
                    began_s = time.monotonic()
                    assert len(list(stub.Recognize(iter([config()]), timeout=60))) == 2
                    slowest_s = max(slowest_s, time.monotonic() - began_s)
            log: list[str] = []
            reader = threading.Thread(target=lambda: log.extend(process.stderr or ()), daemon=True)
            reader.start()
            wait_for(lambda: any("lines of the log were lost" in line for line in log))
        finally:
            process.terminate()
            assert process.wait(20) == 0
            reader.join(5)
    lost = next(re.findall(r"(\d+) lines of the log were lost", line)[0] for line in log if "were lost" in line)
    assert all(line.startswith("{") for line in log)
    say(f"1500 streams with nobody reading the log, {slowest_s * 1e3:.0f} ms at most; {lost} lines lost, and counted")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_signals_while_models_load_are_taken(model: Path, number: signal.Signals) -> None:
    script = f"""
import os, signal, sys, threading, time
from stream import recogniser
import stream.cli.serve as command
load = recogniser.load
def slow(*arguments):
    os.kill(os.getpid(), {int(number)})
    time.sleep(3)
    return load(*arguments)
command.load = slow
sys.argv = ["stream-serve", "--port", "0", "--model", {str(model)!r}]
command.main()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout and process.stderr
        line = process.stdout.readline()
        if number is signal.SIGHUP:
            assert line.startswith("listening on "), "it went on"
            process.terminate()
        else:
            assert not line, "it never took streams"
        assert process.wait(20) == 0, process.stderr.read()
        assert "Traceback" not in process.stderr.read()


def test_on_loopback_a_name_of_somebody_elses_reads_nothing_and_no_page_may_use_an_answer(model: Path) -> None:
    with live.running(model, "--http-port", "0") as server:
        for path in ("/metrics", "/healthz", "/readyz", "/sources", "/nothing"):
            for host in ("evil.example", f"evil.example:{server.http.rpartition(':')[2]}", "127.0.0.1.evil.example"):
                status, headers, _ = get(server, path, Host=host)
                assert status in (404, 421)
                assert status == 421 or path == "/nothing"
                assert headers["X-Content-Type-Options"] == "nosniff"
                assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert get(server, path)[1]["Cross-Origin-Resource-Policy"] == "same-origin"
        assert get(server, "/metrics")[0] == 200


def test_names_from_clients_are_cut_in_statuses_and_in_the_log(model: Path) -> None:
    long = "\x1b[31m" + "é" * 100_000
    with live.running(model) as server, server.channel() as channel:
        stub = rpc.RecognitionServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.Recognize(iter([config(model=long)]), timeout=20))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert len(caught.value.details().encode()) < 2048
        assert "\x1b" not in caught.value.details()
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.Recognize(iter([config(allow=["x" * 40_000])]), timeout=20))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.RpcError, match="allow has 3000 names; accepted: 5") as caught:
            list(stub.Recognize(iter([config(allow=["ash"] * 3000)]), timeout=20))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert len(server.talk([config(), *film(jpegs(2))])) == 4
        assert max(map(len, server.log)) < 5000
        assert not any("\x1b" in line for line in server.log)


def test_a_file_of_lines_that_is_removed_is_begun_again_and_a_damaged_spool_set_aside(
    model: Path, tmp_path: Path
) -> None:
    outputs = (
        '[output.l]\nkind = "jsonl"\npath = "l.jsonl"\n[output.x]\nkind = "webhook"\nurl = "http://127.0.0.1:9/"\n'
    )
    spool = tmp_path / "x.spool"
    with contextlib.closing(sqlite3.connect(spool)) as base, base:
        base.execute("CREATE TABLE waiting (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, body TEXT)")
        base.executemany("INSERT INTO waiting (id, body) VALUES (?, ?)", [(f"r{n}", "x" * 400) for n in range(200)])
    data = bytearray(spool.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8192] = b"\xff" * 8192
    spool.write_bytes(data)
    with live.running(model, *configure(tmp_path, SOURCE + outputs)) as server:
        lines = tmp_path / "l.jsonl"
        wait_for(lambda: lines.exists() and lines.stat().st_size > 0)
        lines.unlink()
        wait_for(lambda: lines.exists() and lines.stat().st_size > 0)
        wait_for(lambda: any("is damaged; it is now x.spool.damaged-" in line for line in server.log))
        assert list(tmp_path.glob("x.spool.damaged-*"))
        assert spool.read_bytes() != data


def test_nothing_phones_home(tmp_path: Path) -> None:
    if not (compiler := shutil.which("cc")):
        pytest.skip("a resolver that counts is compiled: no cc here (Debian: gcc)")
    library, asked = tmp_path / "lookups.so", tmp_path / "lookups"
    source = Path(__file__).with_name("lookups.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_", "STREAM_"))
    }
    environment |= {"HOME": str(tmp_path / "home"), "LD_PRELOAD": str(library), "LOOKUPS": str(asked)}
    (tmp_path / "home").mkdir()
    script = (
        "import socket, time, stream, numpy as np\n"
        "try: socket.getaddrinfo('counted.invalid', 1)\n"
        "except OSError: pass\n"
        "from stream import exporters\n"
        "from stream.exporters import _onnxfile\n"
        "r = stream.load('gestures-a0', 'onnxruntime')\n"
        "r.step(np.zeros((1, 3, 1, 80, 80), np.float32), r.init_state())\n"
        "time.sleep(2)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, cwd=ROOT, timeout=120)
    assert asked.read_text().split() == ["counted.invalid"], "the counter counts, and nothing else was looked up"
    written = [path for path in (tmp_path / "home").rglob("*") if path.is_file() and "fontconfig" not in str(path)]
    assert not written
