"""Engine -> the largest difference of its logits from PyTorch that is accepted."""

EXAMPLES = {
    "fused": 1e-4,
    "onnxruntime": 1e-4,
    "openvino": 1e-4,
    "torch": 2e-5,
}
