"""stream-export from a card to a card that loads."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream import cards
from stream.cli.export import main
from tests import tiny


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny.write(folder, "relu6")
    return folder / "relu6.toml"


def test_an_exported_model_is_exported_again_to_the_same_bytes(source: Path, tmp_path: Path) -> None:
    found = CliRunner().invoke(main, [str(source), "--to", "onnx", "--out", str(tmp_path / "new"), "--json"])
    assert found.exit_code == 0, found.stderr
    result = json.loads(found.stdout)
    assert Path(result["file"]).read_bytes() == source.with_suffix(".onnx").read_bytes()
    assert result["bytes"] == Path(result["file"]).stat().st_size
    assert result["difference"] <= 1e-4
    assert cards.load(result["card"]) == cards.load(str(source))


def test_it_says_where_the_files_are_and_how_far_they_are_from_pytorch(source: Path, tmp_path: Path) -> None:
    found = CliRunner().invoke(main, [str(source), "--out", str(tmp_path)])
    assert found.exit_code == 0, found.stderr
    assert f"{tmp_path / 'relu6.onnx'}  " in found.stdout
    assert "over 50 random frames and 50 of bikes.mp4: " in found.stdout
    assert "(bound 0.0001; of their size where that is above 1)" in found.stdout
    assert "the same first label on 100% of the footage (bound 100%)" in found.stdout


def test_a_phone_file_is_not_exported_again(source: Path, tmp_path: Path) -> None:
    made = CliRunner().invoke(main, [str(source), "--to", "onnx-int8", "--out", str(tmp_path)])
    assert made.exit_code == 0, made.stderr
    found = CliRunner().invoke(main, [str(tmp_path / "relu6.toml"), "--out", str(tmp_path / "new")])
    assert found.exit_code == 1
    words = " ".join(found.stderr.split())
    assert "relu6.toml is the card of a phone file, its constants folded into each other" in words
    assert "accepted: the card that it was made from" in words


def test_weights_of_a_file_take_the_place_of_the_cards(source: Path, tmp_path: Path) -> None:
    (tmp_path / "bare.toml").write_text(cards.dump(tiny.card("relu6", name="bare")))
    without = CliRunner().invoke(main, [str(tmp_path / "bare.toml"), "--out", str(tmp_path)])
    assert (without.exit_code, "names no weights file" in without.stderr) == (1, True)
    weights = ["--weights", str(source.with_suffix(".onnx"))]
    found = CliRunner().invoke(main, [str(tmp_path / "bare.toml"), "--out", str(tmp_path / "new"), *weights])
    assert found.exit_code == 0, found.stderr
    assert cards.load(str(tmp_path / "new" / "bare.toml")).read_weights()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nobody"], "no model named 'nobody'"), (["{source}", "--to", "abacus"], "no export target named 'abacus'")],
)
def test_what_is_unknown_ends_with_two_and_the_known_names(source: Path, arguments: list[str], words: str) -> None:
    found = CliRunner().invoke(main, [argument.format(source=source) for argument in arguments])
    assert found.exit_code == 2
    assert words in found.stderr
    assert "known: " in found.stderr
    assert found.stdout == ""
