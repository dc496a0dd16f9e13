"""Real footage, and what it shows in a mirror, turned and backwards."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from stream.cuts import CutDetector
from stream.errors import UsageError
from stream.evaluation import footage
from stream.evaluation.footage import SCENES, Frames, Scene
from stream.play.motions import LABELS
from tests import clips

SQUARE = Scene("square.mp4", "swipe right", 0.2, 1.8)


def showings(folder: Path, scene: Scene = SQUARE) -> list[tuple[str, Frames]]:
    return list(footage.showings(scene, clips.write(folder / scene.file), 40, 10.0))


def way(frames: Frames) -> str:
    """Measure where the bright square goes."""
    places = [np.argwhere(frame.min(axis=2) > 200).mean(axis=0) for frame in (frames[0], frames[-1])]
    down, right = places[1] - places[0]
    return ("right" if right > 0 else "left") if abs(right) > abs(down) else ("down" if down > 0 else "up")


def test_a_crossing_becomes_each_of_the_four_swipes_four_times_and_goes_that_way(tmp_path: Path) -> None:
    shown = showings(tmp_path)
    assert Counter(label for label, _ in shown) == dict.fromkeys(LABELS[2:6], 4)
    assert all(label == f"swipe {way(frames)}" for label, frames in shown)


def test_no_two_of_the_sixteen_are_the_same_picture(tmp_path: Path) -> None:
    assert len({frames.tobytes() for _, frames in showings(tmp_path)}) == 16


def test_a_scene_is_read_at_the_models_rate_from_its_begin_to_its_end(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "square.mp4")
    assert len(footage.clip(SQUARE, path, 40, 10.0)) == 16
    assert len(footage.clip(SQUARE, path, 40, 5.0)) == 8


def test_a_box_shows_its_part_of_the_picture(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "square.mp4")
    whole = footage.clip(SQUARE, path, 80, 10.0)
    part = footage.clip(Scene("square.mp4", "swipe right", 0.2, 1.8, (0.5, 0.0, 1.0, 0.5)), path, 40, 10.0)
    assert part.shape[1:] == (40, 40, 3)
    assert np.abs(part.astype(float) - whole[:, :40, 40:]).mean() < 3


def test_no_scene_of_the_wheels_video_has_a_cut_in_it() -> None:
    """One that did began with the last frame of the shot before: half a second of another place."""
    for scene in (scene for scene in SCENES if scene.file == "bikes.mp4"):
        detector = CutDetector()
        frames = footage.clip(scene, footage.find(Path(), scene.file), 80, 25.0)
        assert not any(detector.is_cut(frame.transpose(2, 0, 1)[None, :, None] / np.float32(255)) for frame in frames)


def test_a_missing_video_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.mp4"):
        footage.find(tmp_path, "absent.mp4")


def test_every_scene_has_a_label_a_length_and_a_box() -> None:
    for scene in SCENES:
        assert scene.label in LABELS
        assert scene.end_s - scene.begin_s >= 0.5
        assert 0 <= scene.box[0] < scene.box[2] <= 1
        assert 0 <= scene.box[1] < scene.box[3] <= 1


def test_the_scenes_of_the_wheel_are_where_they_are_said_to_be(tmp_path: Path) -> None:
    """Something moves in the man's passage; hardly anything where a wall is filmed."""
    man, wall = (scene for scene in SCENES if scene.file == "bikes.mp4" and scene.begin_s in (1.2, 8.6))
    changes = [
        np.abs(np.diff(footage.clip(scene, footage.find(tmp_path, scene.file), 80, 10.0).astype(float), axis=0)).mean()
        for scene in (man, wall)
    ]
    assert changes[0] > 4 * changes[1]


def test_the_share_that_is_right_has_an_interval_drawn_from_scenes() -> None:
    one, other, third = SCENES[:3]
    rows = [(one, "push", "push")] * 16 + [(other, "push", "pull")] * 8 + [(other, "push", "push")] * 8
    found = footage.measure(LABELS, [*rows, *[(third, "push", "push")] * 16], seed=0)
    assert found.accuracy.value == pytest.approx(40 / 48)
    assert (found.accuracy.low, found.accuracy.high) == (0.5, 1.0)
    assert list(found.scenes.values()) == [1.0, 0.5, 1.0]
    assert found.counts[LABELS.index("push"), LABELS.index("pull")] == 8


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_protocol_runs_on_the_videos_where_they_are(tmp_path: Path) -> None:
    folder = Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the sample videos are not beside the checkout")
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "stream.cli.evaluate",
            "gestures-a0",
            str(folder),
            "--protocol",
            "footage",
            "--json",
            out,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["showings"] == 16 * len(SCENES)
    assert 0 <= found["accuracy"]["low"] <= found["accuracy"]["value"] <= found["accuracy"]["high"] <= 1
    assert found["quiet"]["videos"] >= 20
