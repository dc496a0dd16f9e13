"""A TensorFlow Lite file gives the weights it was made of, whatever it is stored as, and nothing in it can do harm."""

import importlib.util
import random
from pathlib import Path

import numpy as np
import pytest

from stream import importers, proof
from stream.errors import ModelError, StreamError, UsageError
from stream.importers import _tflite_file, tflite
from stream.importers._tflite_file import TfliteFile
from stream.importers._tflite_net import NetReader
from tests import tiny
from tests.importers.tflite_writer import Writer

FORMS = {
    "plain": {"activation": "relu6", "se_type": "none", "classifier_activation": "relu6"},
    "gate relu6": {"gate": "relu6"},
    "gate clip": {"gate": "clip", "classifier_activation": "hard_swish"},
    "gate sigmoid": {"gate": "sigmoid", "activation": "relu6"},
}
ROUNDING = {"float32": 1e-4, "float16": 5e-3, "int8": 0.3}
"""How kernels are stored -> largest difference of a logit from the net that was written."""
LITERT = importlib.util.find_spec("ai_edge_litert") is not None


@pytest.fixture(scope="module")
def content() -> bytes:
    card = tiny.card("plain")
    return Writer(card, tiny.weights(card)).content


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("form", FORMS)
def test_the_net_that_was_written_is_read_whatever_it_is_stored_as(form: str, dtype: str, tmp_path: Path) -> None:
    card = tiny.card("relu6", side_px=35, **FORMS[form])
    weights = tiny.weights(card)
    (tmp_path / "net.tflite").write_bytes(Writer(card, weights, dtype).content)
    reading = tflite.read(str(tmp_path / "net.tflite"), {})
    wanted = {name: getattr(card, name) for name in ("se_type", "classifier_activation", "side_px")}
    wanted |= {"dtype": dtype, "activation": card.main_activation} | ({"gate": card.gate} if card.has_se else {})
    assert reading.facts == wanted
    clip = proof.frames(card)
    ours = proof.runner(card, reading.weights)(clip)
    assert proof.difference(ours["logits"], proof.runner(card, weights)(clip)["logits"]) <= ROUNDING[dtype]
    if not LITERT:
        pytest.skip("LiteRT is not installed: the file was read and not run")
    assert reading.reference
    theirs = reading.reference.run(clip)
    assert set(ours) == set(theirs)
    assert proof.difference(ours["logits"], theirs["logits"]) <= 1e-4
    assert all(np.allclose(ours[name], theirs[name], atol=1e-4) for name in ours)
    assert (reading.as_it_is is not None) == (dtype == "int8")


@pytest.mark.skipif(not LITERT, reason="LiteRT is not installed")
def test_running_a_file_says_nothing_on_stderr(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    card = tiny.card("plain")
    (tmp_path / "net.tflite").write_bytes(Writer(card, tiny.weights(card), "int8").content)
    reading = tflite.read(str(tmp_path / "net.tflite"), {})
    assert reading.reference
    assert reading.as_it_is
    assert reading.as_it_is.run(proof.frames(card))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("variant", ["a0", "a3"])
def test_a_larger_member_is_known_by_its_blocks(variant: str) -> None:
    card = tiny.card("relu6", variant=variant, **FORMS["plain"])
    found = NetReader(TfliteFile(Writer(card, tiny.weights(card)).content))
    assert {name: value.shape for name, value in found.weights.items()} == {
        name: value.shape for name, value in tiny.weights(card).items()
    }


def test_the_factor_of_a_block_is_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    card = tiny.card("plain")
    weights = tiny.weights(card)
    scale = weights["blocks.block0_layer0.scale"]
    weights["blocks.block0_layer0.scale"] = np.linspace(1, 2, 8, dtype=np.float32)
    with pytest.raises(ModelError, match="multiplied by more than one number"):
        NetReader(TfliteFile(Writer(card, weights).content))
    weights["blocks.block0_layer0.scale"] = scale
    assert NetReader(TfliteFile(Writer(card, weights).content)).weights["blocks.block0_layer0.scale"] == scale


def test_a_graph_of_something_else_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    card = tiny.card("plain")
    content = Writer(card, tiny.weights(card)).content
    kinds = _tflite_file.OPERATORS
    monkeypatch.setattr(_tflite_file, "OPERATORS", kinds | {3: "CONV_3D"})
    with pytest.raises(
        ModelError, match=r"CONV_3D: a base net, .* accepted: a stream net exported with conv_type 2plus1d"
    ):
        NetReader(TfliteFile(content))
    monkeypatch.setattr(_tflite_file, "OPERATORS", kinds | {3: "ADD", 4: "ADD"})
    with pytest.raises(ModelError, match="it is no MoViNet: 0 depthwise convolutions over pictures"):
        NetReader(TfliteFile(content))


def test_a_file_that_is_cut_or_none_says_so(content: bytes, tmp_path: Path) -> None:
    for size in (0, 7, 15):
        with pytest.raises(ModelError, match="do not begin as a TensorFlow Lite file"):
            TfliteFile(content[:size])
    with pytest.raises(ModelError, match=r"damaged or cut short: a part that it names is not there$"):
        NetReader(TfliteFile(content[: len(content) // 2]))
    with pytest.raises(ModelError, match="holds no network: it is empty, damaged or cut short"):
        TfliteFile(b"\0\0\0\0TFL3" + bytes(50))
    for text, why in ((b"", "is empty"), (b"hello world, this is text", "does not begin as one")):
        (tmp_path / "named.tflite").write_bytes(text)
        with pytest.raises(UsageError, match=rf"named\.tflite is no TensorFlow Lite file, it {why}, and nothing that"):
            importers.find(str(tmp_path / "named.tflite"))
    (tmp_path / "cut").write_bytes(content[:1000])
    with pytest.raises(ModelError, match="damaged or cut short"):
        importers.find(str(tmp_path / "cut")).read(str(tmp_path / "cut"), {})


def test_a_file_too_large_to_be_one_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tflite_file, "LARGEST_BYTES", 1 << 20)
    (tmp_path / "large.tflite").write_bytes(b"\0\0\0\0TFL3" + bytes(2 << 20))
    with pytest.raises(ModelError, match=r"large\.tflite has 2 MiB; accepted: up to 1 MiB"):
        tflite.read(str(tmp_path / "large.tflite"), {})


def test_bytes_that_were_changed_end_in_an_error_of_ours_or_in_a_net(content: bytes) -> None:
    """Offsets, lengths and counts of all kinds, in the structure at the file's beginning and end."""
    draw, ends = random.Random(0), 0
    for _ in range(40):
        changed = bytearray(content)
        for _ in range(draw.choice((1, 4))):
            place = draw.choice((draw.randrange(64), draw.randrange(len(content) - 30_000, len(content))))
            changed[place] = draw.randrange(256)
        try:
            NetReader(TfliteFile(bytes(changed)))
        except StreamError:
            ends += 1
    assert ends > 5


def test_a_list_longer_than_the_file_is_refused_before_it_is_walked() -> None:
    card = tiny.card("plain")
    writer = Writer(card, tiny.weights(card))
    count = len(writer.operators).to_bytes(4, "little")
    places = [at for at in range(len(writer.content) - 4) if writer.content[at : at + 4] == count]
    said = set[str]()
    for place in places[:8]:
        changed = bytearray(writer.content)
        changed[place : place + 4] = b"\xff\xff\xff\x7f"
        try:
            NetReader(TfliteFile(bytes(changed)))
        except ModelError as error:
            said.add(str(error))
    assert any("a list of 2147483647 entries: refused" in line for line in said), said
