"""Google's own int8 file on real clips: exact where both compute in float32, near where LiteRT rounds."""

import csv
from pathlib import Path

import av
import numpy as np
import pytest

from stream import cards, labels, proof
from stream.cards import Card
from stream.importers import tflite
from stream.importers.base import Reading, Trace
from stream.pictures import RgbPicture
from stream.preprocess import preprocess
from stream.types import Array

DATA = Path(__file__).parents[3] / "shared" / "data"
FILE = DATA / "weights" / "movinet_a0_stream_int8.tflite"
FPS, FRAMES = 5.0, 15

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no {FILE.name} in ../shared")


@pytest.fixture(scope="module")
def reading() -> Reading:
    return tflite.read(str(FILE), {})


@pytest.fixture(scope="module")
def card(reading: Reading) -> Card:
    names = labels.read(cards.SHIPPED / "kinetics-600.txt", 600)
    return Card(name="k600", architecture="movinet", variant="a0", fps=FPS, labels=names, **reading.facts)


@pytest.fixture(scope="module")
def clips(card: Card) -> dict[str, Array]:
    """The first test clip of each of nine groups that Kinetics has words for, (1, 3, T, S, S) each."""
    with (DATA / "real" / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    chosen: dict[tuple[str, str], str] = {}
    for row in rows:
        if row["source"] in ("gym", "weizmann", "ucf101_six"):
            chosen.setdefault((row["source"], row["label"]), row["path"])
    return {path: film(DATA / "real" / path, card) for path in list(chosen.values())[:9]}


def film(path: Path, card: Card) -> Array:
    shown, due = [], 0.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if float(frame.time or 0) >= due and len(shown) < FRAMES:
                shown.append(preprocess(RgbPicture(frame.to_ndarray(format="rgb24")), card))
                due += 1 / FPS
    return np.concatenate(shown, axis=2)


def test_it_is_the_net_that_the_facts_say(reading: Reading) -> None:
    assert reading.facts == {
        **{"activation": "relu6", "classifier_activation": "relu6", "se_type": "none"},
        **{"dtype": "int8", "side_px": 172},
    }


def test_with_its_numbers_widened_litert_computes_what_we_compute(
    reading: Reading, card: Card, clips: dict[str, Array]
) -> None:
    assert reading.reference
    ours = proof.runner(card, reading.weights)
    worst = max(
        proof.difference(ours(clip)["logits"], reading.reference.run(clip)["logits"]) for clip in clips.values()
    )
    print(f"largest difference of a logit over {len(clips)} clips: {worst:.1e}")  # noqa: T201
    assert worst <= 1e-4


def test_as_it_is_litert_is_near(reading: Reading, card: Card, clips: dict[str, Array]) -> None:
    """Its head sums in int8 with a step of 0.59, which is what most of the difference is: the buffers agree."""
    assert reading.as_it_is
    run = proof.runner(card, reading.weights)
    pairs = [(run(clip), reading.as_it_is.run(clip)) for clip in clips.values()]
    ours, theirs = (np.concatenate([pair[side]["logits"] for pair in pairs]) for side in (0, 1))
    same = float((ours.argmax(1) == theirs.argmax(1)).mean())
    correlation = float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1])
    buffers = min(correlations(pairs))
    print(f"{len(ours)} frames: {same:.1%} equal first labels, r {correlation:.4f}, buffers r >= {buffers:.4f}")  # noqa: T201
    assert (same >= 0.7, correlation >= 0.95, buffers >= 0.98) == (True, True, True)


def correlations(pairs: list[tuple[Trace, Trace]]) -> list[float]:
    names = [name for name in pairs[0][0] if "_stream_buffer_" in name]
    joined = [[np.concatenate([pair[side][name].ravel() for pair in pairs]) for side in (0, 1)] for name in names]
    return [float(np.corrcoef(*both)[0, 1]) for both in joined]


def test_what_is_stored_as_int8_is_what_the_file_has(reading: Reading, card: Card) -> None:
    _, found = proof.stored(card, reading, "int8")
    assert found["largest_change"] <= 1e-4
