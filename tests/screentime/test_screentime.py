"""Who is on screen, from one labelled frame a second: a cartoon drawn here, and people before a camera."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stream.training import frames
from tests.screentime import cartoon, run

SHARED = Path(__file__).parents[3] / "shared" / "data"
WEIGHTS = SHARED / "weights" / "movinet_a0_stream_int8.tflite"

needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"needs the Kinetics weights in {WEIGHTS.parent}")


def test_two_cartoons_have_the_same_animals_and_other_pictures(tmp_path: Path) -> None:
    one, two = (cartoon.write(tmp_path / f"{seed}.mp4", 30, seed) for seed in (1, 2))
    assert set(one) == set(two) == {cartoon.NOBODY, cartoon.MOUSE, cartoon.CAT}
    assert len(one) == len(two) == 30 * cartoon.FPS
    assert one != two
    table = frames.read(cartoon.table(tmp_path / "frames.csv", one))
    assert len(table) == 30
    assert all(one[index] == label for index, label in table.items())


def test_seconds_and_frames_are_counted_apart() -> None:
    truth = ["cat"] * 10 + ["mouse"] * 10
    found = run.measure(["cat"] * 9 + ["mouse"] * 11, truth)
    assert found["frames_right"] == 0.95
    assert found["seconds_right"] == 1.0
    assert found["seconds_said_and_shown"] == {"cat": [0.9, 1.0], "mouse": [1.1, 1.0]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the Kinetics model."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "stream.cli.models", "import", str(WEIGHTS), "--as", "k600"]
    subprocess.run(command, check=True, env=os.environ | {"STREAM_HOME": str(home)})
    return home


@pytest.mark.slow
@pytest.mark.timeout(3600)
@needs_weights
def test_a_drawn_mouse_and_cat_before_other_backgrounds(home: Path, tmp_path: Path) -> None:
    out = said_by(home, "tests/screentime/run.py", "--from", "k600", "--out", str(tmp_path))
    assert out["frames_right"] > 0.85


def said_by(home: Path, script: str, *more: str) -> dict[str, float]:
    """Run a script of the project and return the JSON that it prints."""
    import json

    command = [sys.executable, script, *more]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2],
        env=os.environ | {"STREAM_HOME": str(home)},
    )  # fmt: skip
    return dict(json.loads(done.stdout))
