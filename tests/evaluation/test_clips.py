"""The clip protocol: what is measured of what was said."""

from pathlib import Path

import numpy as np
import pytest

from stream.config import SessionSettings
from stream.errors import SourceError, UsageError
from stream.evaluation import clips, reading
from stream.recogniser import Recogniser
from stream.training.datasets import Sample
from tests import films
from tests.toy import LABELS, Toy

TOY = Recogniser(Toy())
ALONE = [str(i) for i in range(100)]


def said(*rows: tuple[str, float], labels: tuple[str, ...] = LABELS) -> np.ndarray:
    """Probabilities: the label said with its own, the rest spread evenly."""
    table = np.array([[(1 - p) / (len(labels) - 1)] * len(labels) for _, p in rows], np.float32)
    for row, (label, p) in zip(table, rows, strict=True):
        row[labels.index(label)] = p
    return table


def test_shares_recall_and_confusion_are_counted() -> None:
    table = said(("red", 0.9), ("red", 0.8), ("green", 0.9), ("blue", 0.9))
    found = clips.measure(LABELS, ["red", "red", "red", "blue"], table, ALONE[:4])
    assert found.top1.value == 0.75
    assert found.recall["red"].value == pytest.approx(2 / 3)
    assert found.recall["blue"].value == 1
    assert set(found.recall) == {"red", "blue"}
    assert {(cell.shown, cell.said): (cell.clips, round(cell.share.value, 3)) for cell in found.confusion} == {
        ("red", "red"): (2, 0.667),
        ("red", "green"): (1, 0.333),
        ("blue", "blue"): (1, 1.0),
    }
    assert found.counts.sum() == 4
    assert found.groups == 4


def test_the_fifth_label_counts_among_the_top_five_and_the_sixth_does_not() -> None:
    table = np.array([[0.3, 0.2, 0.15, 0.13, 0.12, 0.1, 0.0]], np.float32).repeat(2, 0)
    found = clips.measure(LABELS, [LABELS[4], LABELS[5]], table, ALONE[:2])
    assert (found.top1.value, found.top5.value) == (0, 0.5)


def test_a_model_that_is_right_as_often_as_it_says_is_calibrated() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1.0, 4000)
    truth = [("red" if rng.random() < p else "green") for p in confidence]
    table = said(*[("red", p) for p in confidence])
    assert clips.measure(LABELS, truth, table, [str(i // 40) for i in range(4000)]).ece.value < 0.04


def test_the_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    """Ten clips said at 0.9, of which six are right; ten at 0.5, of which five are: gaps 0.3 and 0."""
    truth = ["red"] * 6 + ["blue"] * 4 + ["red"] * 5 + ["blue"] * 5
    table = said(*[("red", 0.9)] * 10, *[("red", 0.5)] * 10)
    found = clips.measure(LABELS, truth, table, ALONE[:20]).ece
    assert found.value == pytest.approx(0.15, abs=1e-6)
    assert found.low < found.value < found.high


def test_clips_are_read_from_a_blank_memory_and_judged_by_their_last_frame(tmp_path: Path) -> None:
    films.write(tmp_path / "red" / "a.mp4", ("green", 5), ("red", 3))
    films.write(tmp_path / "green" / "b.mp4", ("red", 5), ("green", 3))
    samples = reading.read(tmp_path, TOY)
    found = np.stack(list(clips.score(TOY, samples, SessionSettings())))
    assert found.shape == (2, len(LABELS))
    assert [LABELS[index] for index in found.argmax(1)] == [sample.label for sample in samples]


def test_only_the_span_of_a_sample_is_seen(tmp_path: Path) -> None:
    path = films.write(tmp_path / "a.mp4", ("red", 10), ("green", 10), ("blue", 10))
    frames = list(reading.film(Sample(path, "green", 1.0, 2.0)))
    assert [frame.offset_s for frame in frames] == pytest.approx([i / 10 for i in range(10)], abs=1e-3)
    [scores] = clips.score(TOY, [Sample(path, "green", 1.0, 2.0)], SessionSettings())
    assert scores[LABELS.index("blue")] < 0.1
    assert scores[LABELS.index("green")] > 0.9
    with pytest.raises(UsageError, match=r"1-3\.2 s: it ends at 3\.2 s, after its video, which lasts 3\.00 s"):
        list(reading.film(Sample(path, "green", 1.0, 3.2)))
    with pytest.raises(SourceError, match=r"no frame can be read; the video lasts 2\.90 s"):
        list(reading.film(Sample(path, "green", 8.0, 9.0)))


def test_labels_that_the_model_does_not_know_are_refused(tmp_path: Path) -> None:
    for name in ("red", "yellow"):
        films.write(tmp_path / name / "a.mp4", ("red", 2))
    with pytest.raises(UsageError) as caught:
        reading.read(tmp_path, TOY)
    said = f"'yellow', which toy does not know; accepted: {', '.join(sorted(LABELS))}; --map CSV, "
    assert said in str(caught.value)
    assert "--others" not in str(caught.value), "only joined clips have others"
    with pytest.raises(UsageError, match=r"; --map CSV, .*; or --others, "):
        reading.read(tmp_path, TOY, is_joined=True)


def test_a_missing_video_recommends_no_option_that_measuring_lacks(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("path,label\ngone.mp4,red\n")
    with pytest.raises(UsageError, match=r"accepted: all of them, or --videos FOLDER to look elsewhere$"):
        reading.read(tmp_path / "data.csv", TOY)


def test_a_part_is_measured_by_itself_and_must_be_there(tmp_path: Path) -> None:
    for part in ("train", "val"):
        for name in ("red", "green"):
            films.write(tmp_path / part / name / f"{part}.mp4", ("red", 2))
    assert len(reading.read(tmp_path, TOY)) == 4
    assert {sample.path.stem for sample in reading.read(tmp_path, TOY, part="validation")} == {"val"}
    with pytest.raises(UsageError, match="no part 'test'; it names: train, validation"):
        reading.read(tmp_path, TOY, part="test")
    with pytest.raises(UsageError, match="accepted: all, train"):
        reading.read(tmp_path, TOY, part="some")


def test_groups_come_from_a_pattern_else_from_the_data_else_every_clip_is_one(tmp_path: Path) -> None:
    plain = [Sample(tmp_path / "red" / f"red_{scene}_{take}.mp4", "red") for scene in (3, 4) for take in (1, 2)]
    named = [Sample(sample.path, "red", group=sample.path.stem[:5]) for sample in plain]
    assert reading.groups(plain, tmp_path, r"_(\d+)_") == ["3", "3", "4", "4"]
    assert reading.groups(named, tmp_path, None) == ["red_3", "red_3", "red_4", "red_4"]
    assert len(set(reading.groups(plain, tmp_path, None))) == 4
    with pytest.raises(UsageError, match=r"does not fit red/red_3_1\.mp4"):
        reading.groups(plain, tmp_path, "scene")
