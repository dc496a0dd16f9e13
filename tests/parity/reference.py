"""Google's side of the comparison: runs in the environment of `requirements.txt`, writes what the network said.

    python -m tests.parity.reference CASE OUT.npz

The settings are those of `official/projects/movinet/tools/export_saved_model.py` and of the published configurations.
"""

import importlib
import os
import sys
import time
import types
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tf_keras
from official.projects.movinet.modeling import movinet, movinet_model

from tests.parity import weights
from tests.parity.cases import CASES, CLASSES, CUTS, FRAMES, Case

ROOT = Path(__file__).parents[2]
Arrays = dict[str, np.ndarray]
Call = tf.types.experimental.PolymorphicFunction
GATES = {"relu6": "hard_sigmoid", "sigmoid": "sigmoid", "clip": lambda x: tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)}
HEADS = {"swish": "simple_swish", "hard_swish": "hard_swish", "relu6": "relu6"}


def mapping() -> types.ModuleType:
    """Import our mapping of names without `stream`'s front door, whose needs are not installed here."""
    for name in ("stream", "stream.nets"):
        package = types.ModuleType(name)
        package.__path__ = [str(ROOT / name.replace(".", "/"))]
        sys.modules[name] = package
    return importlib.import_module("stream.nets._movinet_official")


def build(case: Case) -> tf_keras.Model:
    is_stream = case.kind == "stream"
    specs = tf_keras.layers.InputSpec(shape=(None, None, None, None, 3))
    backbone = movinet.Movinet(
        model_id=case.variant,
        causal=is_stream,
        use_positional_encoding=is_stream and case.variant in ("a3", "a4", "a5"),
        conv_type=case.form,
        se_type=case.se_type if is_stream else "3d",
        activation=case.activation or ("hard_swish" if is_stream else "simple_swish"),
        gating_activation=GATES[case.gate],
        input_specs=specs,
        use_sync_bn=False,
        use_external_states=is_stream,
    )
    return movinet_model.MovinetClassifier(
        backbone,
        num_classes=CLASSES,
        output_states=is_stream,
        input_specs={"image": specs},
        activation=HEADS[case.classifier_activation],
    )


def fill(model: tf_keras.Model, kind: str) -> list[str]:
    """Set every variable from our names; return our keys, each set once."""
    official = mapping()
    filled: list[str] = []
    names = [variable.name for variable in model.variables]
    for variable, name in zip(model.variables, official.qualify(names), strict=True):
        shape = tuple(variable.shape)
        places = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
        flat = np.full(places.size, np.nan, np.float32)
        for key, where in official.convert(name, places, kind).items():
            flat[where.ravel()] = weights.value(key, where.shape).ravel()
            filled.append(key)
        assert np.isfinite(flat).all(), name
        variable.assign(flat.reshape(shape))
    assert len(set(filled)) == len(filled)
    return filled


def tracing(model: tf_keras.Model, case: Case) -> Call:
    """Return the model as one graph for any batch, length and side: tracing is what takes the time."""
    shape = (None, None, None, None, 3)
    signature = {"image": tf.TensorSpec(shape, tf.float32)}
    if case.kind == "stream":
        states = model.initial_state_specs(shape)
        signature |= {name: tf.TensorSpec(spec.shape, spec.dtype) for name, spec in states.items()}
    return tf.function(lambda inputs: model(inputs, training=False), input_signature=[signature])


def run(call: Call, model: tf_keras.Model, case: Case, side: int, batch: int) -> Arrays:
    """Return the logits of the whole clip and, for a stream, of chunks and of single frames, and the last states."""
    clip = weights.clip(case.name, batch, FRAMES, side).transpose(0, 2, 3, 4, 1)  # (B, T, S, S, 3)
    if case.kind == "base":
        return {"whole": call({"image": tf.constant(clip)}).numpy()}
    found: Arrays = {}
    fresh = model.backbone.init_states([batch, 1, side, side, 3])
    for way, cuts in (("whole", (FRAMES,)), ("chunks", CUTS), ("frames", (1,) * FRAMES)):
        states, rows, start = fresh, [], 0
        for length in cuts:
            logits, states = call({**states, "image": tf.constant(clip[:, start : start + length])})
            rows.append(logits.numpy().reshape(batch, CLASSES))
            start += length
        found[way] = np.stack(rows)
        found |= {f"{way}/{name}": state.numpy() for name, state in states.items()}
    return found


def main(name: str, out: str) -> None:
    case = next(case for case in CASES if case.name == name)
    begin = time.perf_counter()
    model = build(case)
    keys = fill(model, case.kind)
    call = tracing(model, case)
    live = run(call, model, case, case.side_px, batch=2)
    golden = run(call, model, case, case.golden_px, batch=1)
    arrays = {f"live/{key}": array for key, array in live.items()} | {f"golden/{key}": a for key, a in golden.items()}
    trainable = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    np.savez(out, keys=np.array(keys), trainable=trainable, seconds=time.perf_counter() - begin, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
