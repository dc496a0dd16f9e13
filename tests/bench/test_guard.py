"""The fused engine stays ahead: a ratio in one interleaved run. `make guard` compares it with LiteRT."""

import pytest

from stream import cards
from stream.bench.meter import Plan
from stream.bench.step import contestants, run
from stream.runtimes import _fused_library as native

BOUND = 0.75
"""Times ONNX Runtime's: 0.42 was measured for A0 (docs/engine.md); the rest is room for other processors and noise."""

pytestmark = pytest.mark.skipif(not native.LIBRARY.exists(), reason="the fused engine was not built: no C++ compiler")


def test_a_step_of_the_shipped_model_is_much_shorter_than_onnx_runtimes() -> None:
    if native.levels() == ("plain",):
        pytest.skip("this processor has no vectors that the engine knows")
    card = cards.load("gestures-a0")
    report = run(card, contestants(card, ["fused", "onnxruntime"], {}, 1), Plan(rounds=30, clock="cpu"))
    found = report.ratios["fused"]
    assert found.low <= BOUND, f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
