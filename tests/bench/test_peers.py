"""A peer's file that is not one is a sentence that names the file: on the real libraries."""

from pathlib import Path

import numpy as np
import pytest

from stream import cards, rooms
from stream.bench.peers.base import check_pictures
from stream.errors import ModelError
from tests.server import live


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live.write_model(tmp_path_factory.mktemp("model"))


def build(name: str, card: Path, file: Path) -> None:
    package = {"litert": "ai_edge_litert", "openvino": "openvino", "tf-savedmodel": "tensorflow"}
    if name in package:
        pytest.importorskip(package[name], reason=f"needs the extra {name}")
    rooms.find("bench.peers", name).build(cards.load(str(card)), file, 1)


@pytest.mark.parametrize("name", rooms.names("bench.peers"))
def test_a_file_that_is_no_model_is_named_in_one_line(name: str, model: Path, tmp_path: Path) -> None:
    file = tmp_path / "picture.bin"
    for content in (None, b"\x89PNG no model"):
        if content:
            file.write_bytes(content)
        with pytest.raises(ModelError, match=f"^{file} is no model of .*'s: .+$"):
            build(name, model, file)


def test_a_graph_of_another_kind_or_side_is_named_with_what_is_accepted(model: Path) -> None:
    file = model.with_suffix(".onnx")
    with pytest.raises(
        ModelError, match=r"onnx: the graph takes \('B', 3, 32, 32\); accepted for .*: \(1, 3, 1, 32, 32\)"
    ):
        build("ort-plain", model, file)
    with pytest.raises(
        ModelError, match=r"onnx: the graph takes \(1, 3, 32, 32\); accepted for gestures-a0: \(1, 3, 80, 80\)"
    ):
        build("openvino", Path("gestures-a0"), file)


def test_shapes_are_shown_as_plain_numbers(model: Path) -> None:
    card = cards.load(str(model))
    with pytest.raises(ModelError, match=r"the graph takes \(1, 48, 48, 3\); accepted for .*: \(1, 32, 32, 3\)"):
        check_pictures(card, np.array([1, 48, 48, 3], np.int32), (1, 32, 32, 3))
    check_pictures(card, np.array([1, 32, 32, 3], np.int32), (1, 32, 32, 3))
