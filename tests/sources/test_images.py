"""A folder of pictures."""

from pathlib import Path

import numpy as np
import pytest

from stream.buffer import frames
from stream.decode import encode_jpeg
from stream.errors import SourceError, UsageError
from stream.pictures import RgbPicture
from stream.sources import open_source
from stream.sources.images import natural


def write(folder: Path, count: int = 20) -> str:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        picture = RgbPicture(np.full((48, 64, 3), number * 10, np.uint8))
        (folder / f"shot {number:03d}.jpg").write_bytes(encode_jpeg(picture))
    (folder / "notes.txt").write_text("no picture")
    return f"images://{folder}".replace(" ", "%20")


def test_pictures_come_in_the_order_of_their_names_at_the_rate(tmp_path: Path) -> None:
    with open_source(write(tmp_path / "a b") + "?fps=5") as source:
        found = list(frames(source))
    assert [frame.offset_s for frame in found] == pytest.approx(np.arange(20) / 5)
    assert [round(frame.picture.rgb().mean() / 10) for frame in found] == list(range(20))


def test_one_that_is_damaged_is_left_out_and_counted(tmp_path: Path) -> None:
    uri, drops = write(tmp_path), []
    (tmp_path / "shot 003.jpg").write_bytes(b"no picture")
    with open_source(uri) as source:
        found = list(frames(source, count_drop=lambda cause, count: drops.append((cause, count))))
    assert (len(found), drops) == (19, [("decode", 1)])
    assert found[3].offset_s == pytest.approx(0.4), "its time passes all the same"


@pytest.mark.parametrize(("name", "words"), [("none", "No such file"), ("empty", "has no pictures; accepted: .jpg")])
def test_a_folder_without_pictures_says_so(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=words), open_source(f"images://{tmp_path / name}"):
        pass


@pytest.mark.parametrize("uri", ["images://", "images:///a?fps=0", "images:///a?fps=x", "images:///a?rate=3"])
def test_what_is_not_accepted_is_answered_with_what_is(uri: str) -> None:
    with pytest.raises(UsageError, match="accepted: images:///FOLDER"):
        open_source(uri)


def test_numbers_in_names_count_as_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10, 9, 100, 20):
        picture = RgbPicture(np.full((48, 64, 3), number * 2, np.uint8))
        (tmp_path / f"{number}.jpg").write_bytes(encode_jpeg(picture))
    (tmp_path / "._1.jpg").write_bytes(b"what macOS puts beside it")
    with open_source(f"images://{tmp_path}", fps=5.0) as source:
        found = list(frames(source))
    assert [round(frame.picture.rgb().mean() / 2) for frame in found] == [1, 2, 9, 10, 20, 100]
    assert found[-1].offset_s == pytest.approx(1.0)


def test_names_that_count_alike_keep_one_order() -> None:
    names = ["b1.png", "a02.jpg", "a2.jpg", "a10.jpg", "a1b3.jpg", "a1b20.jpg", "a.jpg"]
    wanted = ["a1b3.jpg", "a1b20.jpg", "a02.jpg", "a2.jpg", "a10.jpg", "a.jpg", "b1.png"]
    assert sorted(map(Path, names), key=natural) == list(map(Path, wanted))
