"""Google's own code, where it is installed: what a bare checkpoint is run in."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from stream.importers._tensorflow import clip_trace, stream_trace
from stream.importers.base import Reference, Run
from stream.nets._movinet_specs import SPECS

MISSING = "not compared: Google's own code is not installed (tf-models-official, and TF_USE_LEGACY_KERAS=1)"


def reference(
    variant: str, kind: str, classes: int, form: str, given: Mapping[str, Any], restore: Callable[[Any], None]
) -> Reference | None:
    """Return Google's network with the weights that `restore` puts into it; None where its code is not installed.

    Args:
        variant: t0, a0 ... a5.
        kind: stream or base.
        classes: count.
        form: its `conv_type`.
        given: `gate` and `classifier_activation` of a card.
        restore: takes the Keras model and loads the file into it.
    """
    try:
        movinet = importlib.import_module("official.projects.movinet.modeling.movinet")
        heads = importlib.import_module("official.projects.movinet.modeling.movinet_model")
        keras = importlib.import_module("tf_keras")
    except ImportError:
        return None
    specs = keras.layers.InputSpec(shape=(None, None, None, None, 3))
    is_stream = kind == "stream"
    backbone = movinet.Movinet(
        model_id=variant,
        causal=is_stream,
        use_positional_encoding=is_stream and SPECS[variant].is_positional,
        conv_type=form,
        se_type="2plus3d" if is_stream else "3d",
        activation="hard_swish" if is_stream else "simple_swish",
        gating_activation=_gate(given["gate"]),
        input_specs=specs,
        use_sync_bn=False,
        use_external_states=is_stream,
    )
    head = "hard_swish" if given["classifier_activation"] == "hard_swish" else "simple_swish"
    model = heads.MovinetClassifier(
        backbone, num_classes=classes, output_states=is_stream, input_specs={"image": specs}, activation=head
    )
    restore(model)
    return Reference("Google's own code", _run(model, is_stream), is_gate_told=False)


def _run(model: Any, is_stream: bool) -> Run:
    tensorflow = importlib.import_module("tensorflow")
    call = tensorflow.function(lambda inputs: model(inputs, training=False))
    if not is_stream:
        return lambda clip: clip_trace(lambda image: call({"image": image}), clip)
    return lambda clip: stream_trace(call, model.init_states([1, 1, clip.shape[-1], clip.shape[-1], 3]), clip)


def _gate(name: str) -> Any:
    """Return the official name of a gate, or what it computes where it has none."""
    if name == "clip":
        tensorflow = importlib.import_module("tensorflow")
        return lambda x: tensorflow.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)
    return {"relu6": "hard_sigmoid", "sigmoid": "sigmoid"}[name]
