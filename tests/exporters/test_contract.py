"""What every export target must do."""

from pathlib import Path

import pytest

from stream import cards, rooms
from stream.errors import ExportError, ModelError, UnknownPart
from stream.exporters import publish
from tests import tiny
from tests.exporters.examples import EXAMPLES


@pytest.fixture(params=rooms.names("exporters"))
def target(request: pytest.FixtureRequest) -> str:
    assert request.param in EXAMPLES, f"tests/exporters/examples.py has no example for {request.param!r}"
    return str(request.param)


@pytest.mark.parametrize("name", sorted(tiny.CARDS))
def test_what_is_written_computes_the_same_over_a_run_of_frames(target: str, name: str, tmp_path: Path) -> None:
    card = tiny.card(name)
    difference = rooms.find("exporters", target).export(tiny.net(card), card, tmp_path / "new" / "model")
    print(f"{target} {name}: largest difference of the logits {difference:.2e}")  # noqa: T201  # shown with -s
    assert 0 <= difference <= EXAMPLES[target]
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["model"]


def test_the_same_net_gives_the_same_bytes(target: str, tmp_path: Path) -> None:
    card = tiny.card("relu6")
    for name in ("first", "second"):
        rooms.find("exporters", target).export(tiny.net(card), card, tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_base_net_is_refused_because_it_has_no_state(target: str, tmp_path: Path) -> None:
    card = tiny.card("relu6", kind="base")
    with pytest.raises(ExportError, match="no state to step"):
        rooms.find("exporters", target).export(tiny.net(card), card, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_net_of_another_card_is_refused(target: str, tmp_path: Path) -> None:
    net = tiny.net(tiny.card("relu6"))
    with pytest.raises(ModelError, match=r"side_px is 64, .* 32"):
        rooms.find("exporters", target).export(net, tiny.card("relu6", side_px=64), tmp_path / "model")


def test_publish_leaves_a_card_that_loads_and_whose_file_is_whole(target: str, tmp_path: Path) -> None:
    card = tiny.card("clip", measured={"accuracy": {"value": 0.9, "command": 'say "é"'}}, background=("one",))
    written, difference = publish(tiny.net(card), card, tmp_path, target)
    loaded = cards.load(str(tmp_path / "clip.toml"))
    assert loaded == written
    assert (loaded.measured, loaded.memory_s, loaded.background) == (card.measured, card.memory_s, card.background)
    assert loaded.read_weights() == (tmp_path / f"clip.{target}").read_bytes()
    assert difference <= EXAMPLES[target]


def test_publish_refuses_an_unknown_target_and_a_name_that_leaves_the_folder(tmp_path: Path) -> None:
    card = tiny.card("relu6")
    with pytest.raises(UnknownPart, match=r"no export target named 'abacus'; known: .*onnx"):
        publish(tiny.net(card), card, tmp_path, "abacus")
    with pytest.raises(ExportError, match="cannot name a file"):
        publish(tiny.net(card), tiny.card("relu6", name="../model"), tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(target: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    card = tiny.card("relu6")
    with pytest.raises(ExportError, match="cannot write"):
        rooms.find("exporters", target).export(tiny.net(card), card, tmp_path / "file" / "model")
