"""From the operations of a TensorFlow Lite file to a MoViNet's weights.

Names in such files lie: a fused operation bears its last part's, equal kernels are shared, newer converters count. So
what a constant is follows from the way of the data. The depthwise convolutions over pictures are the blocks, in their
order, and their channels tell the variant; the convolution before each expands; all others of a block have shapes of
their own. Norms are folded into kernels, so ours become identities with a bias.

The graphs were read from files of `tf-models-official` 2.20.0 (`export_saved_model.py`) and of TensorFlow Hub.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from stream.errors import ModelError
from stream.importers._tflite_file import Operation, TfliteFile
from stream.importers.base import Weights, floats
from stream.nets._movinet_specs import SPECS, BlockSpec, NetSpec

EPSILON = 1e-3
"""Of our norms."""

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
OTHER_CONVOLUTIONS = ("CONV_3D", "TRANSPOSE_CONV", "CONV_3D_TRANSPOSE")
SHAPELESS = ("RESHAPE", "QUANTIZE", "DEQUANTIZE", "SQUEEZE", "EXPAND_DIMS")
"""Change no value."""
HARD, SMOOTH = ("HARD_SWISH",), ("LOGISTIC",)
CLIPS = ("RELU_0_TO_1", "MINIMUM", "MAXIMUM", "RELU")

Values = npt.NDArray[np.float32]


class NetReader:
    """One pass over a file; `weights` and `facts` hold what was found."""

    def __init__(self, file: TfliteFile) -> None:
        """Read it.

        Raises:
            ModelError: it is no MoViNet's stream net; says what was looked for.
        """
        self._file = file
        self._consumers = _consumers(file)
        self._convs = [operation for operation in file.operations if operation.kind in CONVOLUTIONS]
        self.weights: Weights = {}
        self.facts: dict[str, Any] = {}
        self._read()

    def _read(self) -> None:
        spatial = [conv for conv in self._convs if _is_spatial(self._kernel(conv))]
        spec = self._spec(spatial)
        self._left = [conv for conv in self._convs if conv not in spatial]
        expands = [self._before(conv) for conv in spatial]
        stem = self._take((spec.stem_filters, 3, 3, 3), "the stem")
        self._conv_norm("stem", stem)
        for conv in expands:
            self._left.remove(conv)
        blocks = list(spec.blocks(172))
        plain = 3 + sum(1 + (block.taps > 1) + _is_reshaped(block) for block in blocks)
        self._has_se = len(self._left) > plain
        activations = {self._activation(stem, expands[0])}
        gates = set[str]()
        for block, expand, depthwise in zip(blocks, expands, spatial, strict=True):
            activations.add(self._activation(expand, depthwise))
            gates.add(self._block(block, expand, depthwise))
        self._head(spec)
        self._facts(activations, gates)

    def _spec(self, spatial: list[Operation]) -> NetSpec:
        if odd := [operation.kind for operation in self._file.operations if operation.kind in OTHER_CONVOLUTIONS]:
            raise ModelError(
                f"its graph has {len(odd)} {odd[0]}: a base net, or a stream net exported in its training form; "
                "accepted: a stream net exported with conv_type 2plus1d"
            )
        found = [(kernel.shape[3], kernel.shape[1]) for kernel in map(self._kernel, spatial)]
        for spec in SPECS.values():
            if [(block.expand, block.kernel) for block in spec.blocks(172)] == found:
                return spec
        raise ModelError(
            f"it is no MoViNet: {len(found)} depthwise convolutions over pictures, "
            f"of {', '.join(str(channels) for channels, _ in found[:4])}... channels; known: {', '.join(SPECS)}"
        )

    def _block(self, block: BlockSpec, expand: Operation, depthwise: Operation) -> str:
        """Take a block's weights; return the gate of its squeeze-excitation, "" where it has none."""
        name, middle = f"blocks.{block.name}", block.expand
        self._conv_norm(f"{name}.expand", expand, (middle, block.inputs))
        self._put_depthwise(f"{name}.feature.spatial", depthwise)
        if block.taps > 1:
            self._temporal(f"{name}.feature.temporal", self._take((1, block.taps, 1, middle), f"{block.name}'s taps"))
        gate = self._squeeze(name, middle) if self._has_se else ""
        project = self._take((block.outputs, 1, 1, middle), f"{block.name}'s projection")
        self._conv_norm(f"{name}.project", project)
        self.weights[f"{name}.scale"] = self._rezero(project)
        if _is_reshaped(block):
            skip = self._take((block.outputs, 1, 1, block.inputs), f"{block.name}'s skip")
            self._conv_norm(f"{name}.skip.project", skip)
        return gate

    def _squeeze(self, name: str, middle: int) -> str:
        reduce = self._find(lambda shape: shape[1:] == (1, 1, 2 * middle))
        if reduce is None:
            raise ModelError(f"it is no MoViNet of this kind: no convolution of {2 * middle} means for {name}")
        self._left.remove(reduce)
        hidden = self._kernel(reduce).shape[0]
        expand = self._take((middle, 1, 1, hidden), f"{name}'s gate")
        self._plain(f"{name}.se.reduce", reduce)
        kinds, numbers = self._until(expand)
        gate = _gate(kinds)
        kernel, bias = _rows(self._kernel(expand)), self._bias(expand)
        if gate == "relu6" and 3.0 not in numbers:
            bias = bias - np.float32(3)
        if gate == "clip":
            is_scaled = any(abs(number - 0.2) < 1e-6 for number in numbers)
            shift = 0.0 if any(abs(number - 0.5) < 1e-6 for number in numbers) else 0.5
            factor = np.float32(1.0 if is_scaled else 5.0)
            kernel, bias = kernel * factor, (bias - np.float32(shift)) * factor
        self._put(f"{name}.se.expand.weight", kernel)
        self._put(f"{name}.se.expand.bias", bias)
        return gate

    def _head(self, spec: NetSpec) -> None:
        project = self._take((spec.project_filters, 1, 1, spec.stages[-1].filters), "the head's projection")
        self._conv_norm("project", project)
        dense = self._take((spec.head_filters, 1, 1, spec.project_filters), "the dense layer")
        classifier = self._find(lambda shape: shape[1:] == (1, 1, spec.head_filters))
        if classifier is None:
            raise ModelError("it is no MoViNet: it has no classifier")
        self._left.remove(classifier)
        self._plain("dense", dense)
        self._plain("classifier", classifier)
        self.facts["classifier_activation"] = self._activation(dense, classifier)
        if self._left:
            shapes = ", ".join(str(self._kernel(conv).shape) for conv in self._left[:3])
            raise ModelError(f"it is no MoViNet of this kind: {len(self._left)} convolutions too many ({shapes})")

    def _facts(self, activations: set[str], gates: set[str]) -> None:
        for what, found in (("activations", activations), ("gates", gates)):
            if len(found) != 1:
                raise ModelError(f"its blocks have different {what}: {', '.join(sorted(found)) or 'none'}")
        [gate], [activation] = gates, activations
        self.facts |= {"activation": activation, "se_type": "2plus3d" if gate else "none"}
        if gate:
            self.facts["gate"] = gate

    def _take(self, shape: tuple[int, ...], what: str) -> Operation:
        """Return the next convolution whose kernel has that shape, (outputs, H, W, inputs) or (1, H, W, channels)."""
        found = self._find(lambda kernel: kernel == shape)
        if found is None:
            raise ModelError(f"it is no MoViNet of this kind: no convolution of {shape} for {what}")
        self._left.remove(found)
        return found

    def _find(self, fits: Any) -> Operation | None:
        return next((conv for conv in self._left if fits(self._kernel(conv).shape)), None)

    def _kernel(self, conv: Operation) -> Values:
        """Return a kernel in four dimensions; a fully connected layer's is one of a single pixel."""
        found = self._file.constant(conv.inputs[1]) if len(conv.inputs) > 1 else None
        if found is None or found.ndim not in (2, 4):
            raise ModelError(f"it is no MoViNet: one of its {conv.kind} has no constant kernel")
        return found if found.ndim == 4 else found[:, None, None, :]

    def _bias(self, conv: Operation) -> Values:
        found = self._file.constant(conv.inputs[2]) if len(conv.inputs) > 2 else None
        kernel = self._kernel(conv)
        count = kernel.shape[3] if conv.kind == "DEPTHWISE_CONV_2D" else kernel.shape[0]
        if found is None:
            return np.zeros(count, np.float32)
        if found.shape != (count,):
            raise ModelError(f"a bias of {found.shape} stands beside a kernel of {kernel.shape}")
        return found

    def _put(self, name: str, value: Values) -> None:
        self.weights[name] = floats(name, np.ascontiguousarray(value))

    def _norm(self, name: str, bias: Values) -> None:
        """An identity, as its kernel has taken the norm in, and the bias that was left."""
        channels = bias.shape
        self._put(f"{name}.norm.weight", np.full(channels, np.sqrt(1 + EPSILON), np.float32))
        self._put(f"{name}.norm.bias", bias)
        self._put(f"{name}.norm.running_mean", np.zeros(channels, np.float32))
        self._put(f"{name}.norm.running_var", np.ones(channels, np.float32))

    def _conv_norm(self, name: str, conv: Operation, shape: tuple[int, int] | None = None) -> None:
        kernel = _rows(self._kernel(conv))
        if shape is not None and kernel.shape[:2] != shape:
            raise ModelError(f"it is no MoViNet of this kind: {name} is {kernel.shape}, not {shape}")
        self._put(f"{name}.conv.weight", kernel)
        self._norm(name, self._bias(conv))

    def _put_depthwise(self, name: str, conv: Operation) -> None:
        self._put(f"{name}.conv.weight", self._kernel(conv).transpose(3, 0, 1, 2))
        self._norm(name, self._bias(conv))

    def _temporal(self, name: str, conv: Operation) -> None:
        """(1, taps, 1, C), oldest first -> a tap, (C, 1, 1), each."""
        for index, tap in enumerate(self._kernel(conv)[0, :, 0, :]):
            self._put(f"{name}.taps.{index}", tap.reshape(-1, 1, 1))
        self._norm(name, self._bias(conv))

    def _plain(self, name: str, conv: Operation) -> None:
        self._put(f"{name}.weight", _rows(self._kernel(conv)))
        self._put(f"{name}.bias", self._bias(conv))

    def _before(self, conv: Operation) -> Operation:
        """Return the one convolution whose result, and nothing else's, reaches another."""
        found = {id(operation): operation for operation in self._backward(conv) if operation.kind in CONVOLUTIONS}
        if len(found) != 1:
            raise ModelError(f"it is no MoViNet: {len(found)} convolutions lead to a depthwise one; a MoViNet has 1")
        return next(iter(found.values()))

    def _backward(self, conv: Operation) -> Iterator[Operation]:
        """Yield all that leads to a convolution, up to the convolutions before it."""
        todo, seen = [conv.inputs[0]], set[int]()
        while todo:
            tensor = todo.pop()
            if tensor in seen or (operation := self._file.producers.get(tensor)) is None:
                continue
            seen.add(tensor)
            yield operation
            if operation.kind not in CONVOLUTIONS:
                todo.extend(operation.inputs)

    def _activation(self, conv: Operation, after: Operation) -> str:
        """Return what stands between a convolution and the next one, by its name in a card."""
        kinds = {operation.kind for operation in self._backward(after)} - set(CONVOLUTIONS) | {conv.fused}
        kinds |= {operation.fused for operation in self._backward(after) if operation.kind not in CONVOLUTIONS}
        if kinds & set(SMOOTH):
            return "swish"
        if kinds & set(HARD) or ("RELU6" in kinds and conv.fused != "RELU6" and "MUL" in kinds):
            return "hard_swish"
        if "RELU6" in kinds:
            return "relu6"
        raise ModelError(f"its activation is none that is known ({', '.join(sorted(kinds - {'NONE'})) or 'none'})")

    def _until(self, conv: Operation) -> tuple[set[str], list[float]]:
        """Return what is done with a gate before it meets the features, and with which single numbers."""
        kinds, numbers, tensor = {conv.fused}, list[float](), conv.outputs[0]
        while (operation := next(iter(self._consumers.get(tensor, ())), None)) is not None:
            others = [index for index in operation.inputs if index != tensor]
            constants = [self._file.constant(index) for index in others]
            if operation.kind == "MUL" and any(constant is None for constant in constants):
                break
            if operation.kind in CONVOLUTIONS:
                break
            kinds |= {operation.kind, operation.fused}
            numbers += [float(it.ravel()[0]) for it in constants if it is not None and it.size == 1]
            tensor = operation.outputs[0]
        return kinds, numbers

    def _rezero(self, project: Operation) -> Values:
        """Return the factor of a block, which stands as a constant of the picture's size; 1 where it was folded."""
        tensor = project.outputs[0]
        while (operation := next(iter(self._consumers.get(tensor, ())), None)) is not None:
            if operation.kind == "MUL":
                [factor] = [self._file.constant(index) for index in operation.inputs if index != tensor]
                if factor is None or np.ptp(factor):
                    raise ModelError("it is no MoViNet: a block's result is multiplied by more than one number")
                return np.asarray(factor.ravel()[0], np.float32)
            if operation.kind not in SHAPELESS:
                break
            tensor = operation.outputs[0]
        return np.ones((), np.float32)


def _consumers(file: TfliteFile) -> dict[int, list[Operation]]:
    found: dict[int, list[Operation]] = {}
    for operation in file.operations:
        for tensor in operation.inputs:
            found.setdefault(tensor, []).append(operation)
    return found


def _is_reshaped(block: BlockSpec) -> bool:
    return block.stride > 1 or block.inputs != block.outputs


def _is_spatial(kernel: Values) -> bool:
    """Say whether a kernel is depthwise and over pictures: 3x3 or 5x5 pixels of more than three channels."""
    return kernel.shape[0] == 1 and kernel.shape[1] == kernel.shape[2] and kernel.shape[1] in (3, 5)


def _rows(kernel: Values) -> Values:
    """(outputs, H, W, inputs) -> (outputs, inputs, H, W)."""
    return kernel.transpose(0, 3, 1, 2)


def _gate(kinds: set[str]) -> str:
    if "LOGISTIC" in kinds:
        return "sigmoid"
    if "RELU6" in kinds:
        return "relu6"
    if kinds & set(CLIPS):
        return "clip"
    raise ModelError(f"the gate of its squeeze-excitation is none that is known ({', '.join(sorted(kinds))})")
