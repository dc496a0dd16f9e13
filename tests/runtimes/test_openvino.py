"""What OpenVINO does to the process that it runs in."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiny

PROGRAM = """
import signal, subprocess, sys
from stream import cards
from stream.runtimes.openvino import build
from stream.runtimes.base import stepper
for _ in range(3):  # made and gone again, for one stream and for many
    runtime = build(cards.load(sys.argv[1]))
    side = runtime.card.side_px
    for batch in (1, 2):
        import numpy as np
        runtime.step(np.zeros((batch, 3, 1, side, side), np.float32), runtime.init_state(batch))
    del runtime
heard = []
signal.signal(signal.SIGCHLD, lambda number, _: heard.append(number))
subprocess.run([sys.executable, "-c", ""], check=True)
assert heard
"""


@pytest.mark.openvino
def test_signals_are_handled_after_models_have_come_and_gone(tmp_path: Path) -> None:
    path = tiny.write(tmp_path, "relu6").path
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM, str(path)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
