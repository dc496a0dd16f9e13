"""The page computes what the package does, run by node: events, fading memory, lightened pictures."""

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream import manifest
from stream.config import SessionSettings
from stream.label_sets import Summing
from stream.pictures import RgbPicture
from stream.preprocess import preprocess
from stream.smoothing import Smoother
from stream.types import Phase, Scores
from tests import tiny

WEB = Path(__file__).parents[2] / "web"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="no node (Debian: nodejs)")


def node(code: str, given: Any) -> Any:
    """Run a module that reads `given` and writes what it found as JSON."""
    read = "import { readFileSync } from 'node:fs';\nconst given = JSON.parse(readFileSync(0, 'utf8'));\n"
    command = [str(NODE), "--input-type=module", "--eval", read + code]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, cwd=WEB, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def model() -> dict[str, Any]:
    card = tiny.card("relu6", background=("one",), memory_s=2.0)
    return dict(json.loads(manifest.dump(card, "onnx", {})))


def test_the_same_actions_begin_and_end_at_the_same_moments() -> None:
    rng = np.random.default_rng(0)
    walk = np.zeros((400, 5))
    for i in range(1, 400):
        walk[i] = 0.8 * walk[i - 1] + rng.normal(0, 2, 5)
    scores = np.exp(walk - walk.max(1, keepdims=True))
    scores = (scores / scores.sum(1, keepdims=True)).astype(np.float32)
    times_s = np.cumsum(rng.uniform(0.05, 0.2, 400))
    smoother, expected = Smoother(tuple(model()["labels"]), SessionSettings(), ("one",)), []
    for row, at_s in zip(scores, times_s, strict=True):
        events = smoother.update(Scores(row, float(at_s)))
        expected += [
            (event.phase.name, event.label, event.begin_s, event.offset_s, event.probability)
            for event in events
            if event.phase is not Phase.UPDATE
        ]
    code = """
        import { Smoother } from "./smooth.js";
        const smoother = new Smoother(given.model);
        const told = given.scores.flatMap((row, i) => smoother.update(row, given.times_s[i]));
        console.log(JSON.stringify(told));"""
    told = node(code, {"model": model(), "scores": scores.tolist(), "times_s": times_s.tolist()})
    assert len(expected) > 20
    assert sorted((event["phase"], event["label"]) for event in told) == sorted(event[:2] for event in expected)
    ends = {(event["label"], round(event["begin_s"], 6)): event for event in told if event["phase"] == "END"}
    for phase, label, begin_s, offset_s, probability in expected:
        if phase == "END":
            found = ends[label, round(begin_s, 6)]
            assert (found["end_s"], found["probability"]) == pytest.approx((offset_s, probability), abs=1e-5)


def test_label_sets_and_the_thresholds_of_single_labels_are_heeded() -> None:
    """Some of the classes are added up, one label is quick, one experimental, and the rest is background."""
    own = {"quick": {"begin_threshold": 0.2, "end_threshold": 0.1, "min_duration_s": 0.0}}
    sets = {"both": ("one", "four"), "quick": ("two",), "unsure": ("three",)}
    card = tiny.card("relu6", label_sets=sets, experimental=("unsure",), label_thresholds=own)
    scores = np.random.default_rng(3).dirichlet(np.full(5, 0.3), 300).astype(np.float32)
    smoother = Smoother(card.shown_labels, SessionSettings(), card.silent_labels, own=card.own_thresholds)
    summing = Summing(card.sets, card.labels)
    expected, best = [], []
    for i, row in enumerate(scores):
        events = smoother.update(Scores(summing(row), i / 5))
        expected += [(event.phase.name, event.label) for event in events if event.phase is not Phase.UPDATE]
        best.append([label.name for label in smoother.labels(2)])
    code = """
        import { Smoother } from "./smooth.js";
        const smoother = new Smoother(given.model), best = [];
        const told = given.scores.flatMap((row, i) => {
          const events = smoother.update(row, i / 5);
          best.push(smoother.best(2).map(({ label }) => label));
          return events;
        });
        console.log(JSON.stringify({ told, best }));"""
    found = node(code, {"model": json.loads(manifest.dump(card, "onnx", {})), "scores": scores.tolist()})
    assert sorted((event["phase"], event["label"]) for event in found["told"]) == sorted(expected)
    assert {label for _, label in expected} == {"both", "quick"}
    assert found["best"] == best


def test_memory_fades_by_the_time_that_went_by() -> None:
    code = """
        import { Stream, probabilities } from "./step.js";
        const ort = { Tensor: class { constructor(type, data, shape) { Object.assign(this, { data, shape }); } } };
        const stream = new Stream(ort, null, given);
        console.log(JSON.stringify([null, 0.2, 0.21, 1].map((gap_s) => stream.decay(gap_s))));"""
    found = node(code, model())
    assert found == pytest.approx([math.exp(-0.1), math.exp(-0.1), math.exp(-0.1), math.exp(-0.5)])


@pytest.mark.parametrize(("output", "expected"), [("softmax", [0.5, 0.5]), ("sigmoid", [1.0, 1.0])])
def test_large_logits_do_not_overflow(output: str, expected: list[float]) -> None:
    code = f"""
        import {{ probabilities }} from "./step.js";
        console.log(JSON.stringify(probabilities(given, "{output}")));"""
    assert node(code, [1000, 1000]) == pytest.approx(expected)


@pytest.mark.parametrize("fit", ["stretch", "pad"])
@pytest.mark.parametrize(("brightness", "most"), [(0.0, 60), (0.4, 60), (0.4, 255), (0.9, 1), (0.4, 0)])
def test_dark_pictures_are_raised_as_the_card_says(fit: str, brightness: float, most: int) -> None:
    """A picture of 33 x 11: `pad` puts 11 rows of black above and below it."""
    rgb = np.random.default_rng(0).integers(0, most, (11, 33, 3), np.uint8, endpoint=True)
    expected = preprocess(RgbPicture(rgb), tiny.card("clip", fit=fit, lighten=brightness))  # of 33 px
    seen = preprocess(RgbPicture(rgb), tiny.card("clip", fit=fit))[0, :, 0]
    pixels = np.full((33, 33, 4), 255, np.uint8)
    pixels[..., :3] = np.rint(255 * seen).transpose(1, 2, 0)
    code = """
        import { lightened } from "./camera.js";
        console.log(JSON.stringify(Array.from(lightened(given.pixels, given.brightness, given.share))));"""
    share = 1 / 3 if fit == "pad" else 1
    found = node(code, {"pixels": pixels.ravel().tolist(), "brightness": brightness, "share": share})
    assert np.allclose(found, expected.ravel(), atol=1e-6)
    assert (np.mean(found) > seen.mean()) == (0 < seen.mean() / share < brightness)
