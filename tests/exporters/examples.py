"""Export target -> the largest difference of its logits from PyTorch that is accepted."""

EXAMPLES = {
    "onnx": 1e-4,
}
