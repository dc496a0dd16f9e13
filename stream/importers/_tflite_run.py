"""Runs a TensorFlow Lite file in LiteRT, where that is installed: as it is, and with every number widened to float32.

Int8 and dynamic-range files round what passes between their operations, so that no engine of float32 agrees with them.
Widened, they compute with the same weights and round nothing: that is what ours can be held against.
"""

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from stream.importers._tensorflow import our_states
from stream.importers._tflite_file import TfliteFile
from stream.importers.base import Reference, Trace
from stream.types import Array

LOGITS, IMAGE, STATE = "logits", "image", "state_"
FLOAT32 = 0
"""`TensorType`."""
ROUNDED = (3, 7, 9)
"""`TensorType` of what is computed with in whole numbers: uint8, int16, int8."""
NARROW = (1, *ROUNDED)
"""`TensorType` of what is widened: float16 too, which LiteRT widens by itself."""
BORDERS = ("QUANTIZE", "DEQUANTIZE")
"""Operations that do nothing once all is float32."""
MISSING = "not compared: LiteRT is not installed (pip install ai-edge-litert)"
UNNAMED = "not compared: the file has no signature that names its states"


def references(content: bytes, file: TfliteFile, has_se: bool) -> tuple[Reference | None, Reference | None, str]:
    """Return the file widened and the file as it is, in LiteRT; and why there is none.

    Args:
        content: the file.
        file: the same, opened.
        has_se: whether its blocks pool; a file without passes the states of those pools through unused.

    Returns:
        What computes in float32; what rounds more than that, None where nothing does; a note where neither can run.
    """
    try:
        litert = importlib.import_module("ai_edge_litert.interpreter")
        schema = importlib.import_module("ai_edge_litert.schema_py_generated")
    except ImportError:
        return None, None, MISSING
    wide = widened(content, file, schema)
    if wide is None:
        reference = _reference(litert, content, has_se, "the file")
        return reference, None, "" if reference else UNNAMED
    reference = _reference(litert, wide, has_se, "the file, its numbers widened to float32,")
    as_it_is = _reference(litert, content, has_se, "the file as it is")
    return reference, as_it_is, "" if reference else UNNAMED


def _reference(litert: Any, content: bytes, has_se: bool, what: str) -> Reference | None:
    interpreter = litert.Interpreter(
        model_content=content,
        num_threads=1,
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,  # those tell stderr so
    )
    signatures = interpreter.get_signature_list()
    name = next((name for name, it in signatures.items() if {IMAGE} <= set(it["inputs"])), None)
    if name is None or LOGITS not in signatures[name]["outputs"]:
        return None
    states = [state for state in signatures[name]["inputs"] if state != IMAGE]
    if not all(state in signatures[name]["outputs"] for state in states):
        return None
    runner = interpreter.get_signature_runner(name)
    return Reference(f"{what} in LiteRT", lambda clip: _run(runner, clip, has_se))


def _run(runner: Any, clip: Array, has_se: bool) -> Trace:
    details = runner.get_input_details()
    state = {name: np.zeros(it["shape"], it["dtype"]) for name, it in details.items() if name != IMAGE}
    rows = []
    for frame in clip.transpose(2, 0, 3, 4, 1):  # (1, S, S, 3)
        found = runner(**state, **{IMAGE: np.ascontiguousarray(frame[:, None])})
        rows.append(found[LOGITS].reshape(-1))
        state = {name: found[name] for name in state}
    return {LOGITS: np.stack(rows), **our_states(_used(state, has_se))}


def _used(state: Mapping[str, Array], has_se: bool) -> Mapping[str, Array]:
    """Leave out what a net without squeeze-excitation passes through: only the head pools."""
    if has_se:
        return state
    return {name: value for name, value in state.items() if "_pool_" not in name or "head_pool_" in name}


def widened(content: bytes, file: TfliteFile, schema: Any) -> bytes | None:
    """Return the file with all its numbers as float32; None where it computes with nothing else as it is."""
    flatbuffers = importlib.import_module("flatbuffers")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(content), 0))
    graph = model.subgraphs[0]
    if not any(tensor.type in ROUNDED for tensor in graph.tensors):
        return None
    for index, tensor in enumerate(graph.tensors):
        _widen(model, tensor, file, index)
    _bypass(model, file)
    builder = flatbuffers.Builder(len(content) * 5)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _widen(model: Any, tensor: Any, file: TfliteFile, index: int) -> None:
    is_scaled = tensor.quantization is not None and tensor.quantization.scale is not None
    if tensor.type not in NARROW and not is_scaled:
        return
    if index not in file.producers and file.has_bytes(index):
        values = file.constant(index)
        buffer = type(model.buffers[0])()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
    tensor.type, tensor.quantization = FLOAT32, None


def _bypass(model: Any, file: TfliteFile) -> None:
    """Take out what narrowed and widened, and let its readers read what it read."""
    graph = model.subgraphs[0]
    same = {it.outputs[0]: it.inputs[0] for it in file.operations if it.kind in BORDERS}

    def source(index: int) -> int:
        while index in same:
            index = same[index]
        return index

    kept = [at for at, it in enumerate(file.operations) if it.kind not in BORDERS]
    graph.operators = [graph.operators[at] for at in kept]
    for operator in graph.operators:
        operator.inputs = np.array([source(int(index)) for index in operator.inputs], np.int32)
    graph.outputs = np.array([source(int(index)) for index in graph.outputs], np.int32)
    for signature in model.signatureDefs or ():
        for output in signature.outputs:
            output.tensorIndex = source(int(output.tensorIndex))
