"""Our network says what Google's says, within 1e-4: the files are Google's logits, `make parity` keeps them true."""

import json

import pytest
import torch

from tests.parity import ours, weights
from tests.parity.cases import CASES, FRAMES, GOLDEN, SHOWN, Case, golden_file

TOLERANCE = 1e-4


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_equals_google(case: Case) -> None:
    golden = json.loads(golden_file(case).read_text())
    made = ours.net_of(case, golden["side_px"])
    clip = torch.from_numpy(weights.clip(case.name, 1, FRAMES, golden["side_px"]))
    expected = torch.tensor(golden["logits"])
    with torch.inference_mode():
        found, _ = made.frames(clip, made.init_state(1))
    assert expected.std() > 0.2
    assert (found[0][:, list(SHOWN)] - expected).abs().max() < TOLERANCE
    if case.kind == "stream":
        assert (expected[0] - expected[-1]).abs().max() > 0.1
        single, _ = ours.stream(made, clip, (1,) * FRAMES)
        assert (single[:, 0, list(SHOWN)] - expected).abs().max() < TOLERANCE


def test_every_variant_is_held_against_google_and_no_file_is_left_over() -> None:
    assert {(case.variant, case.kind) for case in CASES} == {
        (variant, kind) for variant in ("t0", "a0", "a1", "a2", "a3", "a4", "a5") for kind in ("stream", "base")
    }
    assert sorted(GOLDEN.iterdir()) == sorted(map(golden_file, CASES))
