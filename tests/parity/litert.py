"""Writes the official graph of one frame's step with our weights, as SavedModel and `.tflite` file, for `make bench`.

    python -m tests.parity.litert CASE SAVED_FOLDER OUT.tflite

Runs in the environment of `requirements.txt`. The signature takes `image` (1, 1, S, S, 3) and the official states by
their names, and gives `logits` and the states.
"""

import sys
from pathlib import Path

from tests.parity import reference  # first: it sets what TensorFlow reads as it starts
from tests.parity.cases import CASES

tf = reference.tf


def write(name: str, folder: str, out: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    model = reference.build(case)
    reference.fill(model, case.kind)
    shape = [1, 1, case.side_px, case.side_px, 3]
    states = model.backbone.init_states(shape)
    takes = {key: tf.TensorSpec(value.shape, value.dtype, name=key) for key, value in states.items()}
    takes["image"] = tf.TensorSpec(shape, tf.float32, name="image")

    @tf.function(input_signature=[takes])
    def step(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        logits, after = model(inputs, training=False)
        return {**after, "logits": logits}

    module = tf.Module()
    module.model = model
    tf.saved_model.save(module, folder, signatures=step.get_concrete_function())
    out.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
