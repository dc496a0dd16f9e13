"""What the distribution carries: the sdist can make the wheel and run its Makefile, the wheel has the protocol."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OFF = os.environ | {"STREAM_FUSED": "off"}


def built(kind: str, source: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    done = subprocess.run(command, cwd=source, env=OFF, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [made] = folder.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return made


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist of a checkout in which the page has been made, as far as the packing goes."""
    folder, source = tmp_path_factory.mktemp("sdist"), tmp_path_factory.mktemp("source")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=False, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no checkout")
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    for name in ("ort/ort.wasm", "wire/protocol.js", "model/model.json"):
        (source / "web" / name).parent.mkdir(exist_ok=True)
        (source / "web" / name).write_text("made by make web")
    with tarfile.open(built("sdist", source, folder)) as archive:
        archive.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def test_the_sdist_has_what_its_makefile_names(unpacked: Path) -> None:
    recipes = (unpacked / "Makefile").read_text()
    named = set(
        re.findall(
            r"(?:constraints[\w-]*\.txt|pyproject\.toml|hatch_build\.py|web/package\.json|web/wire/entry\.js)", recipes
        )
    )
    assert len(named) >= 5
    assert not [name for name in named if not (unpacked / name).is_file()]
    for name in ("deploy/compose.yaml", "buf.yaml", "CONTRIBUTING.md", "tests/conftest.py", "native/fused.cpp"):
        assert (unpacked / name).is_file(), name


def test_a_wheel_made_of_the_sdist_has_the_page_and_the_protocol(unpacked: Path, tmp_path: Path) -> None:
    names = set(zipfile.ZipFile(built("wheel", unpacked, tmp_path)).namelist())
    assert {"stream/web/ort/ort.wasm", "stream/web/wire/protocol.js", "stream/web/model/model.json"} <= names
    assert {
        "stream/web/index.html",
        "stream/protos/stream/v1/recognition.proto",
        "stream/models/gestures-a0.toml",
    } <= names
