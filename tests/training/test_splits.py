"""Splits: no recording is on both sides, and nobody is led to a split that hides it."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import UsageError
from stream.training import splits
from stream.training.datasets import Sample

ROOT = Path("/data")


def samples(*names: str, **changes: str) -> list[Sample]:
    return [Sample(ROOT / name, name.split("/")[0], **changes) for name in names]


def scenes() -> list[Sample]:
    """Six clips of each of five scenes, two classes, as LABEL_SCENE_TAKE."""
    return samples(*(f"{c}/{c}_{scene}_{take}.mp4" for c in ("run", "sit") for scene in range(5) for take in range(3)))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), min_size=12, max_size=60), st.integers(0, 5))
def test_no_group_is_ever_on_both_sides(pairs: list[tuple[str, int]], seed: int) -> None:
    made = [Sample(ROOT / f"{i}.mp4", label, group=f"g{group}") for i, (label, group) in enumerate(pairs)]
    try:
        found = splits.split(made, ROOT, 0.3, seed=seed)
    except UsageError:
        return  # one group, or a class of one group
    sides = [{sample.group for sample in side} for side in (found.train, found.validation)]
    assert not sides[0] & sides[1]
    assert sides == [set(found.groups["train"]), set(found.groups["validation"])]
    assert sorted(map(str, (*found.train, *found.validation))) == sorted(map(str, made))
    assert {sample.label for sample in found.train} == {sample.label for sample in made}


def test_every_class_is_on_both_sides_where_its_groups_allow_it() -> None:
    made = [
        Sample(ROOT / f"{label}{group}{take}.mp4", label, group=f"{group}")
        for label, groups in {"a": (1, 2, 3), "b": (2, 4), "c": (5, 6, 1)}.items()
        for group in groups
        for take in range(4)
    ]
    for seed in range(10):
        found = splits.split(made, ROOT, 0.35, seed=seed)
        assert {sample.label for sample in found.validation} == {"a", "b", "c"}


def test_the_same_seed_gives_the_same_split_and_another_another() -> None:
    made = [Sample(ROOT / f"{i}.mp4", "ab"[i % 2], group=f"{i // 2}") for i in range(80)]
    assert splits.split(made, ROOT, 0.2, seed=3) == splits.split(made, ROOT, 0.2, seed=3)
    assert splits.split(made, ROOT, 0.2, seed=3) != splits.split(made, ROOT, 0.2, seed=4)
    assert len(splits.split(made, ROOT, 0.2, seed=3).validation) == pytest.approx(16, abs=3)


def test_groups_are_taken_from_the_path_by_an_expression() -> None:
    found = splits.split(scenes(), ROOT, 0.2, group_by=r"_(\d+)_")
    assert [len(found.groups["train"]), len(found.groups["validation"])] == [4, 1]
    assert r"(\d+)" in found.how


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "--group-by '\\('.*accepted: a regular expression"),
        (r"(\d+)x", r"--group-by '\(\\d\+\)x' does not fit"),
        (r"_x(\d+)", "does not fit run/run_0_0.mp4"),
        (r"\.(mp4)$", "one group only, 'mp4'"),
    ],
)
def test_an_expression_that_does_not_fit_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        splits.split(scenes(), ROOT, 0.2, group_by=pattern)


def test_a_class_of_one_group_cannot_be_split() -> None:
    made = [Sample(ROOT / f"{i}.mp4", "a" if i < 6 else "b", group=f"{i // 3}" if i < 6 else "x") for i in range(9)]
    found = splits.split(made, ROOT, 0.3)
    assert "not in the validation, for want of groups: b" in found.how
    lonely = [Sample(ROOT / "1.mp4", "a", group="1"), Sample(ROOT / "2.mp4", "b", group="2")]
    with pytest.raises(UsageError, match=r"nothing is left to learn 'b' from|nothing is left to learn 'a' from"):
        splits.split(lonely, ROOT, 0.5)
    assert len(splits.split(lonely, ROOT, 0.0).train) == 2


@pytest.mark.parametrize(
    ("names", "recordings"),
    [
        ([f"{c}/{c}_{s}_{t}.mp4" for c in ("Jump", "Run") for s in (1, 8) for t in range(3)], ("1", "8")),
        ([f"{c}/v_{c}_g{g:02}_c0{t}.avi" for c in ("Jump", "Run") for g in (1, 2) for t in range(3)], ("g01", "g02")),
        ([f"{c}/{day}/{t}.mp4" for c in ("a", "b") for day in ("mon", "tue") for t in range(2)], ("mon", "tue")),
        ([f"{c}/{who}{t}.mp4" for c in ("a", "b") for who in ("ann", "bob") for t in range(2)], ("ann", "bob")),
        (
            [f"{c}/2024010{d}_12000{t}.mp4" for c in ("a", "b") for d in (5, 6) for t in range(4)],
            ("20240105", "20240106"),
        ),
    ],
    ids=["scene", "ucf", "folders", "people", "days"],
)
def test_names_that_look_like_recordings_are_not_split_at_random(names: list[str], recordings: tuple[str, ...]) -> None:
    made = samples(*names)
    with pytest.raises(UsageError, match=r"measure the recording.*--group-by '.*--split random") as caught:
        splits.split(made, ROOT, 0.3)
    advised = str(caught.value).split("--group-by '")[1].split("', which")[0]
    found = splits.split(made, ROOT, 0.3, group_by=advised)
    assert sorted(found.groups["train"] + found.groups["validation"]) == list(recordings)
    assert "at random" in splits.split(made, ROOT, 0.3, how="random").how


def test_the_pattern_that_is_advised_is_one_that_people_can_read() -> None:
    made = samples(*(f"{c}/{c}_{scene}_{take}.mp4" for c in ("run", "sit") for scene in (1, 2) for take in range(3)))
    with pytest.raises(UsageError, match=re.escape(r"accepted: --group-by '_(\d+)_', which takes these")):
        splits.split(made, ROOT, 0.3)


@pytest.mark.parametrize(
    "names",
    [
        [f"{c}/{i}.mp4" for c in ("a", "b") for i in range(6)],
        [f"{c}/{c}{i}.mp4" for c in ("jump", "run") for i in range(6)],
        [f"{c}/{c}_{i}.mp4" for c in ("jump", "run") for i in range(6)],
        [f"{c}/IMG_{i:04}.mp4" for c in ("a", "b") for i in range(6)],
    ],
)
def test_names_that_only_count_are_split_by_video(names: list[str]) -> None:
    found = splits.split(samples(*names), ROOT, 0.3)
    assert "no groups were seen" in found.how
    assert 3 <= len(found.validation) <= 5


def test_pieces_of_one_video_stay_together_where_nothing_else_is_known() -> None:
    made = [Sample(ROOT / f"{v}.mp4", "ab"[p % 2], p, p + 1) for v in "pqrs" for p in range(4)]
    found = splits.split(made, ROOT, 0.25)
    assert not {s.path for s in found.train} & {s.path for s in found.validation}


def test_a_split_that_comes_with_the_data_is_kept_and_its_test_part_left_alone() -> None:
    parts = {"train": ("1", "2"), "validation": ("3",), "test": ("4",)}
    made = [
        Sample(ROOT / f"{c}{name}.mp4", c, group=name, subset=part)
        for part, names in parts.items()
        for name in names
        for c in "ab"
    ]
    found = splits.split(made, ROOT, 0.5)
    assert [len(found.train), len(found.validation), found.how] == [4, 2, "as the data says"]
    assert all(sample.subset == "train" for sample in found.train)
    torn = [*made, Sample(ROOT / "x.mp4", "a", group="1", subset="validation")]
    with pytest.raises(UsageError, match="'1' on both sides"):
        splits.split(torn, ROOT, 0.5)


def test_classes_weigh_the_same_in_all() -> None:
    made = samples("a/1.mp4", "a/2.mp4", "a/3.mp4", "b/1.mp4")
    found = splits.counts(made, ("a", "b", "c"))
    assert found.tolist() == [3, 1, 0]
    assert np.allclose(splits.balanced(found[:2]), [4 / 6, 2.0])  # as scikit-learn's "balanced"
    assert splits.balanced(found)[2] == 0
