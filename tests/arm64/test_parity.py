"""The exported default on the instructions of every phone: aarch64, emulated. `make test-arm64`."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import stream
from tests.arm64 import machine

pytestmark = [
    pytest.mark.arm64,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(machine.missing()), reason=f"not here: {machine.missing()}"),
]
FRAMES, BOUND = 50, 1e-4


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the reference, PyTorch on this machine, says of random frames."""
    machine.make()
    recogniser, rng = stream.load("gestures-a0", runtime="torch"), np.random.default_rng(0)
    clips = rng.random((FRAMES, 3, recogniser.card.side_px, recogniser.card.side_px), np.float32)
    state, logits = recogniser.init_state(1), []
    for image in clips:
        said, state = recogniser.step(image[None, :, None], state)
        logits.append(said[0])
    path = tmp_path_factory.mktemp("arm64") / "frames.npz"
    np.savez(path, clips=clips, logits=logits)
    return path


@pytest.mark.parametrize("engine", ["onnxruntime", "fused"])
def test_an_arm_processor_says_what_the_reference_says(frames: Path, engine: str, say: Callable[[str], None]) -> None:
    found = json.loads(
        machine.run(str(Path(machine.__file__).with_name("guest.py")), "gestures-a0", str(frames), engine)
    )
    assert (found["machine"], found["frames"]) == ("aarch64", FRAMES)
    assert found["engine"].startswith(engine)
    assert found["largest_difference"] < BOUND
    assert found["same_top_1"] == 1
    say(f"{found['engine']}: largest difference {found['largest_difference']:.1e} over {FRAMES} frames")
