"""The loops of docs/phone.md, as they stand there, say what PyTorch says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from stream.exporters import publish
from tests import tiny

ROOT = Path(__file__).parents[2]


def loop(language: str) -> str:
    """Return the block of that language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs" / "phone.md").read_text("utf-8"), re.M | re.S)
    return str(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    card = tiny.card("clip")
    publish(tiny.net(card), card, path := tmp_path_factory.mktemp("phone"), "onnx-fp16")
    return path


@pytest.fixture(scope="module")
def pictures() -> bytes:
    return np.random.default_rng(0).integers(0, 256, (12, 33, 33, 3), np.uint8).tobytes()


def said(pictures: bytes) -> list[tuple[str, float]]:
    """Return what the net says of every picture of a stream."""
    card = tiny.card("clip")
    net = tiny.net(card)
    clip = torch.from_numpy(np.frombuffer(pictures, np.uint8).reshape(1, -1, 33, 33, 3).copy()).permute(0, 4, 1, 2, 3)
    with torch.no_grad():
        logits, _ = net.frames(clip / 255, net.init_state(), card.decay)
    return [(card.labels[int(row.argmax())], float(row.max())) for row in logits[0].softmax(1)]


def check(output: str, pictures: bytes) -> None:
    found = [line.rsplit(" ", 1) for line in output.splitlines()]
    expected = said(pictures)
    assert [label for label, _ in found] == [label for label, _ in expected]
    assert [float(value) for _, value in found] == pytest.approx([value for _, value in expected], abs=5e-3)


def test_the_python_loop(folder: Path, pictures: bytes, tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(loop("python"))
    command = [sys.executable, str(tmp_path / "loop.py"), str(folder)]
    check(subprocess.run(command, input=pictures, capture_output=True, check=True).stdout.decode(), pictures)


def test_the_javascript_loop(folder: Path, pictures: bytes, tmp_path: Path) -> None:
    node, package = shutil.which("node"), ROOT / "web" / "node_modules" / "onnxruntime-node"
    if node is None or not package.is_dir():
        pytest.skip("needs node and what `make web` installs")
    (tmp_path / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    (tmp_path / "loop.mjs").write_text(loop("js"))
    command = [node, "loop.mjs", str(folder)]
    done = subprocess.run(command, input=pictures, capture_output=True, check=True, cwd=tmp_path)
    check(done.stdout.decode(), pictures)


@pytest.mark.parametrize("language", ["python", "js", "kotlin", "swift"])
def test_a_loop_is_about_twenty_lines(language: str) -> None:
    lines = [line for line in loop(language).splitlines() if line.strip()]
    assert len(lines) <= 26
