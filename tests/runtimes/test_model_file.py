"""What engines that read a whole graph refuse, and that they need nothing of what makes one."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from stream import rooms
from stream.cards import Card
from stream.errors import ModelError
from stream.runtimes.base import Runtime
from tests import tiny

Build = Callable[[Card], Runtime]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Card:
    return tiny.write(tmp_path_factory.mktemp("models"), "relu6")


@pytest.fixture(params=("onnxruntime", pytest.param("openvino", marks=pytest.mark.openvino)))
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def build(engine: str) -> Build:
    made: Build = rooms.find("runtimes", engine).build
    return made


def with_file(card: Card, content: bytes, folder: Path) -> Card:
    (folder / "model.onnx").write_bytes(content)
    return replace(card, weights="model.onnx", sha256=hashlib.sha256(content).hexdigest(), path=folder / "model.toml")


def test_a_card_that_says_otherwise_than_its_file_is_refused_with_both_values(build: Build, card: Card) -> None:
    for changes, words in (
        ({"side_px": 64}, "side_px is 64, .* for 32"),
        ({"gate": "clip"}, "gate is 'clip', .* for 'relu6'"),
        ({"labels": ("one", "two")}, r"labels is 2 labels .* for 5 labels"),
        ({"variant": "a0"}, "variant is 'a0', .* for 't0'"),
    ):
        with pytest.raises(ModelError, match=words):
            build(replace(card, **changes))


def test_a_setting_that_is_not_built_into_the_file_may_change(build: Build, card: Card) -> None:
    assert build(replace(card, memory_s=3.0, fps=10.0, background=("one",))).card.memory_s == 3.0


def test_a_file_that_is_no_model_is_refused(build: Build, card: Card, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not an ONNX file"):
        build(with_file(card, b"no model", tmp_path))


def test_a_file_that_was_changed_is_refused_before_it_is_loaded(build: Build, card: Card, tmp_path: Path) -> None:
    changed = with_file(card, card.read_weights(), tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"something else")
    with pytest.raises(ModelError, match=r"SHA-256.*refused"):
        build(changed)


def test_a_file_of_another_format_is_refused(build: Build, card: Card, tmp_path: Path) -> None:
    model = onnx.load_from_string(card.read_weights())
    onnx.helper.set_model_props(model, {"format": "99"})
    with pytest.raises(ModelError, match="says format '99'; this version reads '1'"):
        build(with_file(card, model.SerializeToString(), tmp_path))


def test_a_file_that_lacks_an_output_is_refused_by_the_name_of_it(build: Build, card: Card, tmp_path: Path) -> None:
    model = onnx.load_from_string(card.read_weights())
    kept = [output for output in model.graph.output if output.name != "next_head_pool_buffer"]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    with pytest.raises(ModelError, match="'next_head_pool_buffer' of its model file is None, not"):
        build(with_file(card, model.SerializeToString(), tmp_path))


def test_it_needs_neither_torch_nor_onnx(engine: str, card: Card) -> None:
    program = f"""
import sys
sys.modules["torch"] = sys.modules["onnx"] = None
from stream import cards
from stream.runtimes.{engine} import build
build(cards.load({str(card.path)!r})).init_state()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
