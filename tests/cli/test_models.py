"""`stream-models`, the real program, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stream import cache, cards, engines
from tests import tiny

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with one model, `mine`."""
    folder = tmp_path_factory.mktemp("home")
    tiny.write(folder / "made", "relu6")
    done = run(folder, "import", folder / "made" / "relu6.onnx", "--as", "mine")
    assert done.returncode == 0, done.stderr
    assert "0 classes" not in done.stdout
    assert "largest difference of the logits from the file itself" in done.stdout
    return folder


def run(home: Path, *words: object, columns: int = 160) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STREAM_HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": str(columns)}
    command = [sys.executable, "-W", "error", "-m", "stream.cli.models", *map(str, words)]
    return subprocess.run(command, capture_output=True, check=False, text=True, env=environment, timeout=200)


def test_the_list_has_what_ships_what_is_here_and_what_can_be_pulled(home: Path) -> None:
    done = run(home, "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["gestures-a0"]["where"] == "shipped"
    assert (rows["mine"]["where"], rows["mine"]["classes"], rows["mine"]["side_px"]) == ("cached", 5, 32)
    assert rows["movinet-a4-stream-k600"]["where"] == "to be pulled"
    assert rows["movinet-a6-stream-k600"]["classes"] == 600
    table = run(home, "list").stdout.splitlines()
    assert table[0].split() == ["name", "classes", "px", "fps", "MB", "licence", "state"]
    assert [line.split()[0] for line in table[1 : len(rows) + 1]] == list(rows)
    assert table[len(rows) + 1].startswith("MB: ")


def test_the_list_fits_80_columns_and_says_what_each_needs(home: Path) -> None:
    *table, _ = run(home, "list", columns=80).stdout.splitlines()
    assert max(map(len, table)) <= 80
    assert [line.split() for line in run(home, "list", columns=40).stdout.splitlines()[:-1]] == [
        line.split() for line in table
    ], "where there is less room nothing is cut"
    states = {line.split()[0]: " ".join(line.split()[6:]) for line in table[1:]}
    assert list(states)[:5] == ["everyday-a0", "gestures-a0", "mine", "movinet-a0-stream-k600", "everyday-a0-k600"]
    assert states["everyday-a0"] == "ships"
    assert states["everyday-a0-k600"] == "pull"
    assert states["movinet-a1-stream-k600"] == "needs --sha256"
    assert states["movinet-a3-stream-k600"] in ("pull", "needs tensorflow")
    assert states["movinet-a5-base-k600"] in ("pull, clips", "needs torch, clips")


def test_a_card_is_shown_with_where_it_was_found(home: Path) -> None:
    shown = json.loads(run(home, "show", "mine", "--json").stdout)
    assert (shown["found"], shown["variant"], shown["memory_s"]) == ("cached", "t0", "inf")
    assert shown["path"] == str(home / "models" / "mine" / "mine.toml")
    assert (shown["begin_threshold"], shown["end_threshold"], shown["min_duration_s"]) == (0.5, 0.35, 0.2)
    assert shown["engine"] == engines.choose(cards.load("gestures-a0")), "a MoViNet stream too"
    assert "import" in shown["measured"]
    assert "shipped" in run(home, "show", "gestures-a0").stdout


def test_weights_are_verified_and_changed_ones_found_out(home: Path, tmp_path: Path) -> None:
    done = run(home, "verify", "mine", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["difference"] < 1e-4
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAM_HOME", str(tmp_path))
        card = tiny.write(tmp_path / "made", "clip")
        cache.replace_model("clip", cards.dump(card), tmp_path / "made" / card.weights, card.weights)
        file = cache.card_file("clip").with_name(card.weights)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    done = run(tmp_path, "verify", "clip")
    assert done.returncode == 1
    assert "refused" in done.stderr


def test_two_models_are_joined_watched_and_removed(home: Path, clip: Path) -> None:
    assert run(home, "import", home / "made" / "relu6.onnx", "--as", "other", "--fps", 3).returncode == 0
    assert run(home, "join", "both", "mine", "other").returncode == 0
    environment = {**os.environ, "STREAM_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-m", "stream.cli.watch", str(clip), "--model", "both", "--json"]
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=environment, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line) for line in done.stdout.splitlines()]
    shown = json.loads(run(home, "show", "both", "--json").stdout)
    assert shown["members"] == ["mine", "other"]
    assert not {"gate", "kind", "memory_s", "dtype"} & set(shown), "each member has its own"
    held = run(home, "remove", "other")
    assert (held.returncode, "other is a member of both" in held.stderr) == (2, True)
    assert run(home, "remove", "both").returncode == 0
    gone = run(home, "show", "both")
    assert (gone.returncode, "no model named 'both'" in gone.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["pull", "a9"], 2, "no model to pull named 'a9'; known: everyday-a0-k600, movinet-a0-base-k600"),
        (
            ["pull", "movinet-a0-stream-k600", "--dtype", "float8"],
            2,
            "dtype is 'float8'; accepted: float32, float16, int8",
        ),
        (["pull", "movinet-a0-stream-k600", "--from", "nothing"], 1, "cannot read nothing"),
        (["pull", "movinet-a0-stream-k600", "--address", "ftp://x"], 1, "only http:// and https://"),
        (["import", "nothing", "--as", "x"], 2, "nothing to import at nothing"),
        (["import", "{made}", "--as", "../x"], 2, "'../x' cannot name a model"),
        (["import", "{made}", "--as", "gestures-a0"], 2, "ships"),
        (["import", "{made}", "--as", "x", "--gate", "relu7"], 2, "gate is 'relu7'; accepted: relu6, clip"),
        (["remove", "gestures-a0"], 2, "ships with the package and stays"),
        (["remove", "nobody"], 2, "no model named 'nobody'"),
        (["verify", "nobody"], 2, "no model named 'nobody'"),
        (["show", "movinet-a0-stream-k600"], 2, "to get it: stream-models pull movinet-a0-stream-k600"),
    ],
)
def test_what_is_wrong_is_one_line_on_stderr_and_an_exit_code(
    words: list[str], code: int, message: str, home: Path
) -> None:
    done = run(home, *[word.format(made=home / "made" / "relu6.onnx") for word in words])
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
