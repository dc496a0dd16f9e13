"""Export target -> the largest difference of its logits from PyTorch that is accepted, on nets of random weights."""

EXAMPLES = {
    "executorch": 1e-4,
    "litert": 1e-4,
    "onnx": 1e-4,
    "onnx-fp16": 0.03,
    "onnx-int8": 0.5,
    "ort": 1e-4,
}

REPRODUCIBLE = {"onnx", "onnx-fp16", "onnx-int8"}
"""Targets whose bytes are the same for the same net; the others order some of them as the converter happens to."""
