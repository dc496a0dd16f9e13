"""What is kept on this machine is whole, has a harmless name, and is found by it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream import cache, cards
from stream.errors import UnknownPart, UsageError
from tests import tiny

pytestmark = pytest.mark.usefixtures("home")


def put(folder: Path, name: str) -> cards.Card:
    """Place a model as an import would."""
    made = tiny.write(folder, "relu6")
    card = cards.Card(**{**_fields(made), "name": name, "weights": "a.onnx"})
    cache.replace_model(name, cards.dump(card), folder / made.weights, "a.onnx")
    return cards.load(name)


def _fields(card: cards.Card) -> dict[str, object]:
    return {name: getattr(card, name) for name in card.__slots__ if name != "path"}


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "-a", "a.toml", "a\0b", "x" * 65]
)
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a model"):
        cache.card_file(name)


@given(st.text(max_size=70))
def test_whatever_is_accepted_as_a_name_stays_in_the_folder(name: str) -> None:
    try:
        path = cache.card_file(name)
    except UsageError:
        return
    assert path.resolve().parent.parent == (cache.home() / "models").resolve()


def test_a_model_in_the_cache_is_loaded_by_its_name_and_its_weights_are_checked(home: Path) -> None:
    card = put(home / "made", "mine")
    assert card.path == home / "models" / "mine" / "mine.toml"
    assert "mine" in cards.names()
    assert card.read_weights()


def test_a_new_version_takes_the_place_of_the_old_one_and_leaves_nothing_of_it(home: Path) -> None:
    put(home / "made", "mine")
    (home / "b.onnx").write_bytes(b"new")
    cache.replace_model("mine", "name = 'mine'", home / "b.onnx", "b.onnx")
    assert sorted(file.name for file in (home / "models" / "mine").iterdir()) == ["b.onnx", "mine.toml"]


def test_a_removed_model_is_unknown(home: Path) -> None:
    put(home / "made", "mine")
    cache.remove("mine")
    with pytest.raises(UnknownPart, match="no model named 'mine'"):
        cards.load("mine")


def test_a_half_written_file_is_never_seen(home: Path) -> None:
    file = home / "file"
    cache.write(file, b"old")
    with pytest.raises(TypeError):
        cache.write(file, "not bytes")  # type: ignore[arg-type]
    assert file.read_bytes() == b"old"


def test_a_model_that_can_be_pulled_is_answered_with_the_command() -> None:
    with pytest.raises(UnknownPart, match=r"to get it: stream-models pull movinet-a0-stream-k600$"):
        cards.load("movinet-a0-stream-k600")


def test_the_second_process_waits_for_the_first(home: Path) -> None:
    code = "from stream import cache\nwith cache.locked('mine'): print('mine now', flush=True)"
    with cache.locked("mine"):
        other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        time.sleep(1.0)
        assert other.poll() is None
    assert other.communicate(timeout=30)[0] == "mine now\n"


KILLED = """
import os, signal, sys
from pathlib import Path
from stream import cache
countdown = int(sys.argv[1])
def counted(call):
    def wrapper(*arguments, **named):
        global countdown
        countdown -= 1
        if countdown < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **named)
    return wrapper
for name in ("replace", "unlink", "chmod", "mkdir"):
    setattr(Path, name, counted(getattr(Path, name)))
with cache.staging() as folder:
    (folder / "new").write_bytes(b"new weights")
    cache.replace_model("m", "new card, new-1.onnx", folder / "new", "new-1.onnx")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_process_that_is_killed_at_any_step_leaves_the_old_model_or_the_new_one(home: Path) -> None:
    seen = set()
    for step in range(20):
        shutil.rmtree(home, ignore_errors=True)
        with cache.staging() as folder:
            (folder / "old").write_bytes(b"old weights")
            cache.replace_model("m", "old card, old-1.onnx", folder / "old", "old-1.onnx")
        ended = subprocess.run([sys.executable, "-c", KILLED, str(step)], check=False, cwd=Path(__file__).parents[1])
        which = cache.card_file("m").read_text("utf-8").split()[0]
        seen.add(which)
        assert (cache.card_file("m").parent / f"{which}-1.onnx").read_text("utf-8") == f"{which} weights"
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
    assert ended.returncode == 0, "every step was tried"
    assert seen == {"old", "new"}


def test_what_a_killed_process_left_goes_after_a_day(home: Path) -> None:
    for name, age_s in (("tmpold", 100_000), ("tmpnew", 100)):
        (cache.downloads() / name).mkdir()
        os.utime(cache.downloads() / name, (time.time() - age_s,) * 2)
    with cache.staging():
        assert {path.name for path in cache.downloads().glob("tmp*")} >= {"tmpnew"}
    assert [path.name for path in cache.downloads().glob("tmp*")] == ["tmpnew"]
