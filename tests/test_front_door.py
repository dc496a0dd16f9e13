"""`import stream` is quick, brings nothing heavy, and offers a dozen names."""

import subprocess
import sys
from pathlib import Path

import pytest

import stream

HEAVY = ("av", "grpc", "matplotlib", "numpy", "onnxruntime", "rich", "torch", "typer")
ENGINES = ("av", "grpc", "matplotlib", "onnxruntime", "torch")


def fresh(code: str) -> str:
    """Run code in a new interpreter; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    return done.stdout.strip()


def test_the_names_are_about_a_dozen_sorted_and_documented() -> None:
    assert stream.__all__ == sorted(stream.__all__)
    assert 10 <= len(stream.__all__) <= 16
    for name in stream.__all__:
        assert getattr(stream, name).__doc__, name


def test_the_names_are_exactly_these() -> None:
    assert set(stream.__all__) == {
        *("Card", "Drops", "Frame", "Label", "LabelEvent", "Phase", "Recogniser", "Session", "SessionSettings"),
        *("StreamError", "Update", "load", "open_source", "run"),
    }


def test_a_name_it_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'stream' has no attribute 'nothing'"):
        _ = stream.nothing


def test_importing_it_takes_less_than_0_3_s() -> None:
    code = "import time; t = time.perf_counter(); import stream; print(time.perf_counter() - t)"
    assert min(float(fresh(code)) for _ in range(3)) < 0.3


def test_importing_it_brings_nothing_heavy() -> None:
    assert fresh(f"import sys, stream; print([name for name in {HEAVY} if name in sys.modules])") == "[]"


def test_using_every_name_of_it_brings_no_engine_no_decoder_and_no_transport() -> None:
    assert (
        fresh(f"import sys; from stream import *; print([name for name in {ENGINES} if name in sys.modules])") == "[]"
    )
