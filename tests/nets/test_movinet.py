"""MoViNet's state: what it holds, how it forgets, and that no cutting or batching changes a number."""

from functools import cache
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from stream.cards import Card
from stream.errors import ShapeError, UnknownPart
from stream.nets._movinet_specs import COUNT, POSITION
from stream.nets.base import TensorState
from stream.nets.movinet import MoViNet, build
from tests.parity import ours, weights

TOLERANCE = 2e-5
"""Largest difference of a logit, and of a state in parts of its largest element: the same sums in another order."""
SIDES = {"t0": 35, "a0": 32, "a3": 34}
FRAMES = 8

variants = pytest.mark.parametrize("variant", SIDES)


@cache
def net(variant: str, trained_frames: int = 50) -> MoViNet:
    return ours.net(variant, "stream", SIDES[variant], classes=10, trained_frames=trained_frames)


@cache
def clip(variant: str, batch: int = 1, frames: int = FRAMES) -> Tensor:
    return torch.from_numpy(weights.clip(f"{variant} {batch}", batch, frames, SIDES[variant]))


@cache
def whole(variant: str, decay: float) -> tuple[Tensor, TensorState]:
    with torch.inference_mode():
        return net(variant).frames(clip(variant, 2), net(variant).init_state(2), decay)


def feed(
    made: MoViNet, pieces: list[Tensor], state: TensorState, decay: float | Tensor = 1.0
) -> tuple[Tensor, TensorState]:
    with torch.inference_mode():
        for piece in pieces:
            logits, state = made(piece, state, decay)
    return logits, state


def difference(found: TensorState, expected: TensorState) -> float:
    assert list(found) == list(expected)
    return max(float((found[key] - e).abs().max() / max(1.0, float(e.abs().max()))) for key, e in expected.items())


@variants
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_no_cutting_of_a_clip_changes_a_number(variant: str, data: st.DataObject) -> None:
    cuts = data.draw(st.sets(st.integers(1, FRAMES - 1)), "cuts")
    decay = data.draw(st.sampled_from([1.0, 0.9]), "decay")
    edges = [0, *sorted(cuts), FRAMES]
    expected, last = whole(variant, decay)
    state = net(variant).init_state(2)
    for begin, end in pairwise(edges):
        logits, state = feed(net(variant), [clip(variant, 2)[:, :, begin:end]], state, decay)
        assert (logits - expected[:, end - 1]).abs().max() < TOLERANCE
    assert difference(state, last) < TOLERANCE


@variants
def test_a_batch_of_streams_of_different_age_and_memory_equals_each_alone(variant: str) -> None:
    made, streams = net(variant, 4), clip(variant, 3)
    ages, decays = (0, 3, 6), (1.0, 0.8, 0.95)
    rows = [streams[i : i + 1] for i in range(3)]
    states = [
        feed(made, [row[:, :, :age]], made.init_state(1), decay)[1] if age else made.init_state(1)
        for row, age, decay in zip(rows, ages, decays, strict=True)
    ]
    nexts = [row[:, :, age : age + 2] for row, age in zip(rows, ages, strict=True)]
    joined = {name: torch.cat([state[name] for state in states]) for name in states[0]}
    logits, after = feed(made, [torch.cat(nexts)], joined, torch.tensor(decays))
    for i in range(3):
        expected, last = feed(made, [nexts[i]], states[i], decays[i])
        assert (logits[i] - expected[0]).abs().max() < TOLERANCE
        assert difference({name: tensor[i : i + 1] for name, tensor in after.items()}, last) < TOLERANCE


def pooled(made: MoViNet, streams: Tensor, decay: float) -> tuple[TensorState, dict[str, list[Tensor]]]:
    """Feed frame by frame; return the last state and the mean over H and W of what each pool was given."""
    given_to: dict[str, list[Tensor]] = {}
    watched = {f"{name}_pool_buffer": block.feature for name, block in made.blocks.items()}
    watched["head_pool_buffer"] = made.project

    def watch(name: str, output: Tensor) -> None:
        given_to.setdefault(name, []).append(output.mean((2, 3), keepdim=True))

    hooks = [m.register_forward_hook(lambda *a, name=name: watch(name, a[-1])) for name, m in watched.items()]
    _, state = feed(made, list(streams.split(1, 2)), made.init_state(streams.shape[0]), decay)
    for hook in hooks:
        hook.remove()
    return state, given_to


@variants
def test_an_infinite_memory_is_a_plain_sum_bit_for_bit(variant: str) -> None:
    state, given_to = pooled(net(variant), clip(variant), 1.0)
    for name, means in given_to.items():
        total = torch.zeros_like(means[0])
        for mean in means:
            total = total + mean
        assert torch.equal(state[name], total), name
    assert state[COUNT].item() == FRAMES


@variants
def test_a_finite_memory_forgets_every_pool_and_the_count_alike(variant: str) -> None:
    decay = 0.7
    state, given_to = pooled(net(variant), clip(variant), decay)
    assert {name for name in state if name.endswith("pool_buffer")} == given_to.keys()
    factors = [decay ** (FRAMES - 1 - i) for i in range(FRAMES)]
    for name, means in given_to.items():
        expected = sum(factor * mean.double() for factor, mean in zip(factors, means, strict=True))
        assert torch.allclose(state[name].double(), expected, rtol=1e-5, atol=1e-6), name
    assert state[COUNT].item() == pytest.approx(sum(factors), rel=1e-6)


def test_what_was_seen_long_ago_is_forgotten_only_with_a_finite_memory() -> None:
    made, streams = net("t0"), clip("t0", 2, 40)  # T0's buffers reach 22 frames back
    same_end = torch.cat([streams[:, :, :10], streams[:1, :, 10:].expand(2, -1, -1, -1, -1)], 2)
    forgetting, _ = feed(made, [same_end], made.init_state(2), 0.5)
    cumulative, _ = feed(made, [same_end], made.init_state(2), 1.0)
    assert (forgetting[0] - forgetting[1]).abs().max() < TOLERANCE
    assert (cumulative[0] - cumulative[1]).abs().max() > 1e-3


def test_the_positional_index_stops_at_the_last_trained_frame_only_when_the_memory_is_finite() -> None:
    made = net("a3", trained_frames=4)
    for decay, expected in ((1.0, [1, 2, 3, 4, 5, 6]), (0.9, [1, 2, 3, 3, 3, 3])):
        state, seen = made.init_state(1), []
        for frame in clip("a3").split(1, 2)[:6]:
            _, state = feed(made, [frame], state, decay)
            seen.append(int(state[POSITION].item()))
        assert seen == expected
    whole_clip, chunked = (
        feed(made, pieces, made.init_state(1), 0.9) for pieces in ([clip("a3")], list(clip("a3").split(2, 2)))
    )
    assert (whole_clip[0] - chunked[0]).abs().max() < TOLERANCE


def test_the_positional_index_matters() -> None:
    made = net("a3")
    state = made.init_state(1)
    now, _ = feed(made, [clip("a3")[:, :, :1]], state)
    later, _ = feed(made, [clip("a3")[:, :, :1]], state | {POSITION: torch.full((1, 1, 1, 1), 7.0)})
    assert (now - later).abs().max() > 1e-2


def test_the_gate_is_the_cards() -> None:
    streams = clip("a0")
    found = [
        feed(made, [streams], made.init_state(1))[0]
        for made in (net("a0"), ours.net("a0", "stream", 32, gate="clip", classes=10))
    ]
    assert (found[0] - found[1]).abs().max() > 1e-2


A0_TAPS = {
    **dict.fromkeys(("block1_layer0", "block1_layer1", "block1_layer2", "block2_layer1", "block2_layer2"), 3),
    **dict.fromkeys(("block3_layer1", "block3_layer2", "block3_layer3"), 3),
    **dict.fromkeys(("block2_layer0", "block3_layer0", "block4_layer0"), 5),
}
"""Taps in time of A0's layers that have more than one."""
A0_LAYERS = ("0 0", "1 0", "1 1", "1 2", "2 0", "2 1", "2 2", "3 0", "3 1", "3 2", "3 3", "4 0", "4 1", "4 2", "4 3")


def test_the_states_of_a0_are_these() -> None:
    expected = []
    for block, layer in map(str.split, A0_LAYERS):
        name = f"block{block}_layer{layer}"
        expected += [f"{name}_stream_buffer_{age}" for age in range(A0_TAPS.get(name, 1) - 1)]
        expected.append(f"{name}_pool_buffer")
    assert list(net("a0").init_state()) == [*expected, "head_pool_buffer", "pool_frame_count"]


@pytest.mark.parametrize(
    ("variant", "side_px", "buffers", "pools", "frames", "size_bytes", "parameters"),
    [("a0", 172, 11, 16, 28, 2_696_832, 3_748_031), ("a2", 224, 19, 27, 44, 10_828_460, 7_326_962)],
)
def test_the_inventory_is_googles(
    variant: str, side_px: int, buffers: int, pools: int, frames: int, size_bytes: int, parameters: int
) -> None:
    labels = tuple(map(str, range(600)))
    made = build(Card(name=variant, architecture="movinet", variant=variant, side_px=side_px, fps=5.0, labels=labels))
    state = made.init_state()
    past = [name for name in state if "_stream_buffer_" in name]
    assert len({name.rsplit("_", 1)[0] for name in past}) == buffers
    assert len(past) == frames
    assert sum(name.endswith("_pool_buffer") for name in state) == pools
    found_bytes = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    assert found_bytes + 4 * (pools - 1) == size_bytes  # Google keeps a count for each pool
    assert sum(parameter.numel() for parameter in made.parameters()) == parameters


def test_a_base_net_keeps_no_state_and_sees_the_future() -> None:
    made = ours.net("t0", "base", 35, classes=10)
    assert made.init_state(3) == {}
    logits, state = feed(made, [clip("t0", 2)], {})
    assert logits.shape == (2, 10)
    assert state == {}


def test_a_clip_that_does_not_fit_is_refused_with_both_shapes() -> None:
    made = net("t0")
    for shape in ((1, 3, 1, 32, 32), (1, 1, 1, 35, 35), (1, 3, 0, 35, 35), (3, 1, 35, 35)):
        with pytest.raises(ShapeError, match=r"35, 35"):
            made(torch.zeros(shape), made.init_state(1))


def test_an_unknown_variant_is_refused_with_the_known_ones() -> None:
    card = Card(name="x", architecture="movinet", variant="a9", side_px=32, fps=5.0, labels=("one",))
    with pytest.raises(UnknownPart, match=r"'a9'; known: a0, a1, a2"):
        build(card)
