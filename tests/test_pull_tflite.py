"""The small file: fetched from one of several addresses, told by its SHA-256, and imported where no PyTorch is."""

import dataclasses
import functools
import hashlib
import math
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

import stream
from stream import cache, cards, catalogue, downloads, intake
from stream.errors import DownloadError, ModelError, UsageError
from stream.intake import Order
from stream.onnxfile import OnnxFile
from stream.pulling import Way, pull
from tests import tiny
from tests.importers.tflite_writer import Writer

ROOT = Path(__file__).parents[1]
NAME, UNKNOWN, EVERYDAY = "movinet-a0-stream-k600", "movinet-a1-stream-k600", catalogue.EVERYDAY
FILE = "movinet_a0_stream_int8.tflite"

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 A0 of 600 classes on small pictures, and what else is served."""
    made = tmp_path_factory.mktemp("served")
    card = tiny.card("plain", variant="a0", side_px=32, labels=tuple(map(str, range(600))))
    (made / FILE).write_bytes(Writer(card, tiny.weights(card), "int8").content)
    (made / "other").write_bytes((made / FILE).read_bytes()[:-1] + b"x")
    (made / "long").write_bytes((made / FILE).read_bytes() + bytes(10))
    return made


@pytest.fixture
def sha256(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the catalogue now knows of its one file; the real one cannot be had here."""
    content = (folder / FILE).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    _know(monkeypatch, NAME, sha256=found, size=len(content))
    return found


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(downloads, "PAUSE_S", 0.001)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


def _know(patch: pytest.MonkeyPatch, name: str, addresses: tuple[str, ...] = (), **changes: object) -> None:
    entry = catalogue.ENTRIES[name]
    places = tuple(dataclasses.replace(place, **changes) for place in entry.places)
    if addresses:
        places = tuple(dataclasses.replace(places[0], address=address) for address in addresses)
    patch.setitem(catalogue.ENTRIES, name, dataclasses.replace(entry, places=places))


def test_the_published_file_is_known_by_hash_and_size_at_several_addresses() -> None:
    first, *others = catalogue.ENTRIES[NAME].places
    assert (first.size, first.sha256[:12], first.licence) == (3_276_048, "6125b36e2485", "Apache-2.0")
    assert len(others) >= 2
    assert {(place.size, place.sha256) for place in others} == {(first.size, first.sha256)}
    assert all(place.address.startswith("https://") for place in (first, *others))
    assert next(iter(catalogue.ENTRIES)) == NAME


def test_the_same_file_imported_by_hand_gets_the_same_memory_and_says_which(folder: Path, tmp_path: Path) -> None:
    said = list[str]()
    assert intake.bring(str(folder / FILE), Order("mine", {}), said.append).memory_s == catalogue.LITE_MEMORY_S
    [told] = [line for line in said if line.startswith("memory: ")]
    assert told.startswith("memory: 1 s, ")
    assert told.endswith("(docs/memory.md); --memory-s to say otherwise")
    (tmp_path / "own.txt").write_text("\n".join(map(str, range(600))))
    said.clear()
    assert (
        intake.bring(str(folder / FILE), Order("own", {}, str(tmp_path / "own.txt")), said.append).memory_s == math.inf
    )
    assert [line for line in said if line.startswith("memory: endless, ")]
    said.clear()
    assert intake.bring(str(folder / FILE), Order("given", {"memory_s": 3.0}), said.append).memory_s == 3.0
    assert not [line for line in said if line.startswith("memory: ")]


def test_the_addresses_are_tried_in_turn_and_a_wrong_file_is_no_end(
    folder: Path, sha256: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _know(monkeypatch, NAME, tuple(f"{server}/{file}" for file in ("nothing", "other", "long", FILE)))
    said = list[str]()
    card = pull(NAME, Way(say=said.append))
    assert (card.se_type, card.activation, card.dtype, card.memory_s, card.side_px) == (
        "none",
        "relu6",
        "int8",
        1.0,
        32,
    )
    assert card.labels[409] == "riding a bike"
    told = " ".join(said)
    assert "404" in told
    assert f"has SHA-256 {hashlib.sha256((folder / 'other').read_bytes()).hexdigest()}, {sha256} is expected" in told
    assert f"larger than {(folder / FILE).stat().st_size} bytes: refused" in told
    assert stream.load(NAME).card.name == NAME
    assert len(card.read_weights()) < 1.1 * (folder / FILE).stat().st_size, "it is kept as small as it came"


def test_all_addresses_gone_says_what_each_said_and_what_to_do_by_hand(
    sha256: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _know(monkeypatch, NAME, (f"{server}/one", f"{server}/two"))
    said = list[str]()
    with pytest.raises(DownloadError) as caught:
        pull(NAME, Way(say=said.append))
    assert said == [f"cannot fetch {server}/{file}: the server answers 404 File not found" for file in ("one", "two")]
    advice = rf"fetch it from one of them \(SHA-256 {sha256}, \d+ bytes\) by hand and give it with --from FILE"
    assert re.fullmatch(rf"none of 2 addresses gives {NAME}; {advice}", str(caught.value))


def test_the_addition_joins_the_same_file_that_is_here(
    folder: Path, sha256: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it had been fetched; nothing is where the addresses lead."""
    _know(monkeypatch, EVERYDAY, ("http://127.0.0.1:9/nothing",), sha256=sha256)
    monkeypatch.setattr(downloads, "PAUSE_S", 0.001)
    base = pull(NAME, Way(file=folder / FILE))
    fetched = pull(EVERYDAY, Way(file=folder / FILE))
    cache.remove(EVERYDAY)
    said = list[str]()
    joined = pull(EVERYDAY, Way(say=said.append))
    assert said[0] == f"nothing to fetch: {NAME} is here, made of the file that {EVERYDAY} is made of"
    weights = [OnnxFile(card.read_weights()).weights() for card in (fetched, joined)]
    assert weights[0].keys() == weights[1].keys()
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert dataclasses.replace(joined, measured={}, sha256="", weights="") == dataclasses.replace(
        fetched, measured={}, sha256="", weights=""
    )
    cache.remove(EVERYDAY)
    _know(monkeypatch, EVERYDAY, sha256="0" * 64)
    assert base.measured["import"]["file_sha256"] == sha256
    with pytest.raises(DownloadError, match="cannot fetch"):
        pull(EVERYDAY, Way())


def test_a_file_by_hand_passes_the_same_check(folder: Path, sha256: str) -> None:
    with pytest.raises(ModelError, match=rf"has SHA-256 \w+, {sha256} is expected: refused"):
        pull(NAME, Way(file=folder / "other"))
    assert cache.names() == ()
    assert pull(NAME, Way(file=folder / FILE)).sha256


def test_a_file_nobody_here_knows_is_asked_for_by_its_hash(
    folder: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _know(monkeypatch, NAME, (f"{server}/{FILE}",), sha256="", size=0)
    with pytest.raises(UsageError, match=r"is not known here: give it with --sha256 HEX"):
        pull(NAME, Way())
    with pytest.raises(UsageError) as caught:
        pull(NAME, Way(file=folder / FILE))
    assert f"{folder / FILE} cannot be held against its hash: give it with --sha256 HEX" in str(caught.value)
    assert f"stream-models import {folder / FILE} --as NAME" in str(caught.value)
    assert server not in str(caught.value)
    with pytest.raises(UsageError, match=r"--sha256 is 'abc'; accepted: 64 hexadecimal digits"):
        pull(NAME, Way(sha256="abc"))
    with pytest.raises(DownloadError, match=r"has SHA-256 \w+, 0{64} is expected"):
        pull(NAME, Way(sha256="0" * 64))
    assert pull(NAME, Way(sha256=hashlib.sha256((folder / FILE).read_bytes()).hexdigest().upper())).name == NAME
    assert catalogue.ENTRIES[UNKNOWN].places[0].is_hash_needed


def test_another_hash_than_the_catalogues_is_refused(sha256: str) -> None:
    with pytest.raises(UsageError, match=rf"--sha256 is 0{{64}}; {NAME} has {sha256}"):
        pull(NAME, Way(sha256="0" * 64))


WITHOUT = "import sys\nsys.modules['torch'] = None\nsys.modules['tensorflow'] = None\n"
"""Makes a process one where neither is installed."""


def run(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT + code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=250)


def test_without_pytorch_it_is_pulled_compared_and_runs(folder: Path, sha256: str) -> None:
    code = (
        "import dataclasses\nfrom pathlib import Path\nfrom stream import catalogue, pulling, load\n"
        f"entry = catalogue.ENTRIES[{NAME!r}]\n"
        f"place = dataclasses.replace(entry.places[0], sha256={sha256!r})\n"
        f"catalogue.ENTRIES[{NAME!r}] = dataclasses.replace(entry, places=(place,))\n"
        f"card = pulling.pull({NAME!r}, pulling.Way(file=Path(sys.argv[1]), say=print))\n"
        "print(load(card.name).card.se_type, sorted(m for m in sys.modules if m.startswith('torch.')))"
    )
    done = run(code, folder / FILE)
    assert done.returncode == 0, done.stderr
    assert "compared the file with the engine 'fused" in done.stdout
    assert done.stdout.splitlines()[-1] == "none []"


@pytest.mark.parametrize("form", ["onnx", "tflite", "safetensors"])
def test_without_pytorch_the_other_open_forms_are_imported(form: str, folder: Path, tmp_path: Path) -> None:
    source = folder / FILE
    if form == "onnx":
        source = tmp_path / tiny.write(tmp_path, "clip").weights
    if form == "safetensors":
        source = tmp_path / "net.safetensors"
        save_file(tiny.net(tiny.card("relu6", labels=tuple(map(str, range(600))))).state_dict(), source)
    code = "from stream.cli.models import main\nsys.argv[0] = 'stream-models'\nmain()"
    given = ("--gate", "relu6", "--side", "32") if form == "safetensors" else ()
    done = run(code, "import", source, "--as", "mine", *given)
    assert done.returncode == 0, done.stderr
    assert cards.load("mine").read_weights()
    verified = run(code, "verify", "mine")
    assert "the hash is right; largest difference from the engine 'fused" in verified.stdout, verified.stderr


def test_without_pytorch_what_needs_it_says_so_before_anything_is_fetched() -> None:
    code = "from stream.cli.models import main\nsys.argv[0] = 'stream-models'\nmain()"
    done = run(code, "pull", "movinet-a0-stream-port-k600", "--address", "http://127.0.0.1:9/")
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert (
        "pulling movinet-a0-stream-port-k600: a state dict of the PyTorch port needs the package 'torch'" in done.stderr
    )
    assert "pip install 'movinet-stream[torch]'" in done.stderr
    listed = {line.split()[0]: line for line in run(code, "list").stdout.splitlines()}
    assert "needs torch" in listed["movinet-a0-stream-port-k600"]
    assert listed[NAME].split()[-1] == "pull"
