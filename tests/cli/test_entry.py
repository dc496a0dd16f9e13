"""Every console script, as it is installed: Ctrl-C is quiet from the first import on."""

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")

SCRIPTS = sorted(
    script.name for script in metadata.entry_points(group="console_scripts") if script.value.startswith("stream.cli")
)
WORK = {
    "stream-bench": ["step", "gestures-a0"],
    "stream-eval": ["gestures-a0"],
    "stream-export": ["gestures-a0"],
    "stream-models": ["verify", "gestures-a0"],
    "stream-report": ["synthetic://gestures?seconds=100000"],
    "stream-serve": ["--port", "0"],
    "stream-train": ["gestures"],
    "stream-watch": ["synthetic://gestures", "--realtime"],
}
"""What to ask of each: work that takes longer than any test waits."""


@contextmanager
def started(script: str, folder: Path, *runner: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a script that says each import on stderr when it is done; end it with the block."""
    path = Path(sysconfig.get_path("scripts")) / script
    words = [*runner, sys.executable, "-X", "importtime", str(path), *WORK[script]]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        try:
            yield process
        finally:
            process.kill()


def imported(process: "subprocess.Popen[str]", module: str) -> bool:
    """Wait until a module has been imported; False where the program ended before."""
    assert process.stderr
    return any(line.rpartition("|")[2].strip() == module for line in process.stderr)


def test_every_script_is_tried() -> None:
    assert list(WORK) == SCRIPTS


@pytest.mark.parametrize(
    ("script", "moment"),
    [*((script, "stream.errors") for script in SCRIPTS), ("stream-watch", "dataclasses"), ("stream-watch", "numpy")],
)
def test_ctrl_c_while_a_script_still_imports_ends_it_quietly_with_130(script: str, moment: str, tmp_path: Path) -> None:
    with started(script, tmp_path) as process:
        assert imported(process, moment)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert [line for line in said.splitlines() if not line.startswith("import time:")] == []


def test_a_script_that_was_told_to_ignore_ctrl_c_goes_on(tmp_path: Path) -> None:
    with started("stream-watch", tmp_path, "sh", "-c", 'trap "" INT; exec "$@"', "sh") as process:
        assert imported(process, "stream.errors")
        process.send_signal(signal.SIGINT)
        assert imported(process, "stream.sources.base"), "one of the last"


def test_ctrl_c_while_python_takes_itself_down_ends_it_on_the_spot() -> None:
    code = (
        "import signal, sys\nfrom stream.cli import entry\nsys.argv = ['stream-models', 'list', '--json']\n"
        "try:\n    entry.start('models')\nexcept SystemExit:\n    pass\n"
        "print(signal.getsignal(signal.SIGINT) is entry.leave)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines()[-1] == "True"
