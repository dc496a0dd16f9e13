"""Engine -> the largest difference of its logits from PyTorch that is accepted."""

EXAMPLES = {
    "fused": 1e-4,
    "onnxruntime": 1e-4,
    "openvino": 1e-4,
    "torch": 2e-5,
}

ALONE = {"openvino"}
"""Engines with threads and an allocator of their own: `make test-NAME` tests them, in a process without others."""
