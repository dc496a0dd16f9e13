"""Disks that are full and pipes that are closed: one line, exit code 1, nothing half."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import disks
from tests.cli.test_watch import CLEAN, ROOT

FULL = Path("/dev/full")
COMMANDS = {
    "watch": ["watch", "{clip}", "--model", "{model}"],
    "watch in JSON": ["watch", "{clip}", "--model", "{model}", "--json"],
    "report": ["report", "{clip}", "--model", "{model}"],
    "report in JSON": ["report", "{clip}", "--model", "{model}", "--json"],
    "models": ["models", "list"],
}


def run(words: list[str], stdout: object) -> subprocess.CompletedProcess[str]:
    program, *others = words
    command = [sys.executable, "-m", f"stream.cli.{program}", *others]
    environment = {**CLEAN, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, timeout=120, check=False
    )


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_full_disk_is_one_line(words: list[str], clip: Path, model: Path) -> None:
    with FULL.open("w") as full:
        done = run([word.format(clip=clip, model=model) for word in words], full)
    errors = [line for line in done.stderr.splitlines() if not line.startswith("no event")]
    assert errors == ["error: cannot write: No space left on device"]
    assert done.returncode == 1


@pytest.mark.parametrize("flag", ["--vtt", "--activitynet", "--plot", "--save"])
def test_no_half_of_a_file_is_left(flag: str, clip: Path, model: Path, tmp_path: Path) -> None:
    name = {"--vtt": "a.vtt", "--activitynet": "a.json", "--plot": "a.png", "--save": "a.mp4"}[flag]
    with disks.small(tmp_path / "disk", "4k") as disk:
        with (disk / "ballast").open("wb", buffering=0) as ballast:
            ballast.write(bytes(4096))
        words = ["watch", str(clip), "--model", str(model), "--begin", "0.3", "--end", "0.2", flag, str(disk / name)]
        done = run(words, subprocess.DEVNULL)
        assert [path.name for path in disk.iterdir()] == ["ballast"]
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot write" in done.stderr
