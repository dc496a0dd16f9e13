import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.buffer import frames
from stream.errors import StreamError, UsageError
from stream.orientation import Orientation
from stream.pictures import RgbPicture
from stream.sinks.video import build
from stream.sources import open_source
from stream.types import Frame, Label, LabelEvent, Phase, Rgb, Update
from tests import clips, turned

GREY = np.full((360, 480, 3), 128, np.uint8)
GREEN = np.array((46, 204, 128))


def frame(offset_s: float, picture: Rgb = GREY) -> Frame:
    return Frame(RgbPicture(picture), offset_s, 0)


def update(offset_s: float, probability: float = 0.9, phase: Phase | None = None) -> Update:
    events = (LabelEvent("wave", phase, probability, offset_s, offset_s),) if phase else ()
    return Update(offset_s, (Label("wave", probability), Label("nod", 0.05)), events, 0.01)


def read(path: Path) -> list[Frame]:
    with open_source(str(path)) as source:
        return list(frames(source))


def greens(found: Frame) -> int:
    """Count pixels of the colour of what goes on."""
    near = np.abs(found.picture.rgb().astype(int) - GREEN).max(axis=2) < 40
    return int(near.sum())


def test_every_frame_keeps_its_time(tmp_path: Path) -> None:
    times = [0.0, 0.033, 0.1, 0.9, 0.901, 4.0]
    with build(str(tmp_path / "out.mp4")) as sink:
        for time_s in times:
            sink.send(frame(time_s), update(time_s))
    assert [found.offset_s for found in read(tmp_path / "out.mp4")] == pytest.approx(times, abs=0.001)


def test_colours_stay_where_nothing_is_drawn(tmp_path: Path) -> None:
    picture = clips.square(4, 480, 360)
    with build(str(tmp_path / "out.mp4")) as sink:
        for index in range(5):
            sink.send(frame(index / 10, picture), None)
    found = read(tmp_path / "out.mp4")[-1].picture.rgb()
    assert np.abs(found[100:200].astype(int) - picture[100:200]).mean() < 4


def test_labels_stay_until_the_next_update(tmp_path: Path) -> None:
    with build(str(tmp_path / "out.mp4")) as sink:
        sink.send(frame(0.0), None)
        sink.send(frame(0.1), update(0.1))
        sink.send(frame(0.2), None)
    blank, labelled, kept = (found.picture.rgb()[200:].astype(int) for found in read(tmp_path / "out.mp4"))
    assert np.abs(labelled - blank).mean() > 5
    assert np.abs(labelled - kept).mean() < 1


def test_an_action_is_marked_from_its_begin_to_its_end(tmp_path: Path) -> None:
    phases = [None, Phase.BEGIN, None, Phase.UPDATE, Phase.END, None]
    with build(str(tmp_path / "out.mp4")) as sink:
        for index, phase in enumerate(phases):
            sink.send(frame(index / 10), update(index / 10, phase=phase))
    assert [greens(found) > 300 for found in read(tmp_path / "out.mp4")] == [False, True, True, True, False, False]


def test_a_bar_is_as_long_as_its_probability(tmp_path: Path) -> None:
    with build(str(tmp_path / "out.mp4")) as sink:
        for index, probability in enumerate((0.2, 0.9)):
            sink.send(frame(float(index)), update(float(index), probability, Phase.BEGIN))
    short, long = (greens(found) for found in read(tmp_path / "out.mp4"))
    assert long > 1.5 * short


@pytest.mark.parametrize(
    ("size", "expected"),
    [((161, 121), (478, 360)), ((320, 240), (480, 360)), ((1281, 721), (1280, 720)), ((2, 9), (80, 360))],
)
def test_sizes_are_even_and_large_enough_to_read(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    with build(str(tmp_path / "out.mp4")) as sink:
        sink.send(frame(0.0, clips.square(0, *size) if min(size) > 40 else np.zeros((9, 2, 3), np.uint8)), update(0.0))
    picture = read(tmp_path / "out.mp4")[0].picture
    assert (picture.width_px, picture.height_px) == expected


def test_a_frame_of_another_size_is_fitted(tmp_path: Path) -> None:
    with build(str(tmp_path / "out.mp4")) as sink:
        sink.send(frame(0.0), None)
        sink.send(frame(0.1, clips.square(0)), None)
    assert len(read(tmp_path / "out.mp4")) == 2


def test_the_last_frame_sent_again_only_brings_its_news(tmp_path: Path) -> None:
    with build(str(tmp_path / "out.mp4")) as sink:
        sink.send(frame(0.0), update(0.0, phase=Phase.BEGIN))
        sink.send(frame(0.0), update(0.0, phase=Phase.END))
        sink.send(frame(0.1), None)
    before, after = read(tmp_path / "out.mp4")
    assert greens(before) > 300 > greens(after)


def test_the_file_appears_whole_when_the_stream_ends_even_by_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), build(str(tmp_path / "out.mp4")) as sink:
        sink.send(frame(0.0), None)
        assert not (tmp_path / "out.mp4").exists()
        raise ZeroDivisionError
    assert len(read(tmp_path / "out.mp4")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_killed_writer_leaves_no_half_file(tmp_path: Path) -> None:
    code = f"""
import os
from tests.sinks.test_video import build, frame
with build({str(tmp_path / "out.mp4")!r}) as sink:
    for index in range(50):
        sink.send(frame(index / 10), None)
    os._exit(7)
"""
    (tmp_path / "out.mp4").write_text("what was there before")
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 7
    assert (tmp_path / "out.mp4").read_text() == "what was there before"


def test_no_frame_no_file(tmp_path: Path) -> None:
    with build(str(tmp_path / "out.mp4")):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["out.avi", "missing/out.mp4", "out"])
def test_what_cannot_be_written_is_refused_at_once(tmp_path: Path, target: str) -> None:
    with pytest.raises(UsageError, match=r"accepted: a name ending in \.mp4, in a folder that exists"):
        build(str(tmp_path / target))


def test_a_folder_that_vanishes_is_an_error_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    sink = build(str(folder / "out.mp4"))
    shutil.rmtree(folder)
    with pytest.raises(StreamError, match=r"cannot write .*out\.mp4: No such file"), sink:
        sink.send(frame(0.0), None)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_an_error_of_ours_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / ".out.mp4.part").symlink_to("/dev/full")
    dice = np.random.default_rng(0)
    with pytest.raises(StreamError, match="cannot write"), build(str(tmp_path / "out.mp4")) as sink:
        for index in range(20):
            sink.send(frame(index / 10, dice.integers(0, 256, (360, 480, 3), np.uint8)), None)
    assert not list(tmp_path.iterdir())


def test_a_film_stored_lying_is_saved_upright_and_in_shape(tmp_path: Path) -> None:
    way, aspect = Orientation(1), Fraction(2)  # a phone on its side, with pixels twice as wide as high
    with build(str(tmp_path / "out.mp4")) as sink:
        for shown in read(turned.write(tmp_path / "lying.mp4", way, 5, aspect)):
            sink.send(shown, None)
    found = read(tmp_path / "out.mp4")[-1].picture
    assert (found.width_px, found.height_px) == (240, 360)
    wanted = RgbPicture(clips.square(4)).rgb(240, 360)
    assert np.abs(found.rgb()[80:300].astype(int) - wanted[80:300]).mean() < 6
