"""Labelled frames: a head for one video in seconds, in a card that every command takes."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import stream
from stream import cards
from stream.config import Thresholds
from stream.errors import UsageError
from stream.exporters import publish
from stream.preprocess import square
from stream.sources import open_source
from stream.training import features, frames, own_frames, recipes, tables
from stream.training.own_frames import Order
from stream.training.probe.trunk import Trunk
from tests import tiny
from tests.training import boxes

COLOURS = ["red"] * 30 + ["blue"] * 30 + ["green"] * 30 + ["red"] * 20


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five and a half seconds at 20 frames per second; the card's rate is 10."""
    return boxes.write(tmp_path_factory.mktemp("video") / "colours.mp4", COLOURS)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    card = tiny.card("relu6", fps=10.0)
    publish(tiny.net(card), card, folder)
    return folder / "relu6.toml"


def table(folder: Path, *rows: str, header: str = "frame,label") -> Path:
    path = folder / "frames.csv"
    path.write_text("".join(f"{row}\n" for row in (header, *rows)))
    return path


def order(base: Path, video: Path, folder: Path) -> Order:
    out = folder / "x.toml"
    return Order(table=labelled(folder), video=video, begin=str(base), out=out, run=folder, command="")


def labelled(folder: Path, step: int = 3) -> Path:
    return table(folder, *(f"{index},{COLOURS[index]}" for index in range(0, len(COLOURS), step)))


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_some_labelled_frames_make_a_card_that_tells_the_others_in_seconds(
    head: str, base: Path, video: Path, tmp_path: Path
) -> None:
    begun_s = time.process_time()
    out = tmp_path / "colours.toml"
    own_frames.train(replace(order(base, video, tmp_path), out=out, head=head))
    assert time.process_time() - begun_s < 30
    card = cards.load(str(out))
    assert card.labels == ("blue", "green", "red")
    assert card.measured["held_out"]["accuracy"] > 0.85
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")
    session, right, count = stream.load(str(out)).session(top_k=1, smoothing_s=0.0, memory_s=0.02), 0, 0
    with open_source(str(video)) as source:
        shown = [frame for packet in source for frame in source.decode(packet)]
    for index, frame in enumerate(shown):
        if (update := session.feed(frame)) and index % 3:
            right, count = right + (update.labels[0].name == COLOURS[index]), count + 1
    assert count > 30
    assert right > 0.85 * count


def test_a_feature_is_what_the_layer_is_given_for_the_frame_alone(base: Path, video: Path) -> None:
    trunk = Trunk(cards.load(str(base)), is_still=True)
    shown = list[np.ndarray]()
    with open_source(str(video)) as source:
        for frame in (frame for packet in source for frame in source.decode(packet)):
            shown.append(square(frame.picture, trunk.card.side_px, trunk.card.fit))
    found = features.of_frames(trunk, video, [40, 41])
    assert list(found) == [40, 41]
    for index in (40, 41):
        assert np.allclose(found[index], trunk.features([shown[index][None]])[0], rtol=1e-4, atol=1e-4)


def test_views_after_the_first_are_the_frame_a_little_changed(base: Path, video: Path) -> None:
    trunk = Trunk(cards.load(str(base)), is_still=True)
    plain, more = (features.of_frames(trunk, video, [40], views=views)[40] for views in (1, 3))
    assert (plain.shape[0], more.shape[0]) == (1, 3)
    assert np.allclose(plain[0], more[0], atol=1e-4)
    assert not np.allclose(more[1], more[2], atol=1e-4)
    assert np.allclose(more, features.of_frames(trunk, video, [40], views=3)[40]), "the same seed gives the same"


def test_thresholds_of_other_labels_are_not_taken_over(base: Path) -> None:
    stern = replace(cards.load(str(base)), begin_threshold=0.9, end_threshold=0.8)
    assert frames.card_of(stern, "x", ("a", "b")).thresholds == Thresholds()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["0,red", "x,blue"], ":3: 'x,blue'; accepted: the number of a frame"),
        (["0,red", "-1,blue"], ":3: '-1,blue'"),
        (["0,red", "1,"], ":3: '1,'"),
        (["0,red", "1,blue,2"], ":3: '1,blue,2'"),
        (["0,red", "1,blue", "0,blue"], ":4: frame 0 is there already"),
        (["0,red", "1,red"], "has 1 labels; accepted: two or more"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_line(rows: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        frames.read(table(tmp_path, *rows))
    assert "frames.csv" in str(caught.value)


def test_a_frame_that_is_not_there_is_said_with_how_many_there_are(base: Path, video: Path, tmp_path: Path) -> None:
    wanted = replace(order(base, video, tmp_path), table=table(tmp_path, "0,red", "500,blue"))
    with pytest.raises(UsageError, match="has 110 frames; frame 500 is labelled, the first is number 0"):
        own_frames.train(wanted)


def test_a_table_is_known_by_its_header(tmp_path: Path) -> None:
    assert tables.is_table(table(tmp_path, "0,red"))
    assert not tables.is_table(table(tmp_path, "a.mp4,red", header="path,label"))
    assert not tables.is_table(tmp_path)


def test_each_label_is_cut_into_stretches_of_time() -> None:
    truth = np.array([0] * 10 + [1] * 5 + [0] * 10)
    found = frames.stretches(truth)
    assert found[truth == 0].tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4
    assert found[truth == 1].tolist() == [0, 1, 2, 3, 4]


def test_the_only_frame_of_a_label_is_learned_and_never_held_out() -> None:
    assert frames.stretches(np.array([0, 1, 1, 2])).tolist() == [-1, 0, 2, -1]
    net = recipes.start(tiny.card("relu6", labels=("a", "b")), 0)
    x = np.eye(2, 1024, dtype=np.float32)[:, None]
    head = frames.learn(net, "linear", x, np.array([0, 1]), 2, 1)
    assert head.counts.sum() == 0
    assert all(bool(value.isfinite().all()) for value in head.layers.values())


def test_one_frame_a_label_makes_a_card_that_claims_nothing(base: Path, video: Path, tmp_path: Path) -> None:
    few = replace(order(base, video, tmp_path), table=table(tmp_path, "10,red", "40,blue", "70,green"))
    card = own_frames.train(few)
    assert card.measured == {"held_out": {"frames": 0, "note": own_frames.UNJUDGED}}
    assert not (tmp_path / "confusion.png").exists()
    more = replace(few, table=table(tmp_path, "10,red", "12,red", "40,blue", "70,green"), is_forced=True)
    assert own_frames.train(more).measured["held_out"]["note"].endswith("not judged: blue, green")


def test_a_model_that_is_there_is_not_replaced_unasked_and_its_card_is_the_new_ones(
    base: Path, video: Path, tmp_path: Path
) -> None:
    wanted = order(base, video, tmp_path)
    card = own_frames.train(wanted)
    assert (card.licence, card.source) == ("", "made with stream-train from relu6")
    kept = wanted.out.read_bytes()
    with pytest.raises(UsageError, match=r"x\.toml is there already; accepted: --force to replace it"):
        own_frames.train(replace(wanted, table=table(tmp_path, "10,red", "40,blue")))
    assert wanted.out.read_bytes() == kept


def test_held_out_frames_are_judged_by_a_head_that_never_saw_them() -> None:
    """Features that tell the frame, not the label: what is learned is of no use for the others."""
    net = recipes.start(tiny.card("relu6", labels=("a", "b")), 0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((100, 1, 1024)).astype(np.float32)
    head = frames.learn(net, "linear", x, rng.integers(0, 2, 100), 2, 1)
    assert head.counts.sum() == 100
    assert 0.3 < head.counts.trace() / 100 < 0.7
