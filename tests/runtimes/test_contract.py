"""What every engine must do."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream import rooms
from stream.cards import Card
from stream.errors import ModelError, NotBuilt, ShapeError
from stream.nets._movinet_specs import POSITION
from stream.runtimes.base import Runtime, stepper
from stream.types import Array, State
from tests import tiny
from tests.runtimes.examples import ENGINES, EXAMPLES

SAME = 1e-5
"""Between two ways of one engine: a larger batch may be summed in another order."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Card]:
    return {name: tiny.write(tmp_path_factory.mktemp(name), name) for name in tiny.CARDS}


@pytest.fixture(scope="module", params=sorted(tiny.CARDS))
def card(request: pytest.FixtureRequest, models: dict[str, Card]) -> Card:
    return models[request.param]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    assert request.param in EXAMPLES, f"tests/runtimes/examples.py has no example for {request.param!r}"
    try:
        rooms.find("runtimes", request.param).build(tiny.card("relu6"))
    except NotBuilt as error:
        pytest.skip(str(error))
    except ModelError:
        pass  # it is there, and asks for weights
    return str(request.param)


@pytest.fixture(scope="module")
def runtime(engine: str, card: Card) -> Runtime:
    made: Runtime = rooms.find("runtimes", engine).build(card)
    return made


def clip_of(runtime: Runtime, frames: int, seed: int = 0, batch: int = 1) -> Array:
    side = runtime.card.side_px
    return np.random.default_rng(seed).random((batch, 3, frames, side, side), np.float32)


def close(found: Array, expected: Array, tolerance: float = SAME) -> bool:
    """Compare numbers whose size counts only above one."""
    return bool(np.abs(found - expected).max() <= tolerance * max(1.0, float(np.abs(expected).max())))


def one_by_one(runtime: Runtime, clip: Array) -> tuple[Array, State]:
    """Return the logits after every frame, (T, K), and the last state."""
    state, logits = runtime.init_state(), []
    for index in range(clip.shape[2]):
        found, state = runtime.step(clip[:, :, index : index + 1], state)
        logits.append(found[0])
    return np.stack(logits), state


def test_it_agrees_with_the_net_over_fifty_steps_state_included(runtime: Runtime, engine: str) -> None:
    clip, net = clip_of(runtime, 50), tiny.net(runtime.card)
    with torch.no_grad():
        expected, after = net.frames(torch.from_numpy(clip), net.init_state(), runtime.card.decay)
    logits, state = one_by_one(runtime, clip)
    assert np.ptp(expected.numpy(), axis=1).max() > 0.01, "a net that says the same of every frame tests nothing"
    assert np.abs(logits - expected[0].numpy()).max() <= EXAMPLES[engine]
    assert state.keys() == after.keys()
    assert [name for name in state if not close(state[name], after[name].numpy(), 1e-4)] == []


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, 11)))
def test_cutting_the_clip_elsewhere_changes_nothing(runtime: Runtime, cuts: set[int]) -> None:
    clip = clip_of(runtime, 12)
    expected, last = one_by_one(runtime, clip)
    state = runtime.init_state()
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), 12], strict=True):
        logits, state = runtime.step(clip[:, :, begin:end], state)
    assert close(logits[0], expected[-1])
    assert all(close(state[name], last[name]) for name in last)


def test_rows_of_different_age_and_decay_are_each_as_if_alone(runtime: Runtime) -> None:
    old, new = clip_of(runtime, 9, seed=1), clip_of(runtime, 3, seed=2)
    _, aged = runtime.step(old[:, :, :6], runtime.init_state(), 0.8)
    both = {name: np.concatenate([aged[name], start]) for name, start in runtime.init_state().items()}
    logits, after = runtime.step(np.concatenate([old[:, :, 6:], new]), both, np.array([0.8, 1.0], np.float32))
    for row, (clip, state, decay) in enumerate([(old[:, :, 6:], aged, 0.8), (new, runtime.init_state(), 1.0)]):
        alone, expected = runtime.step(clip, state, decay)
        assert close(logits[row], alone[0])
        assert all(close(after[name][row], expected[name][0]) for name in expected)


def test_the_cards_decay_is_the_default(runtime: Runtime) -> None:
    clip = clip_of(runtime, 4)
    unsaid, _ = runtime.step(clip, runtime.init_state())
    said, _ = runtime.step(clip, runtime.init_state(), runtime.card.decay)
    other, _ = runtime.step(clip, runtime.init_state(), 0.3)
    assert np.array_equal(unsaid, said)
    assert not np.allclose(unsaid, other)


def test_streams_on_many_threads_share_a_runtime_without_meeting(runtime: Runtime) -> None:
    clips = [clip_of(runtime, 4, seed) for seed in range(4)]
    alone = [one_by_one(runtime, clip)[0] for clip in clips]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda clip: one_by_one(runtime, clip)[0], clips))
    assert all(close(found, expected) for found, expected in zip(together, alone, strict=True))
    assert not close(alone[0], alone[1], 1e-3)


def test_what_goes_in_is_left_as_it_was_and_can_be_stepped_again(runtime: Runtime) -> None:
    clip = clip_of(runtime, 3)
    _, state = runtime.step(clip, runtime.init_state())
    kept, kept_clip = {name: value.copy() for name, value in state.items()}, clip.copy()
    first, _ = runtime.step(clip, state)
    again, after = runtime.step(clip, state)
    assert np.array_equal(first, again)
    assert np.array_equal(clip, kept_clip)
    assert all(np.array_equal(state[name], kept[name]) for name in kept)
    assert any(not np.array_equal(after[name], kept[name]) for name in kept)


def test_a_stepper_gives_the_logits_of_the_pure_step_and_forgets_when_told(runtime: Runtime) -> None:
    clip, decay = clip_of(runtime, 6, batch=2), np.array([0.7, 1.0], np.float32)
    state, kept = runtime.init_state(2), stepper(runtime, 2)
    for _ in range(2):
        state = runtime.init_state(2)
        for begin, end in ((0, 1), (1, 4), (4, 6)):
            expected, state = runtime.step(clip[:, :, begin:end], state, decay)
            assert close(kept.step(clip[:, :, begin:end], decay), expected)
        kept.reset()
    with pytest.raises(ShapeError, match=r"clip is|state "):
        kept.step(clip[:1])


def test_a_state_keeps_its_names_shapes_and_types(runtime: Runtime) -> None:
    before = runtime.init_state(2)
    logits, after = runtime.step(clip_of(runtime, 2, batch=2), before)
    assert logits.shape == (2, len(runtime.card.labels))
    assert logits.dtype == np.float32
    described = {name: (value.shape, value.dtype) for name, value in before.items()}
    assert {name: (value.shape, value.dtype) for name, value in after.items()} == described
    assert not any(value.any() for value in before.values())


def test_a_position_stops_where_training_stopped_only_when_the_memory_ends(
    engine: str, models: dict[str, Card]
) -> None:
    runtime: Runtime = rooms.find("runtimes", engine).build(models["positional"])
    _, forgetting = runtime.step(clip_of(runtime, 12), runtime.init_state())
    _, endless = runtime.step(clip_of(runtime, 12), runtime.init_state(), 1.0)
    assert forgetting[POSITION].item() == runtime.card.trained_frames - 1
    assert endless[POSITION].item() == 12


@pytest.mark.parametrize(
    "shape", [(1, 3, 0, 32, 32), (1, 3, 1, 32, 31), (1, 1, 1, 32, 32), (3, 1, 32, 32), (0, 3, 1, 32, 32)]
)
def test_a_clip_that_does_not_fit_is_refused_with_both_shapes(runtime: Runtime, shape: tuple[int, ...]) -> None:
    side = runtime.card.side_px
    shape = tuple(side if size == 32 else size for size in shape)
    with pytest.raises(ShapeError) as caught:
        runtime.step(np.zeros(shape, np.float32), runtime.init_state())
    assert f"clip is {shape}" in str(caught.value)
    assert f"(B, 3, T >= 1, {side}, {side})" in str(caught.value)


def test_a_clip_of_whole_numbers_is_refused(runtime: Runtime) -> None:
    clip = np.zeros((1, 3, 1, runtime.card.side_px, runtime.card.side_px), np.uint8)
    with pytest.raises(ShapeError, match=r"clip is uint8.*float32"):
        runtime.step(clip, runtime.init_state())  # type: ignore[arg-type]


def test_a_state_that_does_not_fit_is_refused_with_both_shapes(runtime: Runtime) -> None:
    with pytest.raises(ShapeError, match=r"is \(2, .*takes \(1, "):
        runtime.step(clip_of(runtime, 1), runtime.init_state(2))
    state = dict(runtime.init_state())
    del state["head_pool_buffer"]
    with pytest.raises(ShapeError, match="head_pool_buffer"):
        runtime.step(clip_of(runtime, 1), state)


def test_a_decay_that_does_not_fit_is_refused_with_both_shapes(runtime: Runtime) -> None:
    with pytest.raises(ShapeError, match=r"decay is \(3,\).*\(2,\)"):
        runtime.step(clip_of(runtime, 1, batch=2), runtime.init_state(2), np.full(3, 0.9, np.float32))


def test_it_names_itself_and_its_card(runtime: Runtime, engine: str, card: Card) -> None:
    assert runtime.name.startswith(f"{engine} ")
    assert runtime.card == card
