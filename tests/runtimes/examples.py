"""Engine -> the largest difference of its logits from PyTorch that is accepted."""

import pytest

from stream import rooms

EXAMPLES = {
    "fused": 1e-4,
    "onnxruntime": 1e-4,
    "openvino": 1e-4,
    "torch": 2e-5,
}

ALONE = {"openvino"}
"""Engines with threads and an allocator of their own: `make test-NAME` tests them, in a process without others."""

ENGINES = [
    pytest.param(name, marks=getattr(pytest.mark, name)) if name in ALONE else name for name in rooms.names("runtimes")
]
"""Every engine, for parametrize; one that is tested alone has its own name for a marker."""
