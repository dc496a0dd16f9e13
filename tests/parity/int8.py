"""What int8 arithmetic would give: the default model quantised for ONNX Runtime, speed and accuracy side by side.

    python tests/parity/int8.py [--clips 480] [--rounds 40]

Convolutions are quantised (QDQ; weights int8 with a factor a channel, inputs uint8), calibrated over clips of seeds
that nothing is judged by; pools, counts, norms and states stay float32. Speed: processor time of one thread,
interleaved with the engines that ship. Accuracy: the generated clips of `stream-eval`, the same ones for both.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static  # noqa: E402
from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: E402

import stream  # noqa: E402  # the checkout is on the path only from here
from stream import cards, shelf, steps  # noqa: E402
from stream.bench.figures import ratio  # noqa: E402
from stream.bench.meter import Plan, measure  # noqa: E402
from stream.bench.step import Engine  # noqa: E402
from stream.evaluation import generated  # noqa: E402
from stream.exporters import _phone  # noqa: E402
from stream.intervals import wilson  # noqa: E402
from stream.pictures import RgbPicture  # noqa: E402
from stream.preprocess import preprocess  # noqa: E402
from stream.recogniser import Recogniser  # noqa: E402
from tests.parity.run import say  # noqa: E402

SEED = 900
"""Of the clips that are calibrated over."""
EVERY = 5
"""Of their frames, one in so many is kept."""


class Shown(CalibrationDataReader):
    """What goes into the graph at some frames of some clips, states included."""

    def __init__(self, recogniser: Recogniser, count: int) -> None:
        self._inputs = self._walk(recogniser, count)

    def get_next(self) -> Any:
        """Return the next inputs; None after the last."""
        return next(self._inputs, None)

    def _walk(self, recogniser: Recogniser, count: int) -> Iterator[dict[str, Any]]:
        decay = np.full((1, 1, 1, 1), recogniser.card.decay, np.float32)
        for index in range(count):
            label = recogniser.labels[index % len(recogniser.labels)]
            state = recogniser.init_state(1)
            for number, frame in enumerate(generated.clip(label, (SEED, index))):
                clip = preprocess(RgbPicture(np.ascontiguousarray(frame)), recogniser.card)
                if number % EVERY == EVERY - 1:
                    yield {steps.IMAGE: clip[:, :, 0], steps.DECAY: decay, **state}
                _, state = recogniser.step(clip, state)


def quantised(card: cards.Card, folder: Path, clips: int) -> Path:
    """Write the folded graph of a card, quantise it, and return its card."""
    plain, ready, out = (folder / name for name in ("plain.onnx", "ready.onnx", "int8.onnx"))
    plain.write_bytes(_phone.encode(shelf.net(card, card.read_weights()), card, "float32"))
    quant_pre_process(plain, ready)
    quantize_static(
        ready,
        out,
        Shown(stream.load("gestures-a0", "fused"), clips),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        op_types_to_quantize=["Conv"],
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    sha256 = hashlib.sha256(out.read_bytes()).hexdigest()
    found = replace(card, name="int8", weights=out.name, sha256=sha256, is_folded=True)
    (folder / "int8.toml").write_text(cards.dump(found), "utf-8")
    return folder / "int8.toml"


def accuracy(recogniser: Recogniser, count: int, seed: int) -> list[str]:
    """Return the first label of every clip of `stream-eval`."""
    return [recogniser.labels[int(said.argmax())] for _, said in generated.clips(recogniser, count, seed)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=480)
    parser.add_argument("--seed", type=int, default=3, help="of the clips that are judged")
    parser.add_argument("--rounds", type=int, default=40)
    given = parser.parse_args()
    card = cards.load("gestures-a0")
    steps.OPERATORS |= {"QuantizeLinear", "DequantizeLinear"}
    with tempfile.TemporaryDirectory() as folder:
        file = quantised(card, Path(folder), 60)
        who = {
            "int8 in onnxruntime": stream.load(str(file), "onnxruntime"),
            "float32 in onnxruntime": stream.load("gestures-a0", "onnxruntime"),
            "float32 in fused": stream.load("gestures-a0", "fused"),
        }
    truth = [label for label, _ in zip(card.labels * given.clips, range(given.clips), strict=False)]
    said = {name: accuracy(who[name], given.clips, given.seed) for name in list(who)[::2]}
    for name, labels in said.items():
        right = sum(map(str.__eq__, truth, labels))
        low, high = wilson(right, len(truth))
        say(f"{name:24} {100 * right / len(truth):5.1f} %  ({100 * low:.1f} to {100 * high:.1f}) of {len(truth)} clips")
    random = np.random.default_rng(0)
    clips = [random.random((1, 3, 1, card.side_px, card.side_px), np.float32) for _ in range(8)]
    engines = {name: Engine(one.runtime) for name, one in who.items()}
    times = measure(engines, clips, Plan(rounds=given.rounds, clock="cpu"))
    for name, found in times.items():
        share = ratio(found, times["float32 in fused"])
        say(f"{name:24} {share.value:5.2f}  ({share.low:.2f} to {share.high:.2f})  lowest {found.min() / 1e6:.2f} ms")


if __name__ == "__main__":
    main()
