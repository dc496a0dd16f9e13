"""Disks that fill under a server: its log and its outputs wait, its streams go on."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import grpc

from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests import disks
from tests.reliability.watcher import configure
from tests.server.live import ROOT, config, film, jpegs, updates, wait_for

Say = Callable[[str], None]
TIME = re.compile(r"since (\S+Z)")
CONFIG = """
[source.door]
uri = "synthetic://gestures?seconds=inf&size=32x24&fps=10"
realtime = true

[output.log]
kind = "jsonl"
path = "{disk}/labels.jsonl"

[output.hook]
kind = "webhook"
url = "http://127.0.0.1:1/nobody"
spool = "{disk}/hook.spool"
tell = ["labels"]
"""


def metric(address: str, name: str) -> float:
    with urlopen(f"http://{address}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def readiness(address: str) -> tuple[int, str]:
    with urlopen(f"http://{address}/readyz", timeout=10) as answer:
        return answer.status, answer.read().decode()


def update_count(address: str) -> int:
    with grpc.insecure_channel(address) as channel:
        sources = rpc.RecognitionServiceStub(channel).ListSources(pb.ListSourcesRequest(), timeout=10).sources
    return sources[0].update_count


def test_log_and_outputs_on_a_full_disk_hurt_no_stream(model: Path, tmp_path: Path, say: Say) -> None:
    with disks.small(tmp_path / "disk", "256k") as disk:
        flags = configure(tmp_path, CONFIG.format(disk=disk))
        command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--model", str(model), *flags]
        with (
            (disk / "server.log").open("wb") as log,
            subprocess.Popen(
                [*command, "--http-port", "0"], stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT
            ) as process,
        ):
            assert process.stdout
            began = datetime.now(UTC).replace(microsecond=0)
            address, http = (process.stdout.readline().split()[-1] for _ in range(2))
            http = http.removeprefix("http://")
            with (disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
                while ballast.write(bytes(1024)):
                    pass
            for name in ("log", "hook"):
                wait_for(lambda name=name: metric(http, f'stream_output_failing{{output="{name}"}}') == 1, 60)
            wait_for(lambda: all(f"output {name} fails since" in readiness(http)[1] for name in ("log", "hook")))
            status, degraded = readiness(http)
            assert (status, degraded.split()[0]) == (200, "degraded:"), "streams are taken all the same"
            assert all(began <= datetime.fromisoformat(at) <= datetime.now(UTC) for at in TIME.findall(degraded))
            with grpc.insecure_channel(address) as channel:
                stub = rpc.RecognitionServiceStub(channel)
                for _ in range(20):
                    replies = list(stub.Recognize(iter([config(), *film(jpegs(10))]), timeout=60))
                    assert len(updates(replies)) == 10
            before = update_count(address)
            wait_for(lambda: update_count(address) > before + 10)
            (disk / "ballast").unlink()
            wait_for(lambda: metric(http, 'stream_output_failing{output="log"}') == 0, 30)
            wait_for(lambda: readiness(http)[1].startswith("degraded: output hook fails"))
            told = update_count(address)
            process.terminate()
            assert process.wait(30) == 0
        rows = [json.loads(line) for line in (disk / "labels.jsonl").read_text().splitlines()]
        with closing(sqlite3.connect(disk / "hook.spool")) as spool:
            kept = [json.loads(body) for (body,) in spool.execute("SELECT body FROM waiting ORDER BY number")]
    offsets = [row["offset_s"] for row in rows if row["kind"] == "update"]
    assert offsets == [row["offset_s"] for row in kept], "what waited was written when there was room, in both"
    assert offsets == sorted(set(offsets))
    assert len(offsets) >= told
    words = f"{len(rows)} whole lines and {len(kept)} rows in the spool, none missing"
    say(f"20 streams went on; {words}; {degraded.strip()}")
