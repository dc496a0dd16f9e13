"""Time a step of a TensorFlow Lite file's weights in our engines beside LiteRT on that very file, in one run.

    python tests/parity/small.py FILE.tflite [--rounds 40]

LiteRT runs it as it is, and with every number widened to float32; `invoke` alone is timed. Processor time of the
calling thread, one thread each; ratios are to LiteRT as it is.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from ai_edge_litert import interpreter, schema_py_generated

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from stream import exporters, proof, rooms  # noqa: E402  # the checkout is on the path only from here
from stream.cards import Card, load  # noqa: E402
from stream.importers import _tflite_run, tflite  # noqa: E402
from stream.importers._tflite_file import TfliteFile  # noqa: E402
from stream.nets._movinet_identity import identify  # noqa: E402
from stream.runtimes.base import stepper  # noqa: E402

BURST = 5
"""Count of steps in a turn; the first is not counted."""


def ours(file: Path, folder: Path) -> dict[str, Callable[[], object]]:
    reading = tflite.read(str(file), {})
    variant, _, classes = identify(reading.weights)
    labels = tuple(map(str, range(classes)))
    card = Card(name="small", architecture="movinet", variant=variant, fps=5, labels=labels, **reading.facts)
    written = load(str(exporters.store(replace(card, dtype="float32"), reading.weights, folder).path))
    clip = proof.frames(written, 1)

    def one(name: str) -> Callable[[], object]:
        engine = stepper(rooms.find("runtimes", name).build(written, 1))
        return lambda: engine.step(clip)

    return {name: one(name) for name in ("fused", "onnxruntime")}


def theirs(content: bytes) -> Callable[[], None]:
    made = interpreter.Interpreter(model_content=content, num_threads=1)
    made.allocate_tensors()
    random = np.random.default_rng(0)
    for detail in made.get_input_details():
        values = random.random(detail["shape"]) if "image" in detail["name"] else np.zeros(detail["shape"])
        made.set_tensor(detail["index"], values.astype(detail["dtype"]))
    return made.invoke


def timed(step: Callable[[], object]) -> float:
    """Return the middle of a turn's steps, milliseconds."""
    taken = []
    for _ in range(BURST):
        begin = time.thread_time()
        step()
        taken.append(time.thread_time() - begin)
    return float(np.median(taken[1:])) * 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    content = options.file.read_bytes()
    wide = _tflite_run.widened(content, TfliteFile(content), schema_py_generated)
    with tempfile.TemporaryDirectory() as folder:
        steps = ours(options.file, Path(folder))
        steps |= {"LiteRT, float32": theirs(wide)} if wide else {}
        steps |= {"LiteRT, as it is": theirs(content)}
        turns = [{name: timed(step) for name, step in steps.items()} for _ in range(options.rounds)]
    random = np.random.default_rng(0)
    draws = random.integers(0, options.rounds, (2000, options.rounds))
    for name in steps:
        taken = np.array([turn[name] for turn in turns])
        quotients = taken / np.array([turn["LiteRT, as it is"] for turn in turns])
        low, high = np.percentile(np.median(quotients[draws], axis=1), [2.5, 97.5])
        figures = f"lowest {taken.min():.2f}  p50 {np.median(taken):.2f} ms"
        sys.stdout.write(f"{name:<18}  {figures}  {np.median(quotients):.2f} ({low:.2f} to {high:.2f})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
