"""What is pulled is what was meant, is then loaded by its name, and leaves nothing else behind."""

import dataclasses
import functools
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from stream import cache, cards, catalogue
from stream.downloads import git_blob
from stream.errors import DownloadError, MissingDependency, ModelError, UnknownPart, UsageError
from stream.pulling import Way, pull
from tests import tiny
from tests.importers import port

ROOT = Path(__file__).parents[1]
PULLED, LARGE = "movinet-a0-stream-port-k600", "movinet-a3-stream-k600"
FILE = "modelA0_stream_statedict_v3"


pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The port's A0 stream, and things that are none of what is pulled."""
    folder = tmp_path_factory.mktemp("made")
    torch.save(port.state_dict(port.models()["a0-stream"]), folder / FILE)
    (folder / "page.html").write_text("<html>no longer here</html>")
    tiny.write(folder, "relu6")
    return folder


def know(patch: pytest.MonkeyPatch, name: str, **changes: str) -> None:
    """Change what the catalogue says of the one place of a model."""
    entry = catalogue.ENTRIES[name]
    patch.setitem(
        catalogue.ENTRIES,
        name,
        dataclasses.replace(entry, places=tuple(dataclasses.replace(p, **changes) for p in entry.places)),
    )


@pytest.fixture
def catalogued(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address that serves the port's file, whose id the catalogue knows; the real one cannot be had here."""
    know(monkeypatch, PULLED, git_blob=git_blob(made / FILE))
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(made))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}/{FILE}"
        http.shutdown()


@pytest.mark.parametrize("harm", ["weights", "card"])
def test_what_is_damaged_here_is_pulled_again(harm: str, catalogued: str) -> None:
    card, said = pull(PULLED, Way(address=catalogued)), list[str]()
    assert card.path
    target = card.path if harm == "card" else card.path.parent / card.weights
    target.write_bytes(b"[" + target.read_bytes()[1:])
    again = pull(PULLED, Way(address=catalogued, say=said.append))
    assert any("it is brought again" in line for line in said)
    assert again.read_weights() == cards.load(PULLED).read_weights()


def test_an_ensemble_has_no_file_to_give_by_hand(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the mean of movinet-a4-stream-k600 and movinet-a5-stream-k600; pull these"):
        pull("movinet-a6-stream-k600", Way(file=tmp_path / "a6"))


def test_a_pulled_model_is_loaded_by_its_name_and_what_was_fetched_is_gone(catalogued: str, home: Path) -> None:
    card = pull(PULLED, Way(address=catalogued))
    assert (card.gate, card.side_px, card.fps, card.labels[409], card.licence) == (
        "clip",
        172,
        5.0,
        "riding a bike",
        "MIT",
    )
    assert "not compared; the gate 'clip'" in card.measured["import"]["note"]
    assert cards.load(PULLED).read_weights()
    assert not [left for left in (home / "downloads").iterdir() if left.suffix != ".lock"]
    said: list[str] = []
    assert pull(PULLED, Way(address="http://127.0.0.1:9/", say=said.append)) == card, (
        "what is here is not fetched again"
    )
    assert said == [f"{PULLED} is here already"]


def test_a_file_brought_by_hand_passes_the_same_check(catalogued: str, made: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes((made / FILE).read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="is expected: refused, and nothing was changed"):
        pull(PULLED, Way(file=wrong))
    assert wrong.exists()
    assert cache.names() == ()
    assert pull(PULLED, Way(file=made / FILE)).name == PULLED


def test_another_file_at_the_address_is_refused_and_nothing_is_loaded(catalogued: str) -> None:
    with pytest.raises(DownloadError, match="is expected: refused"):
        pull(PULLED, Way(address=catalogued.replace(FILE, "page.html")))
    assert cache.names() == ()


def test_two_processes_that_pull_the_same_model_both_have_it(catalogued: str, home: Path) -> None:
    [place] = catalogue.ENTRIES[PULLED].places
    code = (
        "import dataclasses\nfrom stream import catalogue, pulling\n"
        f"name = {PULLED!r}\nentry = catalogue.ENTRIES[name]\n"
        f"place = dataclasses.replace(entry.places[0], git_blob={place.git_blob!r})\n"
        "catalogue.ENTRIES[name] = dataclasses.replace(entry, places=(place,))\n"
        f"print(pulling.pull(name, pulling.Way(address={catalogued!r})).sha256)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    said = [process.communicate(timeout=280)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said == [cards.load(PULLED).sha256] * 2


def test_an_unknown_model_to_pull_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownPart, match=f"no model to pull named 'a9'; known: .*{PULLED}"):
        pull("a9", Way())


@pytest.fixture
def unpublished(catalogued: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same address, where the catalogue knows no id."""
    know(monkeypatch, PULLED, git_blob="")
    return catalogued


@pytest.mark.parametrize(
    ("served", "why"),
    [
        ("page.html", "it is nothing that can be imported"),
        ("relu6.onnx", "it is an ONNX .* comes as a state dict"),
    ],
)
def test_rubbish_is_named_by_its_address_and_does_not_stay(served: str, why: str, unpublished: str, home: Path) -> None:
    address = unpublished.replace(FILE, served)
    with pytest.raises(ModelError, match=f"what {address} gives is refused: {why}"):
        pull(PULLED, Way(address=address))
    assert not [left for left in (home / "downloads").iterdir() if left.suffix != ".lock"]


def test_the_second_place_is_tried_where_the_first_gives_nothing(
    unpublished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = catalogue.ENTRIES[PULLED]
    [place] = entry.places
    here = dataclasses.replace(place, address=unpublished)
    dead = dataclasses.replace(place, address=unpublished.replace(FILE, "nothing"))
    page = dataclasses.replace(place, address=unpublished.replace(FILE, "page.html"))
    monkeypatch.setitem(catalogue.ENTRIES, PULLED, dataclasses.replace(entry, places=(dead, page)))
    said = list[str]()
    with pytest.raises(ModelError, match=rf"^none of 2 addresses gives {PULLED}; fetch it from one of them \(no id"):
        pull(PULLED, Way(say=said.append))
    assert [line for line in said if line.startswith(f"cannot fetch {dead.address}: the server answers 404")]
    assert [line for line in said if line.startswith(f"what {page.address} gives is refused")]
    monkeypatch.setitem(catalogue.ENTRIES, PULLED, dataclasses.replace(entry, places=(dead, here)))
    said.clear()
    assert pull(PULLED, Way(say=said.append)).name == PULLED
    assert f"cannot fetch {dead.address}: the server answers 404 File not found" in said


def test_what_ships_needs_no_pull() -> None:
    said = list[str]()
    assert pull("gestures-a0", Way(say=said.append)) == cards.load("gestures-a0")
    assert said == ["gestures-a0 ships with the package: nothing to pull"]


def test_what_reads_a_file_is_looked_for_before_the_file_is_fetched(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr("stream.importers.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"'tensorflow': pip install 'movinet-stream\[tf\]'"):
        pull(LARGE, Way(address="http://127.0.0.1:9/"))
    assert not list((home / "downloads").glob("*.part"))


def test_the_large_stream_nets_come_from_two_places_of_googles() -> None:
    for variant in catalogue.LARGE:
        forms = [place.form for place in catalogue.ENTRIES[f"movinet-{variant}-stream-k600"].places]
        assert forms == ["savedmodel", "checkpoint"]
