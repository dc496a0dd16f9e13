"""Which clips a model learned from is seen again, wherever they and its run lie."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stream.cards import Card
from stream.training import seen
from stream.training.datasets import Sample
from stream.training.splits import Split
from tests.toy import CARD


def write(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


@pytest.fixture
def run(tmp_path: Path) -> tuple[Card, Path]:
    """A card in its run's folder, that learned from one second of a video and was judged by another video."""
    learned = Sample(write(tmp_path / "data", "a.mp4", b"first"), "red", 1.0, 2.0)
    held = Sample(write(tmp_path / "data", "b.mp4", b"second"), "red")
    story = Split((learned,), (held,), "by hand", {}).story()
    path = write(tmp_path / "runs" / "mine", seen.SPLIT, json.dumps(story).encode())
    card = replace(CARD, path=path.with_name("mine.toml"), training={"clips": story["counts"]})
    return card, path


def test_a_clip_is_known_by_its_name_and_size_and_its_time_wherever_it_lies(
    run: tuple[Card, Path], tmp_path: Path
) -> None:
    data, split = tmp_path / "data", run[1]
    copied = write(tmp_path / "copy", "a.mp4", b"first")
    other = write(tmp_path / "other", "a.mp4", b"another video")
    known = [Sample(copied, "red"), Sample(data / "a.mp4", "blue", 1.5, 3.0)]
    unknown = [Sample(other, "red"), Sample(data / "a.mp4", "red", 2.0, 3.0), Sample(data / "b.mp4", "red")]
    assert seen.learned_from(known, split) == 2
    assert seen.learned_from(unknown, split) == 0


def test_a_split_is_found_beside_the_card_or_where_the_card_says_the_run_was(
    run: tuple[Card, Path], tmp_path: Path
) -> None:
    card, split = run
    assert seen.split_of(card) == split
    moved = replace(card, path=tmp_path / "elsewhere.toml")
    assert seen.split_of(moved) is None
    assert seen.split_of(replace(moved, training={**card.training, "run": str(split.parent)})) == split


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"counts": 1}'])
def test_a_split_of_another_run_is_none_of_the_models(run: tuple[Card, Path], text: str) -> None:
    card, split = run
    assert seen.split_of(replace(card, training={"clips": {"train": {"red": 7}}})) is None
    assert seen.split_of(replace(card, training={})) is None
    split.write_text(text)
    assert seen.split_of(card) is None
