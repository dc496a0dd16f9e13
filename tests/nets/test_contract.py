"""Every architecture is a pure function of clip and state, however the clip is cut."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from stream import rooms
from stream.nets.base import TensorState
from tests.nets.examples import EXAMPLES
from tests.parity import weights

NETS = rooms.names("nets")
pytestmark = pytest.mark.parametrize("name", NETS)

TOLERANCE = 2e-5
"""Largest difference of a logit: the same sums in another order."""


@pytest.fixture
def net(name: str) -> Any:
    """The example, every number of it moved off its start: fresh weights hide what a block does."""
    assert name in EXAMPLES, f"tests/nets/examples.py has no line for the architecture {name!r}"
    made = rooms.find("nets", name).build(EXAMPLES[name]).eval().requires_grad_(False)
    for key, tensor in made.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.from_numpy(weights.value(key, tuple(tensor.shape))))
    return made


def clip(name: str, batch: int = 2, frames: int = 6) -> Tensor:
    return torch.from_numpy(weights.clip(name, batch, frames, EXAMPLES[name].side_px))


def frame_by_frame(net: Any, clip: Tensor) -> tuple[Tensor, TensorState]:
    state = net.init_state(clip.shape[0])
    for frame in clip.split(1, 2):
        logits, state = net.forward(frame, state)
    return logits, state


def test_a_whole_clip_equals_its_frames_one_by_one(net: Any, name: str) -> None:
    whole, state = net.forward(clip(name), net.init_state(2))
    single, last = frame_by_frame(net, clip(name))
    assert whole.shape == (2, len(EXAMPLES[name].labels))
    assert (whole - single).abs().max() < TOLERANCE
    assert all((state[key] - last[key]).abs().max() < TOLERANCE * max(1, last[key].abs().max()) for key in last)


def test_the_past_matters(net: Any, name: str) -> None:
    after_others, _ = net.forward(clip(name), net.init_state(2))
    alone, _ = net.forward(clip(name)[:, :, -1:], net.init_state(2))
    assert (after_others - alone).abs().max() > 1000 * TOLERANCE


def test_a_state_keeps_its_names_shapes_and_types(net: Any, name: str) -> None:
    before = net.init_state(2)
    _, after = net.forward(clip(name), before)
    assert [(key, t.shape, t.dtype) for key, t in after.items()] == [
        (key, t.shape, t.dtype) for key, t in before.items()
    ]
    assert list(net.init_state(1)) == list(before)
    assert all(tensor.shape[0] == 2 and tensor.ndim <= 4 for tensor in before.values())
    assert all(not tensor.any() for tensor in before.values())


def test_no_state_name_begins_another(net: Any, name: str) -> None:
    names = sorted(net.init_state())
    assert not [pair for pair in pairwise(names) if pair[1].startswith(pair[0])]


def test_a_step_leaves_its_state_and_clip_as_they_were(net: Any, name: str) -> None:
    _, state = frame_by_frame(net, clip(name))
    fed = clip(name, frames=1)
    copies = {key: tensor.clone() for key, tensor in state.items()}
    first, after = net.forward(fed, state)
    assert all(torch.equal(state[key], copies[key]) for key in state)
    assert torch.equal(fed, clip(name, frames=1))
    for tensor in after.values():
        tensor.fill_(7.0)
    assert torch.equal(net.forward(fed, state)[0], first)


def test_rows_of_different_age_share_a_batch(net: Any, name: str) -> None:
    old, young = clip(name, 1, 7), clip(name, 1, 3).flip(3)
    _, old_state = net.forward(old[:, :, :6], net.init_state(1))
    _, young_state = net.forward(young[:, :, :2], net.init_state(1))
    both = {key: torch.cat([old_state[key], young_state[key]]) for key in old_state}
    logits, state = net.forward(torch.cat([old[:, :, 6:], young[:, :, 2:]]), both)
    for row, (stream, alone) in enumerate(((old[:, :, 6:], old_state), (young[:, :, 2:], young_state))):
        expected, expected_state = net.forward(stream, alone)
        assert (logits[row] - expected[0]).abs().max() < TOLERANCE
        assert all(
            (state[key][row] - e[0]).abs().max() < TOLERANCE * max(1, e.abs().max())
            for key, e in expected_state.items()
        )
