"""How everyday-a0 is made, on a small network of Kinetics' classes and films of plain colours."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stream import cards, exporters, labels
from stream.cards import Card
from stream.errors import UsageError
from stream.hub import additions
from stream.onnxfile import OnnxFile
from stream.training.everyday import recipe, rows
from stream.training.everyday.recipe import Order, train
from stream.training.everyday.rows import Frames
from stream.training.everyday.tune import TuneSettings
from tests import films, tiny

SHOWN = {"fight": "red", "fall": "green", "a place": "blue"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    classes = labels.read(cards.SHIPPED / "kinetics-600.txt", 600)
    card = replace(tiny.card("plain"), name="kinetics", labels=classes, memory_s=1.0)
    exporters.publish(tiny.net(card), card, folder)
    return folder / "kinetics.toml"


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    lines = ["path,label,group,split"]
    for index, (label, colour) in enumerate([*SHOWN.items()] * 2):
        films.write(folder / f"{index}.mp4", (colour, 12))
        lines.append(f"{index}.mp4,{label},{index},train")
    films.write(folder / "held.mp4", ("dark", 12))
    (folder / "all.csv").write_text("\n".join([*lines, "held.mp4,fight,9,test"]))
    return folder / "all.csv"


def order(base: Path, footage: Path, folder: Path, **changes: object) -> Order:
    usual = {"begin": str(base), "footage": footage, "videos": None, "out": folder / "made.toml", "run": folder / "run"}
    settings = TuneSettings(batches=0, batch=2, frames=4, save_every=2)
    return Order(**(usual | {"settings": settings, "threads": 1, "command": "a test"} | changes))


def test_rows_tell_what_a_frozen_classifier_lacks_in_its_own_softmax() -> None:
    """Of 300 frames each shows row 0, row 1 or neither; the classifier's own logits are as high as they like."""
    rng = np.random.default_rng(0)
    truth = np.arange(300) % 3
    features = (rng.normal(0, 0.3, (300, 8)) + 2 * np.eye(8)[truth]).astype(np.float32)
    offsets = rng.normal(5, 0.5, 300).astype(np.float32)
    found = rows.fit(Frames(features, offsets, truth), ("a", "b"), (1, 1, 1))
    logits = np.concatenate([features @ found.weights.T + found.bias, offsets[:, None]], 1)
    assert np.mean(logits.argmax(1) == truth) > 0.97


def test_the_means_of_a_stream_carry_over_from_clip_to_clip() -> None:
    one, two = np.ones((3, 2), np.float32), np.zeros((3, 2), np.float32)
    means = rows.pooled([one, two], 0.5)
    np.testing.assert_allclose(means[:3], 1)
    assert 0 < means[5, 0] < means[4, 0] < means[3, 0] < 1


def test_without_tuning_only_rows_are_written_and_the_joined_model_says_them(
    base: Path, footage: Path, tmp_path: Path
) -> None:
    train(order(base, footage, tmp_path), lambda _: None)
    found = additions.read(tmp_path / "made.toml")
    assert found.rows.names == ("fight", "fall")
    card = cards.load(str(base))
    _, weights = found.join(card, OnnxFile(card.read_weights()).weights())
    net = tiny.build(replace(card, labels=(*card.labels, *found.rows.names))).eval()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()}, strict=False)
    for name, colour in (("fight", 0), ("fall", 1)):
        clip = torch.zeros(1, 3, 8, 33, 33)
        clip[:, colour] = 1
        logits, _ = net(clip, net.init_state(), card.decay)
        said = logits[0].softmax(0)
        assert (*card.labels, *found.rows.names)[int(said.argmax())] == name


def test_tuning_changes_every_kernel_a_little_and_a_run_goes_on_where_it_was(
    base: Path, footage: Path, tmp_path: Path
) -> None:
    settings = TuneSettings(batches=4, batch=2, frames=4, save_every=2)
    whole = train(order(base, footage, tmp_path / "whole", settings=settings), lambda _: None)
    assert isinstance(whole, Card)
    before, after = (OnnxFile(card.read_weights()).weights() for card in (cards.load(str(base)), whole))
    for name, value in before.items():
        if value.ndim == 4 and not name.startswith("classifier"):
            change = np.abs(after[name] - value).max() / np.sqrt(np.mean(value**2))
            assert 0 < change < 0.2, name
    assert (whole.dtype, whole.shown_labels[0], len(whole.labels)) == ("int8", "fight", 602)

    run = recipe.RunFolder(tmp_path / "broken" / "run")
    said: list[str] = []

    def stop(words: str) -> None:
        said.append(words)
        if words.startswith("batch 2 of 4"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(order(base, footage, tmp_path / "broken", settings=settings), stop)
    assert run.load("checkpoint.pt", torch.device("cpu"))["batch"] == 2
    again = train(order(base, footage, tmp_path / "broken", settings=settings, is_resumed=True), said.append)
    assert again.sha256 == whole.sha256, "a run that was broken off gives the same"


def test_what_cannot_teach_it_is_refused(base: Path, footage: Path, tmp_path: Path) -> None:
    lines = footage.read_text().splitlines()
    for gone, words in (("fall", "has no clip of 'fall'"), ("a place", "has nothing but fight, fall")):
        less = footage.parent / "less.csv"
        less.write_text("\n".join(line for line in lines if f",{gone}," not in line))
        with pytest.raises(UsageError, match=words):
            train(order(base, less, tmp_path), lambda _: None)
    with pytest.raises(UsageError, match=r"lacks '.*'; accepted: a stream model of Kinetics-600"):
        train(order(Path("gestures-a0"), footage, tmp_path), lambda _: None)
