"""Writes a stream net for phones in ONNX Runtime's own format, which its small builds read, and what those need.

Beside the file lies PATH.required_operators_and_types.config: a build of ONNX Runtime with `--include_ops_by_config` of
it and `--enable_reduced_operator_type_support` holds the operators and types of this model and no others.
"""

import logging
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from onnxruntime.tools import convert_onnx_models_to_ort as ort

from stream.cards import Card
from stream.exporters import _onnxfile, _parity, _phone
from stream.exporters.base import Bound, Parity
from stream.nets.base import Net
from stream.nets.movinet import MoViNet
from stream.types import Array

SUFFIX, IS_LOADABLE, IS_FOLDED, BOUND = "ort", False, True, Bound(1e-4)

logging.getLogger("ort_format_model.utils").setLevel(logging.WARNING)  # it tells where its temporary files are

OPERATORS = ".required_operators_and_types.config"


def export(net: Net, card: Card, path: Path, footage: Sequence[Array] = ()) -> Parity:
    """Write the net to `path` and the list of its operators beside it; see `exporters.base.Export`."""
    net = _parity.streamable(net, card)
    content, operators = encode(net, card)
    parity = _parity.compare(net, card, _parity.onnx_step(content), BOUND, footage)
    _onnxfile.write(path, content)
    _onnxfile.write(path.with_name(path.name + OPERATORS), operators)
    return parity


def encode(net: MoViNet, card: Card) -> tuple[bytes, bytes]:
    """Return the file's bytes and its list of operators, the same for the same net and card."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "model.onnx")
        file.write_bytes(_phone.encode(net, card, "float32"))
        style = ort.OptimizationStyle.Runtime
        with redirect_stdout(StringIO()), warnings.catch_warnings(action="ignore", category=ResourceWarning):
            # it tells what it does where results are said, and leaves closing its files to the garbage collector
            ort.convert_onnx_models_to_ort(file, optimization_styles=[style], enable_type_reduction=True)
        [operators] = Path(name).glob("*.config")
        lines = [line for line in operators.read_text("utf-8").splitlines() if not line.startswith("#")]
        return file.with_suffix(".with_runtime_opt.ort").read_bytes(), "".join(f"{line}\n" for line in lines).encode()
