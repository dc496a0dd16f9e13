"""Where nobody names an engine, the fastest that can run the model does; a named one is taken or refused."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stream import engines
from stream.cards import Card
from stream.errors import NotBuilt, UnknownPart
from stream.recogniser import load
from stream.runtimes import _fused_library as native
from tests import tiny, toy

built = pytest.mark.skipif(not native.LIBRARY.exists(), reason="the fused engine was not built: no C++ compiler")


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Card:
    return tiny.write(tmp_path_factory.mktemp("models"), "relu6")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An install without the library."""
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "none.so")
    native.library.cache_clear()
    yield
    native.library.cache_clear()


@built
def test_a_file_for_phones_runs_in_onnx_runtime(card: Card) -> None:
    assert engines.choose(replace(card, is_folded=True)) == "onnxruntime"


@built
def test_a_movinet_stream_runs_in_the_fused_engine(card: Card) -> None:
    assert engines.choose(card) == "fused"
    assert load(str(card.path)).runtime.name == f"fused {native.levels()[0]}"
    assert load(str(card.path), "auto").runtime.name.startswith("fused ")


def test_what_the_fused_engine_is_not_made_for_runs_in_onnx_runtime(card: Card) -> None:
    for other in (toy.CARD, replace(card, kind="base"), replace(card, variant="a9")):
        assert engines.choose(other) == "onnxruntime", other
    assert engines.choose(card, threads=2) == "onnxruntime"
    assert load(str(card.path), threads=2).runtime.name.startswith("onnxruntime ")


@pytest.mark.usefixtures("bare")
def test_without_the_library_onnx_runtime_goes_on_without_a_word(
    card: Card, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    assert load(str(card.path)).runtime.name.startswith("onnxruntime ")
    assert (caplog.records, *capfd.readouterr()) == ([], "", "")


@pytest.mark.usefixtures("bare")
def test_an_engine_that_is_named_is_never_replaced(card: Card) -> None:
    with pytest.raises(NotBuilt, match="'fused' cannot run"):
        load(str(card.path), "fused")
    assert load(str(card.path), "torch").runtime.name.startswith("torch ")


def test_a_name_that_no_engine_has_is_refused_with_those_there_are(card: Card) -> None:
    with pytest.raises(UnknownPart, match="no engine named 'abacus'; known: auto, fused, onnxruntime, openvino, torch"):
        load(str(card.path), "abacus")
