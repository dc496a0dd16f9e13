"""Model files that were changed, or made to harm: refused before anything of them runs."""

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from stream import cards, recogniser
from stream.errors import ModelError
from tests.reliability.watcher import Watcher, configure, is_update
from tests.server import live
from tests.server.live import CARD, ROOT, wait_for

Say = Callable[[str], None]


def copy(model: Path, folder: Path, content: bytes, sha256: str = "") -> Path:
    """Write a card and a model file of ours; the card names the file's hash unless another is given."""
    folder.mkdir(exist_ok=True)
    (folder / "tiny.onnx").write_bytes(content)
    named = replace(CARD, weights="tiny.onnx", sha256=sha256 or hashlib.sha256(content).hexdigest())
    (folder / "tiny.toml").write_text(cards.dump(named))
    return folder / "tiny.toml"


def start(card: Path) -> tuple[float, subprocess.CompletedProcess[str]]:
    command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--model", str(card)]
    began_s = time.monotonic()
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=60)
    return time.monotonic() - began_s, done


def test_one_bit_more_or_less_and_the_server_does_not_start(model: Path, tmp_path: Path, say: Say) -> None:
    good = model.with_suffix(".onnx").read_bytes()
    sha256 = hashlib.sha256(good).hexdigest()
    for number, at in enumerate((0, len(good) // 2, len(good) - 1)):
        bad = bytearray(good)
        bad[at] ^= 1
        _, done = start(copy(model, tmp_path / str(number), bytes(bad), sha256))
        assert done.returncode == 1
        assert f"its card says {sha256}: refused" in done.stderr
        assert done.stdout == ""
    say("3 of 3 refused")


def test_a_reload_that_names_a_changed_model_leaves_everything_as_it_was(model: Path, tmp_path: Path) -> None:
    good = model.with_suffix(".onnx").read_bytes()
    bad = copy(model, tmp_path / "bad", good[:-1] + bytes([good[-1] ^ 1]), hashlib.sha256(good).hexdigest())
    text = '[source.door]\nuri = "synthetic://gestures?seconds=inf&size=32x24&fps=10"\nrealtime = true\n'
    with live.running(model, *configure(tmp_path, text)) as server, Watcher(server) as watcher:
        watcher.wait(is_update)
        configure(tmp_path, f'{text}model = "{bad}"\n')
        wait_for(lambda: any("refused; everything stays as it was" in line for line in server.log))
        count = len(watcher.updates())
        wait_for(lambda: len(watcher.updates()) > count + 3)
        assert watcher.error is None


def test_what_was_checked_is_what_runs_however_often_the_file_is_changed(model: Path, tmp_path: Path, say: Say) -> None:
    good = model.with_suffix(".onnx").read_bytes()
    other = bytearray(good)
    other[good.index(np.float32(0.7).tobytes()) + 1] ^= 0x10  # a weight
    card, file = copy(model, tmp_path, good), tmp_path / "tiny.onnx"
    clip = np.random.default_rng(0).random((1, 3, 4, 32, 32), np.float32)
    loaded = recogniser.load(str(card))
    expected, _ = loaded.step(clip, loaded.init_state())
    leaving, refused, times = threading.Event(), 0, 24

    def swap() -> None:
        while not leaving.is_set():
            for content in (bytes(other), good):
                (tmp_path / "next").write_bytes(content)
                (tmp_path / "next").replace(file)
                time.sleep(0.002)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(times):
            try:
                loaded = recogniser.load(str(card))
            except ModelError as error:
                assert "refused" in str(error)
                refused += 1
            else:
                assert (loaded.step(clip, loaded.init_state())[0] == expected).all()
    finally:
        leaving.set()
        thread.join()
    assert 0 < refused < times
    say(f"{times} loads: {refused} refused, {times - refused} with the checked weights, bit for bit")


def _harm(content: bytes, change: Callable[[Any], None]) -> bytes:
    found = onnx.load_from_string(content)
    change(found.graph)
    return bytes(found.SerializeToString())


def _prepend(*nodes: Any) -> Callable[[Any], None]:
    """Put nodes before all others."""

    def change(graph: Any) -> None:
        kept = list(graph.node)
        del graph.node[:]
        graph.node.extend([*nodes, *kept])

    return change


def _loop() -> Any:
    """Make a loop of 2^40 turns."""
    value = helper.make_tensor_value_info
    turn = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["on_out"])],
        "turn",
        [value("turn", TensorProto.INT64, []), value("on", TensorProto.BOOL, [])],
        [value("on_out", TensorProto.BOOL, [])],
    )
    count = helper.make_tensor("count", TensorProto.INT64, [], [2**40])
    return helper.make_node("Constant", [], ["count"], value=count), helper.make_node("Loop", ["count"], [], body=turn)


def _outside(location: str) -> Callable[[Any], None]:
    def change(graph: Any) -> None:
        tensor = graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location

    return change


HARMS: dict[str, tuple[Callable[[Any], None], str]] = {
    "a loop without end": (_prepend(*_loop()), "its graph has a Loop, which no step needs: refused"),
    "64 GB at once": (
        _prepend(
            helper.make_node(
                "Constant", [], ["size"], value=helper.make_tensor("size", TensorProto.INT64, [1], [2**34])
            ),
            helper.make_node("ConstantOfShape", ["size"], ["much"]),
        ),
        "its graph has a ConstantOfShape, which",
    ),
    "somebody's own operator": (
        _prepend(helper.make_node("Conv", ["image"], ["x"], domain="com.evil")),
        "its graph has a com.evil.Conv, which",
    ),
    "a file beside": (_outside("secret.bin"), "lies outside the file: refused"),
    "a file above": (_outside("../secret.bin"), "lies outside the file: refused"),
    "an absolute path": (_outside("/etc/passwd"), "lies outside the file: refused"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_model_made_to_harm_is_refused_though_its_card_vouches_for_it(
    model: Path, tmp_path: Path, harm: str, say: Say
) -> None:
    change, words = HARMS[harm]
    card = copy(model, tmp_path, _harm(model.with_suffix(".onnx").read_bytes(), change))
    took_s, done = start(card)
    assert done.returncode == 1
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    say(f"refused, {took_s:.1f} s with the start of Python")
