"""A wheel that is built after `make web` serves the page; one that is built before says what to do."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from stream.server.web import page

ROOT = Path(__file__).parents[2]
SERVE = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--web", "--web-port", "0", "--quiet"]

pytestmark = [
    pytest.mark.skipif(not all((page.FOLDER / name).exists() for name in ("ort", page.WIRE)), reason="no make web yet"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip puts into an environment."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"STREAM_FUSED": "off"}, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def test_it_serves_the_page_from_where_it_is_installed(installed: Path) -> None:
    elsewhere = {"cwd": installed, "env": os.environ | {"PYTHONPATH": str(installed)}}
    with subprocess.Popen(SERVE, stdout=subprocess.PIPE, text=True, **elsewhere) as process:
        assert process.stdout
        address = next(line for line in process.stdout if line.startswith("page at ")).split()[-1]
        for name, file in page.files(None, installed / "stream" / "web").items():
            with urllib.request.urlopen(address + name) as answer:
                assert len(answer.read()) == file.stat().st_size, name
        process.send_signal(signal.SIGTERM)


def test_without_the_page_it_says_what_to_do(installed: Path, tmp_path: Path) -> None:
    bare = tmp_path / "site"
    shutil.copytree(installed, bare, ignore=lambda folder, _: ["web"] if folder.endswith("/site/stream") else [])
    environment = os.environ | {"PYTHONPATH": str(bare)}
    done = subprocess.run(SERVE, cwd=bare, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "make web" in done.stderr
    assert "Traceback" not in done.stderr
